// What the flags of limits have in common: bytes with a unit, whole numbers in a range. Docker's units.
import type { Parsed } from '../options.ts'
import { refuseValue, unreadable } from './refuse.ts'

export type Given = Parsed['flags']

export const one = (given: Given, flag: string) => given[flag] as string | undefined
export const many = (given: Given, flag: string) => (given[flag] ?? []) as readonly string[]

const UNITS = ['b', 'k', 'm', 'g', 't', 'p']

/** docker's go-units: 512m, 1.5g, 64MB, 1GiB; k is 1024. Undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/.exec(text.toLowerCase()) ?? []
  if (number === undefined) return undefined
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit || 'b'))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

const MINIMUM = 6 << 20 // bytes; with less the kernel kills the first program before it has begun

/** By how what is no number, or none that may be, is refused. */
export const refuserOf = (number: number) => (Number.isNaN(number) ? unreadable : refuseValue)

/** Undefined where the flag is not given. Throws a UsageError for less than `least`. */
export function bytes(given: Given, flag: string, least = MINIMUM): number | undefined {
  const value = one(given, flag)
  if (value === undefined) return undefined
  const parsed = parseBytes(value)
  if (parsed === undefined) throw unreadable(flag, value, 'give a number of bytes, or with a unit b, k, m or g: 512m')
  if (parsed < least) throw refuseValue(flag, value, `give at least ${least === MINIMUM ? '6m' : least}`)
  return parsed
}

/**
 * Undefined where the flag is not given. `minusOne`: what -1 means, where it is one of the values. Throws a UsageError for
 * what is not between `least` and `most`.
 */
export function integer(
  given: Given,
  flag: string,
  [least, most]: readonly [number, number],
  minusOne?: string,
): number | undefined {
  const value = one(given, flag)
  if (value === undefined || (minusOne !== undefined && value === '-1')) return value === undefined ? undefined : -1
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`
  throw refuserOf(number)(
    flag,
    value,
    `give a whole number, ${range}${minusOne === undefined ? '' : `, or -1 for ${minusOne}`}`,
  )
}

/** Leaves out what is undefined, and itself where nothing is left. */
export function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T | undefined {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  return entries.length > 0 ? (Object.fromEntries(entries) as T) : undefined
}
