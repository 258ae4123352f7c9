// A program for causes.test.ts: makes system calls that shall fail, in whatever namespaces and as whatever user it was
// started. Takes cases as JSON on stdin, each a list of calls of which only the last may fail; prints what became of each.
import { readFileSync } from 'node:fs'
import { invoke } from '../../toolkit/kernel/call.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import type { Arg } from '../../toolkit/kernel/step.ts'
import type { SyscallName } from '../../toolkit/kernel/syscalls.ts'

/** `{ result: n }` is what call n of the same case returned (from 0), `{ bytes }` memory. */
export type CaseArg = number | string | null | string[] | { result: number } | { bytes: number[] }
export type CaseCall = [SyscallName, ...CaseArg[]]

export interface Outcome {
  readonly call?: string
  /** How many calls went well before. */
  readonly index?: number
  readonly code?: string
  readonly cause?: string | undefined
  readonly message: string
}

function run(calls: readonly CaseCall[]): Outcome {
  const results: number[] = []
  const real = (arg: CaseArg): Arg => {
    if (typeof arg !== 'object' || arg === null || Array.isArray(arg)) return arg
    return 'bytes' in arg ? Uint8Array.from(arg.bytes) : results[arg.result]!
  }
  try {
    for (const [name, ...args] of calls) results.push(invoke(name, args.map(real)))
    return { message: 'nothing failed' }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    const { call, code, cause, message } = error
    return { call, code, cause, message, index: results.length }
  }
}

if (process.argv[1] === import.meta.filename)
  console.log(JSON.stringify((JSON.parse(readFileSync(0, 'utf8')) as CaseCall[][]).map(run)))
