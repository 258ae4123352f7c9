// Why a call fails, in the places where containers are made. The first row that fits wins, so the special ones come
// first. This table is part of the course: a lesson that provokes an error on purpose quotes its row.
import { CLONE } from './constants.ts'
import { ERRNO, type ErrnoName } from './errno.ts'
import type { Arg } from './step.ts'
import type { SyscallName } from './syscalls.ts'

export interface Cause {
  readonly cause: string
  readonly remedy: string
}

interface Row extends Cause {
  readonly call: SyscallName
  readonly errno: ErrnoName
  /** Further condition on the arguments. */
  readonly when?: (args: readonly Arg[]) => boolean
}

const rows: Row[] = [
  {
    call: 'unshare',
    errno: 'EINVAL',
    when: ([flags]) => (Number(flags) & CLONE.NEWUSER) !== 0,
    cause: 'a process with more than one thread cannot move to a new user namespace',
    remedy: 'make the user namespace with clone3, in the new process',
  },
  { call: 'unshare', errno: 'EPERM', cause: 'new namespaces need root', remedy: 'run it with sudo' },
  {
    call: 'pivot_root',
    errno: 'EBUSY',
    cause: 'the new root is not a mount point of its own, or is the current root',
    remedy: 'bind mount the directory onto itself first: mount --bind DIR DIR',
  },
]

/** The likely cause of a failed call, or undefined. */
export function findCause(call: SyscallName, args: readonly Arg[], errno: number): Cause | undefined {
  return rows.find(row => row.call === call && ERRNO[row.errno] === errno && (row.when?.(args) ?? true))
}
