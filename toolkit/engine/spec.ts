// The engine's only description of a container: config.json of the OCI runtime specification, as far as we go.
// `toolkit run` makes one from its flags; the plan is made from it and from nothing else.
import { join, resolve } from 'node:path'
import { resolveUser } from '../image/users.ts'
import { hostDevices } from '../observe/devices.ts'
import { inInitialUsers } from '../observe/id-maps.ts'
import { directoriesAmong, thermalPaths } from '../observe/masks.ts'
import {
  ALL_CAPABILITIES,
  type Available,
  available,
  type Capabilities,
  choose,
  lacking,
} from '../primitives/capabilities.ts'
import type { User } from '../primitives/credentials.ts'
import type { Device } from '../primitives/devices.ts'
import { MASKED_PATHS, READONLY_PATHS } from '../primitives/masks.ts'
import type { Mount } from '../primitives/mount.ts'
import { checkDirectory, type Process } from '../primitives/process.ts'
import { aboveOurs, current, type Rlimit } from '../primitives/rlimits.ts'
import { check as checkSysctl, defaults as defaultSysctl, type Sysctl } from '../primitives/sysctl.ts'
import type { Offsets } from '../primitives/time.ts'
import type { IdMapping } from '../primitives/user.ts'
import { asFarAsMapped, checkMapped } from './as-user.ts'
import type { AllResources } from './cgroup/cgroup.ts'
import { refuse } from './host.ts'
import { domainOf, hostnameOf } from './hostname.ts'
import type { IpcMode, NamespaceMode, RunOptions } from './options.ts'
import { checkTogether } from './together.ts'
import { withMounts } from './volume/volumes.ts'

export type NamespaceType = 'mount' | 'uts' | 'ipc' | 'pid' | 'network' | 'user' | 'cgroup' | 'time'

export interface Spec {
  readonly ociVersion: string
  readonly process: Process & {
    /** A terminal of its own, on stdin, stdout and stderr. */
    readonly terminal: boolean
    readonly user: User & { readonly umask: number }
    readonly capabilities: Capabilities
    readonly noNewPrivileges: boolean
    readonly rlimits: readonly Rlimit[]
  }
  readonly root: { readonly path: string; readonly readonly: boolean }
  /** Not there with the host's UTS namespace. */
  readonly hostname?: string
  readonly domainname?: string
  readonly mounts: readonly Mount[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux: {
    /** A type that is not there is the host's; one with a path is joined. */
    readonly namespaces: readonly { readonly type: NamespaceType; readonly path?: string }[]
    readonly uidMappings?: readonly IdMapping[]
    readonly gidMappings?: readonly IdMapping[]
    readonly timeOffsets?: Offsets
    readonly devices: readonly Device[]
    /** Of its cgroup: from the root of the hierarchy where it begins with /, else below the engine's own. */
    readonly cgroupsPath?: string
    readonly resources: AllResources
    readonly sysctl: Sysctl
    readonly maskedPaths: readonly string[]
    readonly readonlyPaths: readonly string[]
    readonly rootfsPropagation?: string
  }
}

/** What a container finds mounted; docker's list and options. */
export const defaultMounts: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
]

/** Where programs are looked for, unless a container is told otherwise. */
export const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The user's wish in the words of the OCI runtime specification. Throws a UsageError that names the flag. */
export function makeSpec(options: RunOptions, id: string): Spec {
  const { args, terminal, env, cwd = '/', capabilities, mounts, masks, namespaces } = options
  const rootfs = resolve(options.rootfs)
  const hostname = hostnameOf(options, id)
  checkTogether(options)
  checkRights(options)
  const { home, ...user } = asFarAsMapped(resolveUser(rootfs, options), options)
  checkMapped(user, options)
  checkDirectory(cwd)
  return {
    ociVersion: '1.2.0',
    process: {
      terminal,
      args,
      env: environment([PATH, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : []), `HOME=${home}`, ...env]),
      cwd,
      user: { ...user, umask: 0o022 },
      capabilities: heldBy(user, choose(capabilities, rightsOf(options))),
      noNewPrivileges: options.noNewPrivileges,
      rlimits: rlimitsOf(options),
      ...(options.oomScoreAdj !== undefined && { oomScoreAdj: options.oomScoreAdj }),
    },
    root: { path: rootfs, readonly: options.readOnly },
    ...(namespaces.uts === 'private' && { hostname }),
    ...domainOf(options),
    mounts: withMounts(defaultsFor(options), mounts.mounts),
    ...(options.annotations && { annotations: options.annotations }),
    linux: {
      namespaces: namespacesOf(options),
      ...namespaces.users,
      devices: devicesOf(options),
      ...(options.cgroupParent !== undefined && { cgroupsPath: join(options.cgroupParent, id.slice(0, 12)) }),
      resources: capabilities.privileged ? { ...options.resources, devices: [everyDevice] } : options.resources,
      sysctl: sysctlOf(options),
      maskedPaths: masks ? [...MASKED_PATHS, ...thermalPaths()] : [],
      readonlyPaths: masks ? READONLY_PATHS : [],
    },
  }
}

/** Which of a spec's masked paths are directories: a look at the host's own, which are views of the same kernel. */
export const maskedDirectories = ({ linux }: Spec): ReadonlySet<string> => directoriesAmong(linux.maskedPaths)

/** With --privileged those of the host, too; a user namespace can make none. */
function devicesOf({ capabilities: { privileged }, devices, namespaces: { users } }: RunOptions): readonly Device[] {
  if (!privileged || users || !inInitialUsers()) return devices
  const asked = new Set(devices.map(({ path }) => path))
  return [...hostDevices().filter(({ path }) => !asked.has(path)), ...devices]
}

const everyDevice = { allow: true, access: 'rwm' } as const

function defaultsFor({ capabilities, namespaces }: RunOptions): readonly Mount[] {
  const mounts = capabilities.privileged ? defaultMounts.map(writable) : defaultMounts
  const { ipc } = namespaces
  if (ipc === 'none' || (typeof ipc === 'object' && 'container' in ipc)) return mounts.filter(mount => !isShm(mount))
  return ipc === 'host' ? mounts.map(sharedMemoryOfHost) : mounts
}

const isShm = ({ destination }: Mount): boolean => destination === '/dev/shm'

const sharedMemoryOfHost = (mount: Mount): Mount =>
  isShm(mount) ? { ...mount, type: 'bind', source: '/dev/shm', options: ['rbind'] } : mount

const writable = (mount: Mount): Mount => ({ ...mount, options: mount.options.filter(option => option !== 'ro') })

/** In a user namespace of its own a process has every capability there is, whatever we have. */
function rightsOf({ namespaces: { users } }: RunOptions): Pick<Available, 'held'> {
  const { held, last } = available()
  return { held: users ? ALL_CAPABILITIES.slice(0, last + 1) : held }
}

/**
 * An ordinary user has none to begin with, as docker has it. Execve would see to that for most programs; but one with
 * file capabilities would keep them in spite of no-new-privileges, and an init of ours would keep them all.
 */
const heldBy = ({ uid }: User, chosen: Capabilities): Capabilities =>
  uid === 0 ? chosen : { ...chosen, effective: [], permitted: [] }

/** Later settings of a variable replace earlier ones, in the place of the first. */
function environment(settings: readonly string[]): string[] {
  const variables = new Map(settings.map(setting => [setting.slice(0, setting.indexOf('=')), setting]))
  return [...variables.values()]
}

/** Nobody can give what he has not got. */
function checkRights(options: RunOptions): void {
  const name = lacking(options.capabilities, rightsOf(options))?.slice(4)
  if (name === 'SYS_RESOURCE') throw refuse('cap-sys-resource', { asked: `run: --cap-add ${name}` })
  if (name) throw refuse('capabilities', { asked: `run: --cap-add ${name}`, detail: `not ${name}` })
  // It counts in the host's user namespace only, see capabilities(7).
  const mayRaise = inInitialUsers() && available().held.includes('CAP_SYS_RESOURCE')
  const high = options.rlimits.length > 0 && !mayRaise && aboveOurs(options.rlimits)
  if (!high) return
  const { type, soft, hard } = high
  throw refuse('cap-sys-resource', {
    asked: `run: --ulimit ${type.slice(7).toLowerCase()}=${soft === hard ? '' : `${soft}:`}${hard}`,
    detail: `and our own hard limit is ${current(type).hard}`,
  })
}

/** Those asked for, and the limit of open files that we were started with: Node raises it, the launcher tells it. */
function rlimitsOf({ rlimits }: RunOptions): Rlimit[] {
  const { type, hard } = current('RLIMIT_NOFILE')
  const soft = Number(process.env.TOOLKIT_NOFILE)
  const inherited = soft > 0 && !rlimits.some(limit => limit.type === type)
  return [...(inherited ? [{ type, soft: hard < 0 ? soft : Math.min(soft, hard), hard }] : []), ...rlimits]
}

function namespacesOf({ namespaces, network }: RunOptions): Spec['linux']['namespaces'] {
  const { uts, ipc, pid, cgroup, time, users } = namespaces
  const net: NamespaceMode =
    network.path !== undefined ? { path: network.path } : network.mode === 'host' ? 'host' : 'private'
  const modes: [NamespaceType, IpcMode][] = [
    ['mount', 'private'],
    ['uts', uts],
    ['ipc', ipc],
    ['pid', pid],
    ['network', net],
    ['user', users ? 'private' : 'host'],
    ['cgroup', cgroup],
    ['time', time],
  ]
  const joined = (mode: IpcMode) => (typeof mode === 'object' && 'path' in mode ? { path: mode.path } : {})
  return modes.flatMap(([type, mode]) => (mode === 'host' ? [] : [{ type, ...joined(mode) }]))
}

function sysctlOf({ sysctl, network, namespaces }: RunOptions): Sysctl {
  const own = {
    ipc: typeof namespaces.ipc === 'string' && namespaces.ipc !== 'host',
    network: network.mode !== 'host' && network.path === undefined,
    user: namespaces.users !== undefined || !inInitialUsers(),
  }
  checkSysctl(sysctl, own)
  return { ...defaultSysctl(own), ...sysctl }
}
