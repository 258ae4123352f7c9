// A failed system call, said in a way that helps: what was asked, what the kernel answered, why that usually happens
// and what to do about it.

import type { Cause } from './causes/row.ts'
import { findCause } from './causes.ts'
import { errnoMeaning, errnoName } from './errno.ts'
import { formatCall } from './format.ts'
import type { Arg } from './step.ts'
import type { SyscallName } from './syscalls.ts'

/** What is known better than the call and its arguments tell: those of netlink are always sendto(2) and bytes. */
export interface Told {
  /** What was asked. */
  readonly text: string
  readonly found: Cause | undefined
  /** The kernel's own words about the failure. */
  readonly said: string | undefined
}

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
  /** What was asked, as C or a tool of the trade writes it. */
  readonly asked: string
  /** The kernel's own words, where it has some (netlink). */
  readonly said: string | undefined

  constructor(call: SyscallName, args: readonly Arg[], errno: number, step?: number, told?: Told) {
    const found = told ? told.found : findCause(call, args, errno)
    const where = step === undefined ? '' : ` (step ${step})`
    const asked = `${told?.text ?? formatCall(call, args)}${where}`
    super(`${asked}: ${errnoName(errno)}, ${found?.cause ?? told?.said ?? errnoMeaning(errno)}`)
    this.call = call
    this.args = args
    this.errno = errno
    this.code = errnoName(errno)
    this.meaning = errnoMeaning(errno)
    this.cause = found?.cause
    this.remedy = found?.remedy
    this.step = step
    this.asked = asked
    this.said = told?.said
  }

  /** Everything, over several lines. */
  get long(): string {
    return [
      this.asked,
      `  failed with  ${this.code}: ${this.meaning}`,
      this.said && `  it says      ${this.said}`,
      this.cause && `  most likely  ${this.cause}`,
      this.remedy && `  what to do   ${this.remedy}`,
    ]
      .filter(Boolean)
      .join('\n')
  }
}
