// A failed system call, said in a way that helps: what was asked, what the kernel answered, why that usually happens
// and what to do about it.
import { findCause } from './causes.ts'
import { errnoMeaning, errnoName } from './errno.ts'
import { formatCall } from './format.ts'
import type { Arg } from './step.ts'
import type { SyscallName } from './syscalls.ts'

export class KernelError extends Error {
  override readonly name = 'KernelError'
  readonly call: SyscallName
  readonly args: readonly Arg[]
  /** The error number, positive. */
  readonly errno: number
  /** Its name, as in `node:fs` errors: 'EPERM'. */
  readonly code: string
  readonly meaning: string
  /** Why this call usually fails so; undefined where we do not know. */
  override readonly cause: string | undefined
  /** What to do about it. */
  readonly remedy: string | undefined
  /** Position in the plan, where the call was a step of one. */
  readonly step: number | undefined

  constructor(call: SyscallName, args: readonly Arg[], errno: number, step?: number) {
    const found = findCause(call, args, errno)
    const where = step === undefined ? '' : ` (step ${step})`
    super(`${formatCall(call, args)}${where}: ${errnoName(errno)}, ${found?.cause ?? errnoMeaning(errno)}`)
    this.call = call
    this.args = args
    this.errno = errno
    this.code = errnoName(errno)
    this.meaning = errnoMeaning(errno)
    this.cause = found?.cause
    this.remedy = found?.remedy
    this.step = step
  }

  /** Everything, over several lines. */
  get long(): string {
    return [
      `${formatCall(this.call, this.args)}${this.step === undefined ? '' : ` (step ${this.step})`}`,
      `  failed with  ${this.code}: ${this.meaning}`,
      this.cause && `  most likely  ${this.cause}`,
      this.remedy && `  what to do   ${this.remedy}`,
    ]
      .filter(Boolean)
      .join('\n')
  }
}
