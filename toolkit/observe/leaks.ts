// What is on the machine before, and what is left after: two snapshots and their difference. What belongs to somebody else
// who lives, another engine or tutor on the same machine, does not count.
import { lstatSync } from 'node:fs'
import { cgroupsBelow, processesIn } from './cgroups.ts'
import { labOwner } from './lab-name.ts'
import { readLinks } from './links.ts'
import { readMounts } from './mounts.ts'
import { compareNamespaces, formatNamespace, type Namespaces, readNamespaces } from './namespaces.ts'
import { descendants, processes, readProcess, type Stat } from './process.ts'
import { list, orGone, readLink } from './read.ts'

/** Each entry by a key that no later one can have, with the words that name it. */
type Entries = ReadonlyMap<string, string>

const KINDS = ['mount', 'link', 'cgroup', 'process', 'fd', 'file'] as const
type Kind = (typeof KINDS)[number]

export type Snapshot = Readonly<Record<Kind, Entries>>

export interface SnapshotOptions {
  /** The state and run directories. */
  readonly directories?: readonly string[]
  /**
   * Also every process of the machine in a pid, mount, network or UTS namespace other than ours. It finds those that
   * lost their parent, and also what other people started meanwhile.
   */
  readonly everywhere?: boolean
}

const CGROUP_DEPTH = 12 // levels
const FILE_DEPTH = 3 // levels: containers and layers, not the files in them

// Node's own, opened when it first needs them; libuv keeps a /dev/null in reserve, to close when descriptors run out.
const NODES_OWN = /^(\/dev\/null|anon_inode:\[(eventfd|eventpoll|io_uring)\])$/

const isDirectory = (path: string): boolean => orGone(() => lstatSync(path))?.isDirectory() ?? false

/** What lies below a directory, links not followed. */
function below(directory: string, depth: number): string[] {
  return list(directory)
    .map(name => `${directory}/${name}`)
    .flatMap(path => [path, ...(depth > 1 && isDirectory(path) ? below(path, depth - 1) : [])])
}

/** Who runs, by his pid, and which of them are we and what we have started. */
interface Running {
  readonly all: ReadonlyMap<number, Stat>
  readonly ours: ReadonlySet<number>
  /** Our state directories. */
  readonly directories: readonly string[]
}

function running(directories: readonly string[]): Running {
  const all = processes()
  const ours = descendants(process.pid, all).map(({ pid }) => pid)
  return { all: new Map(all.map(stat => [stat.pid, stat])), ours: new Set([process.pid, ...ours]), directories }
}

/** Whether a path belongs to a lab whose owner lives, and is neither we nor what we have started. */
function isLabOfOthers(path: string, { ours }: Running): boolean {
  const owner = labOwner(path)
  return owner !== undefined && !ours.has(owner)
}

/** The state directory of the container that a process is in, by what is mounted at its /; none where that is no overlay yet. */
function stateDirectoryOf(pid: number): string | undefined {
  const root = (readMounts(pid) ?? []).findLast(({ mountPoint }) => mountPoint === '/')
  return /(?:^|,)upperdir=(\/.*)\/containers\/live\/[0-9a-f]{12}\/upper/.exec(root?.superOptions.join(',') ?? '')?.[1]
}

/**
 * Whether a group belongs to somebody else who lives: a lab's says so by its name. In a container's is a process with a
 * root of another state directory; or, before it has one, whose parent outside of the group, the engine, is none of ours.
 */
function isOfOthers(group: string, now: Running): boolean {
  if (labOwner(group) !== undefined) return isLabOfOthers(group, now)
  const members = processesIn(group).filter(pid => pid > 0)
  if (members.length === 0 || members.some(pid => now.ours.has(pid))) return false
  const state = members.map(stateDirectoryOf).find(Boolean)
  if (state !== undefined) return !now.directories.includes(state)
  return members.some(pid => {
    const parent = now.all.get(pid)?.ppid ?? 0
    return parent > 1 && !members.includes(parent)
  })
}

/** The groups below one that are ours or nobody's, without those that are there only for groups of others. */
function groupsBelow(directory: string, depth: number, now: Running): { ours: string[]; others: boolean } {
  const found = cgroupsBelow(directory).map(group => {
    if (/\/toolkit\/[^/]+$/.test(group) && isOfOthers(group, now)) return { ours: [], others: true }
    const below = depth > 1 ? groupsBelow(group, depth - 1, now) : { ours: [], others: false }
    const onlyOthers = below.others && below.ours.length === 0
    return { ours: isToolkits(group) && !onlyOthers ? [group, ...below.ours] : below.ours, others: below.others }
  })
  return { ours: found.flatMap(({ ours }) => ours), others: found.some(({ others }) => others) }
}

/** Also those of tests, which bear our name somewhere. */
const isToolkits = (group: string): boolean => group.includes('toolkit')

function cgroups(now: Running): Entries {
  const tops = (readMounts(process.pid) ?? [])
    .filter(({ fsType }) => fsType === 'cgroup' || fsType === 'cgroup2')
    .map(({ mountPoint }) => mountPoint)
  const found = tops.flatMap(top => groupsBelow(top, CGROUP_DEPTH, now).ours)
  return new Map(found.map(path => [path, path]))
}

const namesOf = (stat: Stat): string => readProcess(stat.pid)?.argv.join(' ') || `[${stat.comm}]`

function strangers(all: readonly Stat[], home: Namespaces | undefined): [Stat, string][] {
  return all.flatMap(stat => {
    if (stat.kernel) return []
    const away = readNamespaces(stat.pid)
    if (!home || !away) return []
    const types = compareNamespaces(home, away).filter(type => ['pid', 'mnt', 'net', 'uts'].includes(type))
    return types.length === 0 ? [] : [[stat, ` in ${types.map(type => formatNamespace(away[type])).join(' ')}`]]
  })
}

function processEntries(everywhere: boolean, now: Running): Entries {
  const ours: [Stat, string][] = [...now.ours].slice(1).map(pid => [now.all.get(pid)!, ''])
  const others = everywhere ? strangers([...now.all.values()], readNamespaces(process.pid)) : []
  return new Map(
    [...others, ...ours].map(([stat, where]) => [
      `${stat.pid} ${stat.startTime}`,
      `${stat.pid} ${namesOf(stat)}${stat.state === 'Z' ? ', ended but not waited for' : ''}${where}`,
    ]),
  )
}

function descriptors(): Entries {
  const found = list('/proc/self/fd').flatMap((fd): [string, string][] => {
    const target = readLink(`/proc/self/fd/${fd}`) // undefined for the one that listed the directory
    return target === undefined || NODES_OWN.test(target) ? [] : [[`${fd} ${target}`, `${fd} → ${target}`]]
  })
  return new Map(found)
}

/** What is there now of all that we could leave behind. Changes nothing. */
export function snapshot(options: SnapshotOptions = {}): Snapshot {
  const { directories = ['/var/lib/toolkit', '/run/toolkit'], everywhere = false } = options
  const mounts = readMounts(process.pid) ?? []
  const now = running(directories)
  const files = directories.flatMap(path => below(path, FILE_DEPTH)).filter(path => !isLabOfOthers(path, now))
  return {
    mount: new Map(
      mounts.map(({ id, parent, mountPoint, fsType }) => [
        `${id} ${parent} ${mountPoint}`,
        `${mountPoint} (${fsType})`,
      ]),
    ),
    link: new Map((readLinks(process.pid) ?? []).map(({ name }) => [name, name])),
    cgroup: cgroups(now),
    process: processEntries(everywhere, now),
    fd: descriptors(),
    file: new Map(files.map(path => [path, path])),
  }
}

/** What came and stayed, a line each: `mount left: /mnt (tmpfs)`; and the host's mounts and links that went. */
export function difference(before: Snapshot, after: Snapshot): string[] {
  const only = (kind: Kind, a: Snapshot, b: Snapshot, word: string) =>
    [...a[kind]].filter(([key]) => !b[kind].has(key)).map(([, text]) => `${kind} ${word}: ${text}`)
  return [
    ...KINDS.flatMap(kind => only(kind, after, before, 'left')),
    ...(['mount', 'link'] as const).flatMap(kind => only(kind, before, after, 'gone')),
  ]
}
