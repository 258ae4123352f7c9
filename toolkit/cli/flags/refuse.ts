import { UsageError } from '../../kernel/usage-error.ts'

/** One line that names the flag, its value and what is allowed; a value that is no plain word stands in quotes. */
export const refuseValue = (flag: string, value: string, allowed: string): UsageError =>
  new UsageError(`run: --${flag} ${/^[\w:=.,/+@-]+$/.test(value) ? value : JSON.stringify(value)}: ${allowed}`)
