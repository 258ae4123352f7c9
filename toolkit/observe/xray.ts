// All that the kernel tells about one process, in one look: who it is, what it sees, what it may do, what it is given.
import { deviceNumber } from '../kernel/device-number.ts'
import { type Capabilities, readCapabilities } from './capabilities.ts'
import { type CgroupFigures, readCgroup } from './cgroup-figures.ts'
import { type CgroupLayout, type Hierarchy, readLayout } from './cgroups.ts'
import { type Descriptors, readDescriptors } from './descriptors.ts'
import { type IdMaps, readIdMaps } from './id-maps.ts'
import { type Limit, type LimitName, readLimits } from './limits.ts'
import { type Link, readLinks } from './links.ts'
import { type Mount, readMounts } from './mounts.ts'
import { formatNamespace, NAMESPACE_TYPES, type NamespaceType, ownerOf, readNamespaces } from './namespaces.ts'
import { type OomScore, readOomScore } from './oom.ts'
import { cwdOf, executableOf, type Place, processTree, readProcess, readStat, rootOf, type Tree } from './process.ts'
import { readText } from './read.ts'
import { type Route, readRoutes } from './routes.ts'
import { readSeccomp, type Seccomp } from './seccomp.ts'
import { readSockets, type Socket } from './sockets.ts'
import { readStatus, statusFields } from './status.ts'
import { readUts } from './uts.ts'

/** Real, effective, saved and file system id. */
export type Ids = readonly [number, number, number, number]

export interface Identity {
  readonly pid: number
  /** Its pid in each pid namespace, from ours inwards; the last is what it sees itself. */
  readonly nsPid: readonly number[]
  readonly comm: string
  readonly argv: readonly string[]
  /** One letter, see `Stat`; Z: it has ended, and its parent has not asked how. */
  readonly state: string
  /** A thread of the kernel: it has no program, no memory of its own, and no descriptors. */
  readonly isKernelThread: boolean
  readonly ppid: number
  readonly session: number
  /** pts/0, or `major:minor`; undefined: none. */
  readonly terminal: string | undefined
  /** Clock ticks after boot. */
  readonly startTime: number
  readonly threads: number
  /** As our user namespace counts. */
  readonly uid: Ids
  readonly gid: Ids
  readonly groups: readonly number[]
  readonly umask: number
  readonly root: Place | undefined
  readonly cwd: Place | undefined
  readonly exe: Place | undefined
  /** Bytes of its environment. Never what is in it: passwords are. */
  readonly environment: number | undefined
  readonly descriptors: Descriptors | undefined
}

export interface NamespaceView {
  /** uts:[4026531838] */
  readonly id: string
  /** Process 1 is in it too; undefined where we may not look at that one. */
  readonly isHosts: boolean | undefined
  /** So are we. */
  readonly isOurs: boolean
  /** The user namespace that it belongs to: user:[4026531837]. */
  readonly owner: string | undefined
}

export interface Rights {
  readonly capabilities: Capabilities | undefined
  readonly seccomp: Seccomp | undefined
  readonly idMaps: IdMaps | undefined
  readonly limits: Readonly<Record<LimitName, Limit>> | undefined
  readonly oom: OomScore | undefined
}

export interface Network {
  readonly links: readonly Link[] | undefined
  readonly routes: readonly Route[] | undefined
  /** Sockets that wait for somebody: listening ones, and of UDP those without a partner. */
  readonly listening: readonly Socket[] | undefined
}

export interface Cgroups {
  readonly layout: CgroupLayout['layout']
  readonly hierarchies: readonly Hierarchy[]
  /** `processes` is how many there are in its cgroups and below. */
  readonly figures: Omit<CgroupFigures, 'processes'> & { readonly processes: number }
}

/**
 * Undefined anywhere: not to be seen, see `unread`; or, of a process that has ended, not there any more. This is also the
 * shape of `toolkit inspect-process --json`, with `version: 1`, null for undefined and "unlimited" for Infinity.
 */
export interface Xray {
  readonly identity: Identity
  readonly hostname: string | undefined
  /** Only the types that this kernel has. */
  readonly namespaces: Readonly<Partial<Record<NamespaceType, NamespaceView>>> | undefined
  readonly mounts: readonly Mount[] | undefined
  readonly cgroups: Cgroups | undefined
  readonly rights: Rights
  readonly network: Network
  readonly tree: Tree
  /** What there is but was not ours to look at, in words. */
  readonly unread: readonly string[]
}

/** The controlling terminal by its device number, as ps(1) names it. */
function terminalName(device: number): string | undefined {
  if (device === 0) return undefined
  const { major, minor } = deviceNumber(device)
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}` // UNIX98_PTY_SLAVE_MAJOR and after
  return major === 4 && minor < 64 ? `tty${minor}` : `${major}:${minor}`
}

function identityOf(pid: number): Identity | undefined {
  const found = readProcess(pid)
  const status = readStatus(pid)
  const fields = statusFields(pid)
  if (!found || !status || !fields) return undefined
  return {
    pid,
    nsPid: status.nsPid,
    comm: found.comm,
    argv: found.argv,
    state: found.state,
    isKernelThread: found.state !== 'Z' && !fields.has('VmSize'),
    ppid: found.ppid,
    session: found.session,
    terminal: terminalName(found.tty),
    startTime: found.startTime,
    threads: status.threads,
    uid: status.uid,
    gid: status.gid,
    groups: status.groups,
    umask: status.umask,
    root: rootOf(pid),
    cwd: cwdOf(pid),
    exe: executableOf(pid),
    environment: readText(`/proc/${pid}/environ`)?.length,
    descriptors: readDescriptors(pid),
  }
}

function namespacesOf(pid: number): Xray['namespaces'] {
  const found = readNamespaces(pid)
  if (!found) return undefined
  const [host, ours] = [readNamespaces(1), readNamespaces(process.pid)]
  const views = NAMESPACE_TYPES.filter(type => found[type].inode !== 0).map(type => {
    const owner = ownerOf(pid, type)
    return [
      type,
      {
        id: formatNamespace(found[type]),
        isHosts: host && host[type].inode === found[type].inode,
        isOurs: ours?.[type].inode === found[type].inode,
        owner: owner && formatNamespace(owner),
      },
    ]
  })
  return Object.fromEntries(views)
}

function cgroupsOf(pid: number): Cgroups | undefined {
  const found = readLayout(pid)
  if (!found) return undefined
  const { processes, ...figures } = readCgroup(found.hierarchies.flatMap(({ directory }) => directory ?? []))
  return { ...found, figures: { ...figures, processes: processes.length } }
}

const isWaiting = ({ protocol, state, ...socket }: Socket): boolean =>
  state === 'LISTEN' || (state === 'UNCONN' && protocol !== 'unix' && 'local' in socket && socket.local.port !== 0)

function unreadOf({
  identity,
  hostname,
  namespaces,
  mounts,
  rights,
  network,
  cgroups,
}: Omit<Xray, 'unread'>): string[] {
  if (identity.state === 'Z') return []
  const ofPrograms: [string, unknown][] = [
    ['program', identity.exe],
    ['size of the environment', identity.environment],
  ]
  const wanted: [string, unknown][] = [
    ['root directory', identity.root],
    ['working directory', identity.cwd],
    ...(identity.isKernelThread ? [] : ofPrograms),
    ['open descriptors', identity.descriptors],
    ['namespaces', namespaces],
    ['host name', hostname],
    ['mounts', mounts],
    ['limits', rights.limits],
    ['links and routes', network.links && network.routes],
    ['sockets', network.listening],
    ['cgroups', cgroups],
  ]
  return wanted.filter(([, value]) => value === undefined).map(([name]) => name)
}

/** Undefined where there is no such process, or it went away while we looked. */
export function xray(pid: number): Xray | undefined {
  const identity = identityOf(pid)
  const tree = processTree(pid)
  if (!identity || !tree) return undefined
  const found = {
    identity,
    hostname: readUts(pid)?.hostname,
    namespaces: namespacesOf(pid),
    mounts: readMounts(pid),
    cgroups: cgroupsOf(pid),
    rights: {
      capabilities: readCapabilities(pid),
      seccomp: readSeccomp(pid),
      idMaps: readIdMaps(pid),
      limits: readLimits(pid),
      oom: readOomScore(pid),
    },
    network: { links: readLinks(pid), routes: readRoutes(pid), listening: readSockets(pid)?.filter(isWaiting) },
    tree,
  }
  const { startTime, state } = readStat(pid) ?? {}
  if (startTime !== identity.startTime || state === 'X') return undefined
  return { ...found, unread: unreadOf({ ...found, identity: { ...identity, state: state! } }) }
}
