// Which program a panel is about.
import { NAMESPACE_TYPES, readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import {
  descendants,
  foreground,
  type Process,
  readProcess,
  readStat,
  rootOf,
  type Stat,
} from '../../../toolkit/observe/process.ts'
import { list, readText } from '../../../toolkit/observe/read.ts'
import { clean } from './panel.ts'

/**
 * The program that the shell's terminal belongs to: as `foreground`, but without a walk through all processes twice a
 * second while the leader of the group is alive. Some programs only start another in a world of its own (`toolkit run`,
 * `unshare --fork`, `nsenter`) and wait for it: then it is that other.
 */
export function programOf(shellPid: number): Process | undefined {
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
  return allBelow([pid], MOST).filter(stat => stat.pid !== pid)
}

/** Processes and all below them, those above first; `most` of them. */
export function allBelow(tops: readonly number[], most: number): Stat[] {
  if (readText(`/proc/self/task/${process.pid}/children`) === undefined)
    return tops
      .flatMap(pid => [readStat(pid), ...descendants(pid)])
      .filter(stat => stat !== undefined)
      .slice(0, most)
  const found = new Set(tops)
  // a Set is walked in the order of adding, so this comes by those that it adds
  for (const pid of found) if (found.size < most) for (const child of childrenOf(pid)) found.add(child)
  return [...found]
    .slice(0, most)
    .map(readStat)
    .filter(stat => stat !== undefined)
}

const childrenOf = (pid: number): number[] =>
  list(`/proc/${pid}/task`)
    .flatMap(task => readText(`/proc/${pid}/task/${task}/children`)?.split(' ') ?? [])
    .filter(Boolean)
    .map(Number)

/** `bash`, or `sh (running)`, which the shell waits for. */
export const titleOf = ({ pid, comm }: Process, shellPid: number): string =>
  pid === shellPid ? clean(comm) : `${clean(comm)} (running)`
