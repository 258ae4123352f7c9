// A question before something cannot be undone.
import { readSync } from 'node:fs'
import { UsageError } from '../kernel/usage-error.ts'
import { printError } from './text/output.ts'

/** Says what is going to happen, and waits for a yes on stdin. Throws a UsageError (exit code 1) where none comes. */
export function confirm(warning: string, command: string): void {
  printError(`WARNING! ${warning}\nAre you sure you want to continue? [y/N]`)
  const answer = Buffer.alloc(80)
  let length = 0
  try {
    length = readSync(0, answer)
  } catch {} // nobody there to answer
  if (!/^\s*y(es)?\s*$/i.test(answer.toString('utf8', 0, length)))
    throw new UsageError(`${command}: nothing was removed; --force does not ask`, 1)
}
