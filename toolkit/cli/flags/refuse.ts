import { quoteValue, UNREADABLE, UsageError } from '../../kernel/usage-error.ts'

/** One line that names the flag, its value and what is allowed. */
export const refuseValue = (flag: string, value: string, allowed: string, exitCode?: number): UsageError =>
  new UsageError(`run: --${flag} ${quoteValue(value)}: ${allowed}`, exitCode)

/** The same for what is not of the flag's kind: a word where a number belongs. */
export const unreadable = (flag: string, value: string, allowed: string): UsageError =>
  refuseValue(flag, value, allowed, UNREADABLE)

/** What refuses a flag speaks of `run`; here it is another command's. */
export function saidBy<T>(command: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(error.message.replace(/^run: /, `${command}: `), error.exitCode)
  }
}
