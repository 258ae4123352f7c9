// What a container or a lab finds at /sys/fs/cgroup.
import type { CgroupLayout, Hierarchy } from '../../observe/cgroups.ts'
import { readMounts } from '../../observe/mounts.ts'
import type { Mount } from '../../primitives/mount.ts'

export const hostParts = ({ hierarchies }: CgroupLayout): readonly Part[] =>
  hierarchies
    .filter(({ mountPoint }) => mountPoint !== undefined)
    .map(hierarchy => (hierarchy.version === 2 ? { ...hierarchy, options: optionsOf(hierarchy) } : hierarchy))

/**
 * The options that the v2 hierarchy has, nsdelegate and others. In the host's cgroup namespace each new mount of it sets
 * them for the whole machine, and takes away what it does not name: admin-guide/cgroup-v2, "Mounting".
 */
function optionsOf({ mountPoint }: Hierarchy): string[] {
  const mounts = readMounts(process.pid) ?? []
  const found = mounts.findLast(mount => mount.fsType === 'cgroup2' && mount.mountPoint === mountPoint)
  return found?.superOptions.filter(option => option !== 'rw' && option !== 'ro') ?? []
}

/**
 * An OCI mount of type cgroup as what the machine's layout makes of it: cgroup2 itself, or a tmpfs with a directory for
 * each hierarchy. In a namespace of its own only those in which the container has a group: of all others it would see
 * the engine's. The tmpfs becomes read-only at last, when all is mounted on it.
 */
export function view({ layout }: CgroupLayout, parts: readonly Part[], { destination, options }: Mount): Mount[] {
  const part = (type: 'cgroup' | 'cgroup2', name: string, data: readonly string[]): Mount => ({
    destination: name ? `${destination}/${name}` : destination,
    type,
    source: type,
    options: [...options, ...data],
  })
  if (layout === 'v2') return parts.map(({ options = [] }) => part('cgroup2', '', options))
  const tmpfs = { destination, type: 'tmpfs', source: 'tmpfs' }
  return [
    { ...tmpfs, options: [...options.filter(option => option !== 'ro'), 'mode=755'] },
    ...parts.map(({ version, controllers, options: has = [] }) =>
      version === 2
        ? part('cgroup2', 'unified', has)
        : part('cgroup', directoryName(controllers), namedOrNot(controllers)),
    ),
    ...(options.includes('ro') ? [{ ...tmpfs, options: ['remount', ...options, 'mode=755'] }] : []),
  ]
}

export interface Part extends Pick<Hierarchy, 'version' | 'controllers'> {
  /** Of a v2 hierarchy. */
  readonly options?: readonly string[]
}

/** Where a v1 hierarchy is mounted by custom: `cpu,cpuacct`, `systemd`. */
export const directoryName = (controllers: readonly string[]): string => controllers.join().replace('name=', '')

/** The mount options that pick a v1 hierarchy: its controllers; or that it has none, and its name. */
const namedOrNot = (controllers: readonly string[]): readonly string[] =>
  controllers.every(name => name.includes('=')) ? ['none', ...controllers] : controllers
