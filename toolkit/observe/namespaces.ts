// Which namespaces a process is in: the links of /proc/PID/ns, namespaces(7).
import { closeSync, openSync } from 'node:fs'
import { attempt } from '../kernel/call.ts'
import { IOCTL } from '../kernel/constants.ts'
import { mountAt } from './mounts.ts'
import { list, orGone, readLink, readText } from './read.ts'

export const NAMESPACE_TYPES = [
  'mnt',
  'uts',
  'ipc',
  'pid',
  'pid_for_children',
  'net',
  'user',
  'cgroup',
  'time',
] as const

export type NamespaceType = (typeof NAMESPACE_TYPES)[number]

export interface NamespaceId {
  /** As the link says it; of `pid_for_children`: 'pid'. */
  readonly type: string
  /**
   * The namespace's number: two processes with the same one share the namespace. 0 where there is no link: a kernel
   * without that type, or `pid_for_children` between unshare(CLONE_NEWPID) and the first fork, while nobody is in there.
   */
  readonly inode: number
}

export type Namespaces = Readonly<Record<NamespaceType, NamespaceId>>

/** One namespace of a process; its number is 0 where that cannot be said. */
export function readNamespace(pid: number, type: NamespaceType): NamespaceId {
  const [, name = type.split('_')[0]!, inode = '0'] =
    /^(\w+):\[(\d+)\]$/.exec(readLink(`/proc/${pid}/ns/${type}`) ?? '') ?? []
  return { type: name, inode: Number(inode) }
}

/** The namespaces of a process; undefined where it is gone, a zombie (it has left them all), or not ours to look at. */
export function readNamespaces(pid: number): Namespaces | undefined {
  const found = Object.fromEntries(NAMESPACE_TYPES.map(type => [type, readNamespace(pid, type)])) as Namespaces
  return found.mnt.inode === 0 ? undefined : found
}

/**
 * The pid namespace whose processes a process finds in the proc at a directory, /proc by default. Undefined where there
 * is none, or nobody in it: when the first process of a namespace has ended, no other is left.
 */
export function procNamespace(pid: number, directory = '/proc'): NamespaceId | undefined {
  if (mountAt(pid, directory)?.fsType !== 'proc') return undefined
  const proc = `/proc/${pid}/root${directory}`
  for (const name of list(proc).filter(name => /^\d+$/.test(name))) {
    // One number alone: it is a member of the namespace itself, and not of one further in.
    const [, inode] = /^pid:\[(\d+)\]$/.exec(readLink(`${proc}/${name}/ns/pid`) ?? '') ?? []
    if (inode !== undefined && /^NSpid:\s+\d+$/m.test(readText(`${proc}/${name}/status`) ?? ''))
      return { type: 'pid', inode: Number(inode) }
  }
  return undefined
}

/** As the kernel writes it and `lsns` and `ls -l /proc/PID/ns` show it: uts:[4026531838]. */
export const formatNamespace = ({ type, inode }: NamespaceId): string => `${type}:[${inode}]`

/** The types in which two processes differ, in the order of NAMESPACE_TYPES. */
export function compareNamespaces(a: Namespaces, b: Namespaces): NamespaceType[] {
  return NAMESPACE_TYPES.filter(type => a[type].inode !== b[type].inode)
}

/**
 * The user namespace that a namespace belongs to (ioctl_ns(2)): who is root in that one may do as he likes with this.
 * Undefined where it is gone, not ours to look at, or lies outside our own user namespace.
 */
export function ownerOf(pid: number, type: NamespaceType): NamespaceId | undefined {
  const fd = orGone(() => openSync(`/proc/${pid}/ns/${type}`, 'r'))
  if (fd === undefined) return undefined
  try {
    const owner = attempt('ioctl', [fd, IOCTL.NS_GET_USERNS, null])
    if (owner < 0) return undefined
    const inode = /\d+/.exec(readLink(`/proc/self/fd/${owner}`) ?? '')?.[0]
    closeSync(owner)
    return inode === undefined ? undefined : { type: 'user', inode: Number(inode) }
  } finally {
    closeSync(fd)
  }
}
