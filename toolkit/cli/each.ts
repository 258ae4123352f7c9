// Commands that take several containers do what they can: one that is not there does not stop them.
import { UsageError } from '../kernel/usage-error.ts'
import { print, printError } from './text/output.ts'
import { printable } from './text/printable.ts'

interface Manner {
  /** What is printed: the word itself, if nothing else is said. */
  readonly say?: (word: string, result: unknown) => string
  /** Not one after the other: each may take its time. */
  readonly together?: boolean
  /** What is told, and no failure. */
  readonly forgive?: (error: UsageError) => boolean
}

const AT_ONCE = 50

/**
 * Does it for each word, and prints what comes of it, in their order. The exit code is that of the last that was refused:
 * 1 as docker's, 125 where it is for want of rights or disk.
 */
export async function forEach(
  words: readonly string[],
  action: (word: string) => unknown,
  { say = word => word, together = false, forgive = () => false }: Manner = {},
): Promise<number> {
  let status = 0
  const size = together ? AT_ONCE : 1
  for (let i = 0; i < words.length; i += size) {
    const some = words.slice(i, i + size)
    const results = await Promise.allSettled(some.map(async word => say(word, await action(word))))
    for (const result of results) {
      if (result.status === 'fulfilled') print(printable(result.value))
      else if (!(result.reason instanceof UsageError)) throw result.reason
      else {
        printError(`toolkit: ${printable(result.reason.message)}`)
        if (!forgive(result.reason)) status = result.reason.exitCode
      }
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
