// What is on the machine before, and what is left after: two snapshots and their difference.
import { lstatSync } from 'node:fs'
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
function below(directory: string, depth: number, wanted: (path: string) => boolean = () => true): string[] {
  return list(directory)
    .map(name => `${directory}/${name}`)
    .filter(wanted)
    .flatMap(path => [path, ...(depth > 1 && isDirectory(path) ? below(path, depth - 1, wanted) : [])])
}

function cgroups(): Entries {
  const tops = (readMounts(process.pid) ?? [])
    .filter(({ fsType }) => fsType === 'cgroup' || fsType === 'cgroup2')
    .map(({ mountPoint }) => mountPoint)
  const found = tops.flatMap(top =>
    below(top, CGROUP_DEPTH, isDirectory).filter(path => path.slice(top.length).includes('toolkit')),
  )
  return new Map(found.map(path => [path, path]))
}

const namesOf = (stat: Stat): string => readProcess(stat.pid)?.argv.join(' ') || `[${stat.comm}]`

function strangers(all: readonly Stat[], home: Namespaces | undefined): [Stat, string][] {
  return all.flatMap(stat => {
    const away = readNamespaces(stat.pid)
    if (!home || !away) return []
    const types = compareNamespaces(home, away).filter(type => ['pid', 'mnt', 'net', 'uts'].includes(type))
    return types.length === 0 ? [] : [[stat, ` in ${types.map(type => formatNamespace(away[type])).join(' ')}`]]
  })
}

function processEntries(everywhere: boolean): Entries {
  const all = processes()
  const ours: [Stat, string][] = descendants(process.pid, all).map(stat => [stat, ''])
  const others = everywhere ? strangers(all, readNamespaces(process.pid)) : []
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
  return {
    mount: new Map(
      mounts.map(({ id, parent, mountPoint, fsType }) => [
        `${id} ${parent} ${mountPoint}`,
        `${mountPoint} (${fsType})`,
      ]),
    ),
    link: new Map((readLinks(process.pid) ?? []).map(({ name }) => [name, name])),
    cgroup: cgroups(),
    process: processEntries(everywhere),
    fd: descriptors(),
    file: new Map(directories.flatMap(path => below(path, FILE_DEPTH)).map(path => [path, path])),
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
