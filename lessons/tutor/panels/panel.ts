// What the live panel shows, read from the kernel: the program in the foreground of the shell beside the host, which in
// a lesson is the lab's first process.
import { NAMESPACE_TYPES, type NamespaceType, readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import {
  cwdOf,
  descendants,
  foreground,
  type Process,
  readProcess,
  readStat,
  rootOf,
  type Stat,
} from '../../../toolkit/observe/process.ts'
import { list, readText } from '../../../toolkit/observe/read.ts'

export interface PanelRow {
  /** `mnt`, `pid`, `root` …: unique in the panel, and short enough for a row of all of them. */
  readonly name: string
  /** What it is, in a word or two. */
  readonly about: string
  readonly value: string
  /** Whether it is the host's; undefined where that is no question. */
  readonly shared: boolean | undefined
}

export interface Panel {
  /** The program's name. */
  readonly program: string
  /** The shell waits at its prompt. */
  readonly atPrompt: boolean
  readonly namespaces: readonly PanelRow[]
  readonly places: readonly PanelRow[]
}

/** Reads the panel of a shell; undefined where it is gone. `hostPid` is the lab's first process. */
export type Observe = (shellPid: number, hostPid: number) => Panel | undefined

const ABOUT: Partial<Record<NamespaceType, string>> = {
  mnt: 'mounts',
  uts: 'host name',
  ipc: 'messages',
  pid: 'process ids',
  net: 'network',
  user: 'users',
  cgroup: 'cgroups',
  time: 'clocks',
}

/**
 * The program that the shell's terminal belongs to: as `foreground`, but without a walk through all processes twice a
 * second while the leader of the group is alive. Some programs only start another in a world of its own (`toolkit run`,
 * `unshare --fork`, `nsenter`) and wait for it: then it is that other.
 */
function programOf(shellPid: number): Process | undefined {
  const leader = readStat(shellPid)?.tpgid ?? -1
  const process = leader > 0 ? readProcess(leader) : undefined
  const front = process && process.pgrp === leader && process.state !== 'Z' ? process : foreground(shellPid)
  if (!front || front.pid === shellPid) return front ?? readProcess(shellPid)
  const inner = innermost(front.pid)
  return (inner && readProcess(inner.pid)) ?? front
}

/** The newest descendant in another root or namespace; where that has a terminal of its own, what is in front there. */
function innermost(pid: number): Stat | undefined {
  const world = worldOf(pid)
  const others = below(pid).filter(stat => stat.state !== 'Z' && (worldOf(stat.pid) ?? world) !== world)
  const newest = others.toSorted((a, b) => a.startTime - b.startTime || a.pid - b.pid).at(-1)
  return others.find(stat => stat.pid === newest?.tpgid) ?? newest
}

function worldOf(pid: number): string | undefined {
  const namespaces = readNamespaces(pid)
  return namespaces && [rootOf(pid)?.id, ...NAMESPACE_TYPES.map(type => namespaces[type].inode)].join()
}

const MOST = 300 // a panel is not worth reading all of a fork bomb

/** Its descendants, by the kernel's lists of children; where it keeps none, by a walk through all processes. */
function below(pid: number): Stat[] {
  if (readText(`/proc/self/task/${process.pid}/children`) === undefined) return descendants(pid).slice(0, MOST)
  const found = childrenOf(pid)
  for (const child of found) if (found.length < MOST) found.push(...childrenOf(child)) // the loop comes by those, too
  return found.map(readStat).filter(stat => stat !== undefined)
}

const childrenOf = (pid: number): number[] =>
  list(`/proc/${pid}/task`)
    .flatMap(task => readText(`/proc/${pid}/task/${task}/children`)?.split(' ') ?? [])
    .filter(Boolean)
    .map(Number)

export const readPanel: Observe = (shellPid, hostPid) => {
  const program = programOf(shellPid)
  const own = program && readNamespaces(program.pid)
  const host = readNamespaces(hostPid)
  if (!program || !own || !host) return undefined
  const namespaces = NAMESPACE_TYPES.filter(type => ABOUT[type]).map(type => ({
    name: type,
    about: ABOUT[type]!,
    value: own[type].inode === 0 ? 'none' : String(own[type].inode),
    shared: own[type].inode === host[type].inode,
  }))
  const root = rootOf(program.pid)
  const level = (readProcess(hostPid)?.nsPid.length ?? 1) - 1
  const outside = program.nsPid[level] ?? program.pid
  const inside = program.nsPid.at(-1) ?? program.pid
  const twice = program.nsPid.length - 1 > level
  const places: PanelRow[] = [
    { name: 'root', about: 'root', value: root?.path ?? '?', shared: root?.id === rootOf(hostPid)?.id },
    { name: 'cwd', about: 'cwd', value: cwdOf(program.pid)?.path ?? '?', shared: undefined },
    {
      name: 'process',
      about: 'pid',
      value: twice ? `${inside} (outside ${outside})` : String(outside),
      shared: undefined,
    },
  ]
  return { program: program.comm, atPrompt: program.pid === shellPid, namespaces, places }
}
