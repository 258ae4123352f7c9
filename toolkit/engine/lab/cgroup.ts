// The cgroups of a lab: a group in every hierarchy, which in the lab is the top of all. Its processes live in a group
// below, as on a machine with systemd: a v2 group with processes in it cannot pass controllers on.
import { type Action, writeAction } from '../../kernel/action.ts'
import { AT, MS, O } from '../../kernel/constants.ts'
import { type Descriptor, type Step, step } from '../../kernel/step.ts'
import { readLayout } from '../../observe/cgroups.ts'
import { enter } from '../../primitives/cgroup-namespace.ts'
import * as cgroups from '../../primitives/cgroups.ts'
import type { Controller, Resources } from '../../primitives/limits.ts'
import type { Mount } from '../../primitives/mount.ts'
import { limits } from '../cgroup/cgroup.ts'
import { NO_CGROUPS, placeGroups } from '../cgroup/place.ts'
import { directoryName, view } from '../cgroup/view.ts'

/** The group of the lab's own processes, below the top. */
const HOME = 'lab'
const MOUNT_POINT = '/sys/fs/cgroup'

/** What a machine with systemd can pass on. */
export const CONTROLLERS: readonly Controller[] = ['memory', 'pids', 'cpu', 'cpuset', 'io']

/**
 * For the whole lab. A fork bomb in it leaves the machine the rest of its pids, 32768 on a small one; and ends in a third
 * of a second, where one of 4096 processes keeps two processors busy for up to four. No lesson starts a tenth of that.
 */
export const PIDS = 2048

/**
 * Three quarters of the memory that the machine could give when the lab began. Who takes more is killed in the lab; were
 * there no limit, the kernel would look for a victim on the whole machine, when it already stands still for want of memory.
 */
const memoryLimit = (): number => Math.floor((process.availableMemory() * 3) / 4)

export interface LabCgroups {
  /** The tops, as the host names them. */
  readonly directories: readonly string[]
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** For `Plan.cgroup`: v2. */
  readonly cgroup: Descriptor | undefined
  /** The first steps: joins (v1), and makes the namespace, which begins where the process is now. */
  readonly steps: readonly Step[]
  /** What is mounted for them in the lab. */
  readonly mounts: readonly Mount[]
  /** When it is mounted: moves down, and passes the controllers on. */
  readonly settle: readonly Step[]
  /** For a process that enters: the groups that it joins (v1), and the one that it is born in (v2). */
  readonly enter: { readonly join: readonly string[]; readonly born: string | undefined }
}

const about = { lesson: '08-cgroup-time', shell: '' } as const

/** Plans the groups of a lab with these controllers, as far as they are there; looks at the machine, changes nothing. */
export function planLabCgroups(
  name: string,
  controllers: readonly Controller[],
  layout = readLayout(process.pid) ?? NO_CGROUPS,
): LabCgroups {
  const wish = { id: name, path: `toolkit/${name}`, privateNamespace: true, everyHierarchy: true }
  const groups = placeGroups(layout, wish, controllers)
  const v1 = groups.filter(({ version }) => version === 1)
  const v2 = groups.find(({ version }) => version === 2)
  const roots = v1.map(cgroups.directoryOf)
  const belt: Resources = { pids: { limit: PIDS }, memory: { limit: memoryLimit() } }
  const tree: Mount = { destination: MOUNT_POINT, type: 'cgroup', source: 'cgroup', options: MOUNT_OPTIONS }
  // A v2 group without controllers, beside those of v1, has nothing to pass on; to move in it takes the kernel 10 ms.
  const settles = v2 !== undefined && v2.controllers.length > 0
  return {
    directories: groups.map(cgroups.directoryOf),
    before: [
      ...cgroups.create(groups),
      ...inheritProcessors(v1),
      ...(controllers.length > 0 ? limits(groups, belt) : []),
    ],
    cgroup: v2 && { descriptor: cgroups.CGROUP },
    steps: [...(roots.length > 0 ? cgroups.join(roots) : []), ...enter()],
    mounts: groups.length > 0 ? view(layout, groups, tree) : [],
    settle: [
      ...v1.flatMap(links),
      ...(layout.layout === 'v2' || groups.length === 0 ? [] : [finish()]),
      ...settleV1(v1),
      ...(settles ? settleV2(v2, layout.layout === 'v2' ? MOUNT_POINT : `${MOUNT_POINT}/unified`) : []),
    ],
    enter: {
      join: roots.map(directory => `${directory}/${HOME}`),
      born: v2 && (settles ? `${cgroups.directoryOf(v2)}/${HOME}` : cgroups.directoryOf(v2)),
    },
  }
}

const MOUNT_OPTIONS = ['nosuid', 'noexec', 'nodev', 'relatime']

/** A new group of the lab has the processors and memory nodes of the one above, as on v2. */
function inheritProcessors(v1: readonly cgroups.Group[]): Action[] {
  return v1
    .filter(({ controllers }) => controllers.includes('cpuset'))
    .map(cgroups.directoryOf)
    .map(directory =>
      writeAction(`${directory}/cgroup.clone_children`, '1', {
        why: 'groups made below have the processors and memory nodes of this one; without any, no process can join',
        lesson: '11-limits',
        shell: `echo 1 > ${directory}/cgroup.clone_children`,
      }),
    )
}

/** Where a v1 hierarchy has several controllers, each is a name for it. */
function links({ controllers }: cgroups.Group): Step[] {
  const joined = controllers.join()
  return controllers
    .filter(name => name !== joined && !name.includes('='))
    .map(name =>
      step('symlinkat', [joined, AT.FDCWD, `${MOUNT_POINT}/${name}`], {
        ...about,
        why: 'a controller that shares its hierarchy is found under its own name, too',
        shell: `ln -s ${joined} ${MOUNT_POINT}/${name}`,
      }),
    )
}

/** Makes the directory of the v1 hierarchies read-only, as systemd does: what is made in it would be no group. */
const finish = (): Step =>
  step('mount', [null, MOUNT_POINT, null, MS.REMOUNT | MS.BIND | MS.RDONLY | MS.NOSUID | MS.NOEXEC | MS.NODEV, null], {
    ...about,
    why: 'a directory made beside the hierarchies would be no group, and look like one',
    shell: `mount -o remount,bind,ro ${MOUNT_POINT}`,
  })

const home = (top: string): Step =>
  step('mkdirat', [AT.FDCWD, `${top}/${HOME}`, 0o755], {
    ...about,
    why: 'the lab’s processes have a group of their own, and the top is free',
    shell: `mkdir ${top}/${HOME}`,
  })

function settleV1(v1: readonly cgroups.Group[]): Step[] {
  if (v1.length === 0) return []
  const tops = v1.map(({ controllers }) => `${MOUNT_POINT}/${directoryName(controllers)}`)
  return [...tops.map(home), ...cgroups.join(tops.map(top => `${top}/${HOME}`))]
}

function settleV2({ controllers }: cgroups.Group, top: string): Step[] {
  const words = controllers.map(name => `+${name}`).join(' ')
  return [
    home(top),
    ...write(
      `${top}/${HOME}/cgroup.procs`,
      '0',
      'moves out of the top: a group holds processes or passes on, not both',
    ),
    ...write(`${top}/cgroup.subtree_control`, words, 'what is made below the top can be limited, as with systemd'),
  ]
}

/** Uses descriptor 3. */
function write(path: string, text: string, why: string): Step[] {
  return [
    step('close_range', [3, 3, 0], { ...about, why: 'makes 3 the lowest free descriptor, so that openat returns it' }),
    step('openat', [AT.FDCWD, path, O.WRONLY | O.CLOEXEC, 0], { ...about, why: 'a setting is a file' }),
    step('write', [3, text, text.length], { ...about, why, shell: `echo ${text} > ${path}` }),
    step('close', [3], { ...about, why: 'the file has served' }),
  ]
}
