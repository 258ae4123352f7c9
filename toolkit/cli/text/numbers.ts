// Numbers in flags of commands about containers that are there.
import { UNREADABLE, UsageError } from '../../kernel/usage-error.ts'

/** A whole number of seconds, or another count. Throws a UsageError that names the flag. */
export function wholeNumber(name: string, value: unknown): number {
  const text = String(value)
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`${name} ${JSON.stringify(text)}: give a whole number`, UNREADABLE)
}
