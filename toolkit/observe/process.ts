// Processes as /proc shows them, proc_pid_stat(5) and its neighbours. All pids are those of the reader's pid namespace.
import { identify, list, readLink, readText } from './read.ts'
import { numbers, statusFields } from './status.ts'

const PF_KTHREAD = 0x0020_0000 // linux/sched.h

/** What one read of /proc/PID/stat tells. */
export interface Stat {
  readonly pid: number
  /** The program's short name: 15 bytes at most, and any bytes at all. */
  readonly comm: string
  /** R running, S sleeping, D waiting for a disk, T stopped, t traced, Z ended but not waited for, X dead, I idle. */
  readonly state: string
  readonly ppid: number
  readonly pgrp: number
  readonly session: number
  /** Device number of the controlling terminal; 0: none. */
  readonly tty: number
  /** The process group in the foreground of that terminal; -1: none. */
  readonly tpgid: number
  /** Clock ticks of processor time, in user and in kernel mode. */
  readonly cpuTime: number
  /** -20 to 19; the higher, the nicer to others. */
  readonly nice: number
  /** Clock ticks from boot to its start. A pid with its start time never comes to mean another process. */
  readonly startTime: number
  /** A thread of the kernel: PF_KTHREAD among the flags. It is nobody's, and comes and goes as the kernel likes. */
  readonly kernel: boolean
}

export interface Process extends Stat {
  /** Empty for a zombie and for a thread of the kernel. */
  readonly argv: readonly string[]
  /** Its pid in each pid namespace, from ours inwards. */
  readonly nsPid: readonly number[]
  /** Real user id. */
  readonly uid: number
}

/** A file or directory that a process holds: its root, its working directory, its program. */
export interface Place {
  /** The link's text. For a process of another mount namespace it is a path in there, and may name nothing here. */
  readonly path: string
  /** `device:inode`: comparable across mount namespaces, as with `identify`. */
  readonly id: string
}

/** One read of /proc/PID/stat; undefined where the process is gone. */
export function readStat(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`)
  if (!text) return undefined
  // The name is in parentheses, and may itself hold spaces, parentheses and line ends: take the last one.
  const [first, last] = [text.indexOf('('), text.lastIndexOf(')')]
  const fields = text.slice(last + 2).split(' ') // field 3 of the man page is the first here
  const field = (n: number) => Number(fields[n - 3])
  return {
    pid,
    comm: text.slice(first + 1, last),
    state: fields[0]!,
    ppid: field(4),
    pgrp: field(5),
    session: field(6),
    tty: field(7),
    tpgid: field(8),
    cpuTime: field(14) + field(15),
    nice: field(19),
    startTime: field(22),
    kernel: (field(9) & PF_KTHREAD) !== 0,
  }
}

function argvOf(pid: number): string[] {
  const text = readText(`/proc/${pid}/cmdline`)
  // Each argument ends with a NUL, but for a process that has written its own title over them.
  return text ? text.replace(/\0$/, '').split('\0') : []
}

/** All about one process; undefined where it is gone. */
export function readProcess(pid: number): Process | undefined {
  const stat = readStat(pid)
  const status = stat && statusFields(pid)
  if (!status) return undefined
  return {
    ...stat,
    argv: argvOf(pid),
    nsPid: numbers(status.get('NSpid')),
    uid: numbers(status.get('Uid'))[0]!,
  }
}

const ended = ({ state }: Stat): boolean => state === 'Z' || state === 'X'

/** Whether the process that had this pid and start time runs still. A zombie doesn't. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = readStat(pid)
  return stat !== undefined && stat.startTime === startTime && !ended(stat)
}

/** The status, as wait(2) has it, of a process that has ended and waits for its parent; undefined for any other. */
export function zombieStatus(pid: number, startTime: number): number | undefined {
  const stat = readStat(pid)
  if (stat?.state !== 'Z' || stat.startTime !== startTime) return undefined
  const last = readText(`/proc/${pid}/stat`)?.trim().split(' ').at(-1) // field 52, exit_code
  return last === undefined ? undefined : Number(last)
}

/** Every process that we can see, in the order of their pids. */
export function processes(): Stat[] {
  return list('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => readStat(Number(name)))
    .filter(stat => stat !== undefined)
    .sort((a, b) => a.pid - b.pid)
}

/** Its children, zombies too; in the order of their pids. */
export const children = (pid: number): Stat[] => processes().filter(({ ppid }) => ppid === pid)

/** Its children, their children and so on, parents first, without itself. `all`: from one look at /proc. */
export function descendants(pid: number, all: readonly Stat[] = processes()): Stat[] {
  return all.filter(({ ppid }) => ppid === pid).flatMap(child => [child, ...descendants(child.pid, all)])
}

export interface Tree extends Process {
  readonly children: readonly Tree[]
}

/** A process and all below it; undefined where it is gone. */
export function processTree(pid: number, all: readonly Stat[] = processes()): Tree | undefined {
  const process = readProcess(pid)
  if (!process) return undefined
  const below = all.filter(({ ppid }) => ppid === pid).map(child => processTree(child.pid, all))
  return { ...process, children: below.filter(child => child !== undefined) }
}

/**
 * The program in the foreground of a shell's terminal: the leader of its process group, or the group's newest member
 * where the leader has ended. The shell itself while it waits at its prompt; undefined where it has no terminal.
 */
export function foreground(shellPid: number): Process | undefined {
  const group = readStat(shellPid)?.tpgid ?? -1
  if (group <= 0) return undefined
  const members = processes().filter(stat => stat.pgrp === group && !ended(stat))
  const newest = members.toSorted((a, b) => a.startTime - b.startTime || a.pid - b.pid).at(-1)
  const program = members.find(({ pid }) => pid === group) ?? newest
  return program && readProcess(program.pid)
}

function placeOf(pid: number, link: 'root' | 'cwd' | 'exe'): Place | undefined {
  const path = readLink(`/proc/${pid}/${link}`)
  const id = identify(`/proc/${pid}/${link}`)
  return path === undefined || id === undefined ? undefined : { path, id }
}

/**
 * Its root directory. Two processes with the same id start at the same directory, though perhaps by different mounts
 * of it (a bind mount keeps the inode).
 */
export const rootOf = (pid: number): Place | undefined => placeOf(pid, 'root')

/**
 * Whether nothing lies above its root directory: it is the top of its mount namespace, as after pivot_root. Not so after
 * chroot, and not while an old root is still stacked there. Our own steps upwards end at our root and not at its one, so
 * `..` shows what a way out of there would lead to. Undefined where the process is gone.
 */
export function isAtTop(pid: number): boolean | undefined {
  const root = rootOf(pid)?.id
  return root === undefined ? undefined : identify(`/proc/${pid}/root/..`) === root
}

/** Its working directory. */
export const cwdOf = (pid: number): Place | undefined => placeOf(pid, 'cwd')

/** Its program file; undefined for a zombie and a thread of the kernel. */
export const executableOf = (pid: number): Place | undefined => placeOf(pid, 'exe')
