// What the live panel shows, read from the kernel: the program in the foreground of the shell beside the host, which in
// a lesson is the lab's first process.
import { NAMESPACE_TYPES, type NamespaceType, readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import { cwdOf, foreground, type Process, readProcess, readStat, rootOf } from '../../../toolkit/observe/process.ts'

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

/** As `foreground`, but without a walk through all processes twice a second while the leader of the group is alive. */
function programOf(shellPid: number): Process | undefined {
  const leader = readStat(shellPid)?.tpgid ?? -1
  const process = leader > 0 ? readProcess(leader) : undefined
  if (process && process.pgrp === leader && process.state !== 'Z') return process
  return foreground(shellPid) ?? readProcess(shellPid)
}

export const readPanel: Observe = (shellPid, hostPid) => {
  const process = programOf(shellPid)
  const own = process && readNamespaces(process.pid)
  const host = readNamespaces(hostPid)
  if (!process || !own || !host) return undefined
  const namespaces = NAMESPACE_TYPES.filter(type => ABOUT[type]).map(type => ({
    name: type,
    about: ABOUT[type]!,
    value: own[type].inode === 0 ? 'none' : String(own[type].inode),
    shared: own[type].inode === host[type].inode,
  }))
  const root = rootOf(process.pid)
  const level = (readProcess(hostPid)?.nsPid.length ?? 1) - 1
  const outside = process.nsPid[level] ?? process.pid
  const inside = process.nsPid.at(-1) ?? process.pid
  const twice = process.nsPid.length - 1 > level
  const places: PanelRow[] = [
    { name: 'root', about: 'root', value: root?.path ?? '?', shared: root?.id === rootOf(hostPid)?.id },
    { name: 'cwd', about: 'cwd', value: cwdOf(process.pid)?.path ?? '?', shared: undefined },
    {
      name: 'process',
      about: 'pid',
      value: twice ? `${inside} (outside ${outside})` : String(outside),
      shared: undefined,
    },
  ]
  return { program: process.comm, atPrompt: process.pid === shellPid, namespaces, places }
}
