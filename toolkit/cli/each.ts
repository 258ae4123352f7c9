// Commands that take several containers do what they can: one that is not there does not stop them.
import { UsageError } from '../kernel/usage-error.ts'
import { print, printError } from './output.ts'
import { printable } from './printable.ts'

/**
 * Does it for each word, and prints what comes of it: the word itself, or what `action` returns. The exit code is that of
 * the last that was refused: 1 as docker's, 125 where it is for want of rights or disk.
 */
export async function forEach(
  words: readonly string[],
  action: (word: string) => unknown,
  say = (word: string, _result: unknown): string => word,
): Promise<number> {
  let status = 0
  for (const word of words) {
    try {
      const result = await action(word)
      print(printable(say(word, result)))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      printError(`toolkit: ${printable(error.message)}`)
      status = error.exitCode
    }
  }
  return status
}

/** The words after the flags; throws a UsageError (exit code 1) where there is none. */
export function needContainers(name: string, rest: readonly string[]): readonly string[] {
  if (rest.length === 0) throw new UsageError(`${name}: which container? 'toolkit ps -a' lists them`)
  return rest
}

/** The one container that is named. */
export function needContainer(name: string, rest: readonly string[]): string {
  if (rest.length !== 1) throw new UsageError(`${name}: give one container; 'toolkit ps -a' lists them`)
  return rest[0]!
}
