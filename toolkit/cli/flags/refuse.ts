import { quoteValue, UNREADABLE, UsageError } from '../../kernel/usage-error.ts'

/** One line that names the flag, its value and what is allowed. */
export const refuseValue = (flag: string, value: string, allowed: string, exitCode?: number): UsageError =>
  new UsageError(`run: --${flag} ${quoteValue(value)}: ${allowed}`, exitCode)

/** The same for what is not of the flag's kind: a word where a number belongs. */
export const unreadable = (flag: string, value: string, allowed: string): UsageError =>
  refuseValue(flag, value, allowed, UNREADABLE)

/** What refuses a flag speaks of `run`; here it is another command's. */
export const ofCommand = (command: string, error: unknown): unknown =>
  error instanceof UsageError && error.message.startsWith('run: ')
    ? new UsageError(error.message.replace('run', command), error.exitCode)
    : error

/** The same for what is refused at once. */
export function saidBy<T>(command: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw ofCommand(command, error)
  }
}
