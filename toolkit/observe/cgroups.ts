// Where the cgroups of a process are: cgroups(7), found in /proc/self/mountinfo and /proc/PID/cgroup, never assumed.
//
// A machine has one of three layouts. v1: a hierarchy of directories for each controller, or for a few together. v2: one
// hierarchy for all. Hybrid: controllers on v1, and a v2 hierarchy beside them for the rest. In a container the mounts may
// show only a subtree: mountinfo's field 4 says where in the hierarchy a mount begins, and is left off the path.
import { readdirSync, statSync } from 'node:fs'
import { type Mount, parseMount } from './mounts.ts'
import { orGone, readText } from './read.ts'

export interface Hierarchy {
  readonly version: 1 | 2
  /**
   * v1: those of the hierarchy, `name=systemd` for one without any. v2: those that the process's cgroup has, as the
   * cgroups above pass them on.
   */
  readonly controllers: readonly string[]
  /** The process's cgroup as /proc/PID/cgroup says it: from the root of the reader's cgroup namespace. */
  readonly path: string
  /** Where the hierarchy is mounted; undefined where it is not, or where the mount does not show this cgroup. */
  readonly mountPoint: string | undefined
  /** The process's cgroup as a directory; undefined as above. */
  readonly directory: string | undefined
  /** Groups can be made in it, as far as the mount goes. */
  readonly writable: boolean
}

export interface CgroupLayout {
  readonly layout: 'v1' | 'hybrid' | 'v2'
  readonly hierarchies: readonly Hierarchy[]
}

/**
 * A line of /proc/PID/cgroup, `ID:CONTROLLERS:PATH`; the v2 hierarchy has id 0 and names no controllers. No regular
 * expressions here: this is on the way of every `run`, and V8 takes longer to compile one than all of this needs.
 */
function parseLine(line: string): { version: 1 | 2; controllers: string[]; path: string } | undefined {
  const first = line.indexOf(':')
  const second = line.indexOf(':', first + 1)
  if (first < 0 || second < 0) return undefined
  const controllers = line.slice(first + 1, second)
  const version = line.startsWith('0::') ? 2 : 1
  return { version, controllers: controllers ? controllers.split(',') : [], path: line.slice(second + 1) }
}

/** Where `path` lies below `root`, with a leading slash; undefined where it does not. */
function below(path: string, root: string): string | undefined {
  if (path === root) return ''
  if (root === '/') return path
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined
}

const belongs = (mount: Mount, version: 1 | 2, controllers: readonly string[]): boolean =>
  mount.fsType === (version === 2 ? 'cgroup2' : 'cgroup') &&
  (version === 2 || controllers.every(name => mount.superOptions.includes(name)))

/** The mount to reach a cgroup by: of several that show it one to write to, and of those the latest. */
function findMount(mounts: readonly Mount[], version: 1 | 2, controllers: readonly string[], path: string) {
  const found = mounts.filter(mount => belongs(mount, version, controllers) && below(path, mount.root) !== undefined)
  return found.findLast(isWritable) ?? found.at(-1)
}

const isWritable = ({ options, superOptions }: Mount): boolean =>
  !options.includes('ro') && !superOptions.includes('ro')

const trailing = (path: string): string => (path === '/' ? '' : path)

/** Names with spaces between and a line end, as the kernel writes them. */
const words = (text: string | undefined): string[] => text?.trim().split(' ').filter(Boolean) ?? []

/** The layout from the text of the two files; `controllersOf` reads those of a v2 directory. */
export function parseLayout(
  mountinfo: string,
  cgroup: string,
  controllersOf: (directory: string) => string[],
): CgroupLayout {
  const mounts = mountinfo
    .split('\n')
    .filter(line => line.includes(' - cgroup')) // of hundreds of mounts; the rest need not be taken apart
    .map(parseMount)
    .filter(mount => mount !== undefined)
  const hierarchies = cgroup.split('\n').flatMap((line): Hierarchy[] => {
    const parsed = parseLine(line)
    if (!parsed) return []
    const { version, path } = parsed
    const mount = findMount(mounts, version, parsed.controllers, path)
    const directory = mount && mount.mountPoint + trailing(below(path, mount.root)!)
    const controllers = version === 2 && directory ? controllersOf(directory) : parsed.controllers
    const writable = mount !== undefined && isWritable(mount)
    return [{ version, controllers, path, mountPoint: mount?.mountPoint, directory, writable }]
  })
  const mounted = hierarchies.filter(({ mountPoint }) => mountPoint)
  const v1 = mounted.some(({ version, controllers }) => version === 1 && controllers.some(name => !name.includes('=')))
  const v2 = mounted.some(({ version }) => version === 2)
  return { layout: v1 ? (v2 ? 'hybrid' : 'v1') : 'v2', hierarchies }
}

/** The cgroups of a process, as directories that the reader can open; undefined where the process is gone. */
export function readLayout(pid: number): CgroupLayout | undefined {
  const cgroup = readText(`/proc/${pid}/cgroup`)
  const mountinfo = readText('/proc/self/mountinfo')
  if (!cgroup || mountinfo === undefined) return undefined
  return parseLayout(mountinfo, cgroup, directory => words(readText(`${directory}/cgroup.controllers`)))
}

/** The hierarchy that has a controller; undefined where none is mounted that has. */
export const hierarchyOf = ({ hierarchies }: CgroupLayout, controller: string): Hierarchy | undefined =>
  hierarchies.find(({ controllers, directory }) => directory !== undefined && controllers.includes(controller))

/** The directories of a process's cgroups, for `readCgroup`; none where it is gone. */
export const directoriesOf = (pid: number): string[] =>
  readLayout(pid)?.hierarchies.flatMap(({ directory }) => directory ?? []) ?? []

/**
 * What the kernel itself says of a v1 controller, whatever is mounted (/proc/cgroups): 'absent' where it is not built in,
 * 'disabled' where the kernel command line switches it off, 'unmounted' where no v1 hierarchy has it: on v2 that is all.
 */
export function controllerState(controller: string): 'absent' | 'disabled' | 'unmounted' | 'mounted' {
  const row = readText('/proc/cgroups')
    ?.split('\n')
    .find(line => line.split('\t')[0] === controller)
  const [, hierarchy, , enabled] = row?.split('\t') ?? []
  if (hierarchy === undefined) return 'absent'
  if (enabled !== '1') return 'disabled'
  return hierarchy === '0' ? 'unmounted' : 'mounted'
}

/** The processes in a cgroup and in those below it, as our pid namespace counts; those of other namespaces are 0. */
export function processesIn(directory: string): number[] {
  const own = (readText(`${directory}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number)
  return [...own, ...cgroupsBelow(directory).flatMap(processesIn)]
}

/**
 * The cgroups directly below one: in a cgroup file system every directory is one. There a directory has two links and one
 * more for each in it; most have none, and then its forty files need not be looked through.
 */
export function cgroupsBelow(directory: string): string[] {
  if (orGone(() => statSync(directory))?.nlink === 2) return []
  return (orGone(() => readdirSync(directory, { withFileTypes: true })) ?? [])
    .filter(entry => entry.isDirectory())
    .map(({ name }) => `${directory}/${name}`)
}
