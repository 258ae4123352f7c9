// A row of the table that the machine code goes through (table.ts, machine-code.ts): one system call, or a jump.
import { ERRNO, type ErrnoName } from './errno.ts'
import type { Arg, Jump } from './step.ts'
import type { SyscallName } from './syscalls.ts'

const ERROR_BITS = 48
const ANY = 1 // the bit that allows every error: there is no error 0

/** What the new process shares with us: our descriptors' numbers. */
export interface Shared {
  /** To tell us that it stands at a gate, and to be let through: ends of two pipes. */
  readonly status: number
  readonly gate: number
  /** The file that the table lies in. */
  readonly table: number
  /** The program that the process becomes, see runner.ts. */
  readonly runner: number
  /** To let the monitor go on: the end of a third pipe. */
  readonly go?: number | undefined
  /** What the plan's steps name. */
  readonly descriptors: ReadonlyMap<string, number>
}

/** A step of the plan, with its number from 1, or a call that belongs to a gate, to the monitor or to us. */
export interface Row {
  readonly call: SyscallName
  readonly args: readonly Arg[]
  /** Bit n: the error n is as good as success. */
  readonly allow: number
  readonly step?: number
  readonly gate?: string
  /** By which jumps know it. */
  readonly label?: string | undefined
  /** It is no call, but this. */
  readonly jump?: Jump
  /** It is no call: the next row is left out where the result of the one with this label is above 0. */
  readonly past?: string
  /** It is left out, where all is well. */
  readonly passed?: true
}

export const row = (call: SyscallName, ...args: Arg[]): Row => ({ call, args, allow: 0 })

/** A step's `allow` as bits. Throws RangeError for an error that a row has no place for. */
export function errorBits(names: readonly ErrnoName[] | 'any' = []): number {
  if (names === 'any') return ANY
  if (names.length === 0) return 0 // as for most steps
  const errors = new Set(names.map(name => ERRNO[name]))
  for (const error of errors)
    if (error >= ERROR_BITS) throw new RangeError(`error ${error} cannot be allowed; those below ${ERROR_BITS} can`)
  return [...errors].reduce((bits, error) => bits + 2 ** error, 0)
}

/** Whether a call that returned `result` ends the process. */
export const isFailure = (result: number, allowed: number): boolean =>
  result < 0 && allowed % 2 !== ANY && (-result >= ERROR_BITS || Math.floor(allowed / 2 ** -result) % 2 === 0)
