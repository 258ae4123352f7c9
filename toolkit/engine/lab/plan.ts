// What the lab is made of, and how a process enters it.
import { join } from 'node:path'
import { packageDir, stateDir } from '../../image/paths.ts'
import { AT, CLONE, SIG } from '../../kernel/constants.ts'
import { SIG_IGN } from '../../kernel/sigaction.ts'
import { type Descriptor, type Gate, type Plan, type Step, step } from '../../kernel/step.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import * as capabilities from '../../primitives/capabilities.ts'
import * as cgroups from '../../primitives/cgroups.ts'
import * as ipc from '../../primitives/ipc.ts'
import * as mount from '../../primitives/mount.ts'
import * as net from '../../primitives/net.ts'
import * as pid from '../../primitives/pid.ts'
import * as process from '../../primitives/process.ts'
import * as terminal from '../../primitives/terminal.ts'
import * as uts from '../../primitives/uts.ts'
import { defaultMounts } from '../spec.ts'
import { planSystem } from '../system-mounts.ts'
import type { LabCgroups } from './cgroup.ts'
import { labsDir } from './record.ts'
import { about, layOver, makeDirectory, PROGRAMS, scratchDir, tmpfs } from './root.ts'

/** The learner's home directory in the lab; empty at first. */
export const LAB_HOME = '/lab'

/** Where everybody may write; but on an overlay nothing can be copied up that belongs to nobody. */
const scratchOfUsers = (): string[] =>
  inInitialUsers()
    ? []
    : ['/tmp', '/var/tmp'].filter(place => ![packageDir(), stateDir()].some(path => path.startsWith(`${place}/`)))

/**
 * A user namespace is given a new /sys only where one is in sight (mount_too_revealing). `ip netns exec` takes the old one
 * away first: so there is another.
 */
const sysInSight = () =>
  inInitialUsers()
    ? []
    : [{ destination: '/run/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] }]

const labMounts = (cgroups: LabCgroups) => [
  ...defaultMounts.filter(({ type }) => type !== 'cgroup'),
  ...cgroups.mounts,
  tmpfs('/run', 'mode=755'),
  ...sysInSight(),
  ...scratchOfUsers().map(place => tmpfs(place, 'mode=1777')),
  // of containers and overlays made in the lab: their changes cannot lie on the lab's overlay
  tmpfs(LAB_HOME, 'mode=755'),
  tmpfs(`${stateDir()}/containers`, 'mode=711'),
  // what of the host's is locked would not look so from here
  tmpfs(labsDir(), 'mode=711'),
]

/** `toolkit`, and `node FILE.ts` where FILE imports toolkit's modules: the package as npm would have installed it. */
function programs(): Step[] {
  const links = [
    ['bin/toolkit', `${PROGRAMS}/toolkit`],
    ['bin/node', `${PROGRAMS}/node`],
    ['', '/node_modules/toolkit'],
    ['rootfs-scripts/lab.package.json', '/package.json'], // "type": "module"; without it Node warns that it had to guess
  ] as const
  return [
    ...['/usr/local', '/usr/local/bin', '/node_modules'].map(path => makeDirectory(path)),
    ...links.flatMap(([file, path]) => [
      step('unlinkat', [AT.FDCWD, path, 0], { ...about, why: 'the host may have another one here', allow: ['ENOENT'] }),
      step('symlinkat', [join(packageDir(), file), AT.FDCWD, path], {
        ...about,
        why: 'this very package, wherever it lies',
        shell: `ln -s ${join(packageDir(), file)} ${path}`,
      }),
    ]),
  ]
}

// Of the machine itself, which no namespace divides, little is to be changed by a slip: not the kernel's modules, not
// ports and memory of the hardware, not which kernel runs. SYS_TIME stays: a time namespace wants it (lesson 8).
const SPARED: readonly string[] = ['CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_BOOT']

/** Takes from the lab's root, and for good, what the lab has no use for. */
function spareMachine(): Step[] {
  const { held, last } = capabilities.available()
  return capabilities.bound({ bounding: held.filter(name => !SPARED.includes(name)) }, { last })
}

/** The lab's first process. */
export function planLab(cgroups: LabCgroups): Plan {
  const root = `${scratchDir()}/root`
  const system = planSystem(labMounts(cgroups))
  return {
    before: system.before,
    namespaces: [mount.namespace, uts.namespace, ipc.namespace, pid.namespace, net.namespace],
    ...(cgroups.cgroup && { cgroup: cgroups.cgroup }),
    steps: [
      ...pid.dieWithParent(),
      ...cgroups.steps,
      ...process.undoNode(),
      ...process.clearUmask(),
      ...mount.makePrivate(),
      ...system.prepare,
      ...mount.plan({ mounts: [tmpfs(scratchDir(), 'mode=755')] }),
      ...layOver(),
      ...mount.pivotRoot(root),
      ...[stateDir(), LAB_HOME].map(path => makeDirectory(path)),
      ...system.steps,
      ...cgroups.settle,
      ...mount.detachOldRoot(),
      ...programs(),
      ...uts.plan({ hostname: 'lab' }),
      ...net.loopbackUp(),
      ...terminal.ownSession(),
      ...terminal.noInput(),
      ...[1, 2].map(fd => step('dup3', [0, fd, 0], { ...about, why: 'it has nothing to say' })),
      step('rt_sigaction', [SIG.CHLD, SIG_IGN, null, 8], {
        ...about,
        why: 'the kernel reaps the children of a process that ignores SIGCHLD: no zombies of orphans',
      }),
      ...spareMachine(),
      ...process.plan({ process: initProcess }),
    ],
  }
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const processDefaults = { cwd: '/', user: { umask: 0o022 }, rlimits: [] }
// PID 1 of the lab only has to be there: `sleep` under another name.
const initProcess = { ...processDefaults, args: ['sleep', 'infinity'], env: [PATH] }

/** The environment of programs in the lab. */
export const environment = (extra: Record<string, string> = {}): string[] => {
  const { LANG = 'C.UTF-8', TOOLKIT_STATE } = globalThis.process.env
  const all = {
    HOME: LAB_HOME,
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/bash',
    LANG,
    ...(TOOLKIT_STATE && { TOOLKIT_STATE }),
    ...extra,
  }
  return [PATH, ...Object.entries(all).map(([name, value]) => `${name}=${value}`)]
}

/** What a process that enters the lab needs of the engine: the pidfd of the lab's first process. */
export const LAB: Descriptor = { descriptor: 'lab' }

/** Moves to the lab's namespaces (but pid: its process must be born there), then becomes the program. */
export function planEnter(
  { join, born }: LabCgroups['enter'],
  stdio: readonly (Step | Gate)[],
  args: readonly string[],
  env: readonly string[],
): Plan {
  const flags = CLONE.NEWNS | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWNET | CLONE.NEWCGROUP
  return {
    namespaces: [],
    pidNamespace: LAB,
    ...(born && { cgroup: { descriptor: cgroups.CGROUP } }),
    steps: [
      ...pid.dieWithParent(),
      ...(join.length > 0 ? cgroups.join(join) : []),
      ...process.undoNode(),
      step('setns', [LAB, flags], {
        lesson: '05-mount',
        why: 'joins the lab',
        shell: 'nsenter --all --target PID',
      }),
      ...stdio,
      ...spareMachine(),
      ...process.plan({ process: { ...processDefaults, args, env, cwd: LAB_HOME } }),
    ],
  }
}
