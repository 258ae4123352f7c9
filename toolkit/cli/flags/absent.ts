// Flags of docker's for what is not there: they are known, so that whoever gives one reads why, and what to do.
import { UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'

/** What stands for a value where it takes one; and why it is not there. */
export type Absent = Readonly<Record<string, Omit<Flag, 'help'> & { readonly why: string }>>

/** The rows of a command's table. */
export const absentFlags = (absent: Absent): Readonly<Record<string, Flag>> =>
  Object.fromEntries(
    Object.entries(absent).map(([name, { why, ...row }]) => [
      name,
      { ...row, absent: true, help: `is not there: ${why}` },
    ]),
  )

/** Throws a UsageError (exit code 1) where one of them is given. `command`: whose they are. */
export function refuseAbsent(command: string, flags: Parsed['flags'], absent: Absent): void {
  const name = Object.keys(absent).find(name => flags[name] !== undefined && flags[name] !== false)
  if (name !== undefined) throw new UsageError(`${command}: --${name}: ${absent[name]!.why}; leave it out`, 1)
}
