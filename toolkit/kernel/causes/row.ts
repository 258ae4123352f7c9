// A row of the tables in this folder.
import type { ErrnoName } from '../errno.ts'
import type { Arg } from '../step.ts'
import type { SyscallName } from '../syscalls.ts'

export interface Cause {
  readonly cause: string
  readonly remedy: string
}

export interface CauseRow extends Cause {
  /** One call or several; left out: whichever it is. */
  readonly call?: SyscallName | readonly SyscallName[]
  readonly errno: ErrnoName
  /** Further condition on the arguments. */
  readonly when?: (args: readonly Arg[]) => boolean
}
