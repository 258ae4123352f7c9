// A short visit to the namespaces of another process: setns(2) there, read something, setns(2) back.
//
// The traps:
// * It is this *thread* that goes, no other. Node's thread pool stays at home: `readFile` with a callback or a promise,
//   `dns.lookup` and koffi's async calls would all answer for the wrong namespace. So `read` is synchronous to its end.
// * A new thread is born where its maker is. The first asynchronous work of a process starts the pool: if that were
//   done on a visit, the whole pool would live there ever after.
// * /proc/self belongs to the process, that is to its first thread: in a worker, /proc/self/net stays at home too. Read
//   /proc/thread-self/net. /proc/sys asks the thread that reads; /sys belongs to who mounted it and never follows.
// * A socket belongs for ever to the network namespace that it was made in.
// * Not for mnt (EINVAL for a thread that shares its root directory with others), pid (concerns children only) and
//   user (EINVAL for a process with several threads).
import { closeSync, openSync, readlinkSync } from 'node:fs'
import { invoke } from './call.ts'
import { CLONE } from './constants.ts'

const ENTERABLE = [
  ['uts', CLONE.NEWUTS],
  ['ipc', CLONE.NEWIPC],
  ['net', CLONE.NEWNET],
  ['cgroup', CLONE.NEWCGROUP],
] as const

interface Visit {
  readonly flag: number
  readonly there: number
  readonly home: number
}

/**
 * Runs a synchronous function in namespaces of another process: CLONE.NEWUTS, NEWIPC, NEWNET, NEWCGROUP, or several of
 * them. Comes home whatever happens. Those that are shared anyway need no rights; the others need CAP_SYS_ADMIN.
 * Throws a KernelError of setns, the error of node:fs where the process has ended (ENOENT, ESRCH) or is not ours to
 * enter (EACCES), and what `read` throws.
 */
export function inNamespaces<T>(pid: number, flags: number, read: () => T): T {
  const known = ENTERABLE.reduce((bits, [, flag]) => bits | flag, 0)
  if ((flags & ~known) !== 0) throw new TypeError('only uts, ipc, net and cgroup namespaces can be visited')
  const visits: Visit[] = []
  let entered = 0
  try {
    for (const [name, flag] of ENTERABLE) {
      if ((flags & flag) === 0) continue
      const [there, home] = [`/proc/${pid}/ns/${name}`, `/proc/thread-self/ns/${name}`]
      if (readlinkSync(there) === readlinkSync(home)) continue
      const fd = openSync(there, 'r')
      visits.push({ flag, there: fd, home: openAlso(home, fd) })
    }
    for (const { there, flag } of visits) {
      invoke('setns', [there, flag])
      entered++
    }
    const result = read()
    if (result instanceof Promise) throw new TypeError('what is asynchronous goes on at home: read synchronously')
    return result
  } finally {
    for (const { home, flag } of visits.slice(0, entered)) invoke('setns', [home, flag])
    for (const { there, home } of visits) {
      closeSync(there)
      closeSync(home)
    }
  }
}

/**
 * The same for a network namespace that is held by a descriptor: an open /proc/PID/ns/net, or a file that it was bound
 * to. Throws a KernelError of setns, and what `read` throws.
 */
export function inNetwork<T>(there: number, read: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r')
  try {
    invoke('setns', [there, CLONE.NEWNET])
    try {
      return read()
    } finally {
      invoke('setns', [home, CLONE.NEWNET])
    }
  } finally {
    closeSync(home)
  }
}

/** Opens a second file; where that fails the first is closed. */
function openAlso(path: string, first: number): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    closeSync(first)
    throw error
  }
}
