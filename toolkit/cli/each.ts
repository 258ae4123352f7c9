// Commands that take several containers, volumes or networks do what they can: one that is not there does not stop them.
import { exitCodeFor } from '../engine/exit-code.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { explainError, isExpected } from './failure.ts'
import { ofCommand } from './flags/refuse.ts'
import { print, printError } from './text/output.ts'
import { printable } from './text/printable.ts'

interface Manner {
  /** What is printed, undefined: nothing. The word itself, if nothing else is said. */
  readonly say?: (word: string, result: unknown) => string | undefined
  /** Not one after the other: each may take its time. */
  readonly together?: boolean
  /** What is told, and no failure. */
  readonly forgive?: (error: UsageError) => boolean
}

const AT_ONCE = 50

/**
 * Does it for each word, and prints what comes of it, in their order; errors as soon as they are known. The exit code is 1
 * where some were refused, as docker's; a single one's own. Throws what is our own fault, when all the others are done.
 */
export async function forEach(
  words: readonly string[],
  action: (word: string) => unknown,
  { say = word => word, together = false, forgive = () => false }: Manner = {},
): Promise<number> {
  const single = words.length === 1
  const bugs: unknown[] = []
  let status = 0
  const tell = async (word: string, error: Error) => {
    // A UsageError names it already.
    const about = single || error instanceof UsageError ? '' : `${printable(word)}: `
    printError(`toolkit: ${about}${await explainError(error)}`)
    if (!(error instanceof UsageError && forgive(error))) status = single ? exitCodeFor(error, 1) : 1
  }
  const texts: (string | undefined)[] = [] // of those that are done
  let next = 0 // is printed next
  const said = (i: number, text: string | undefined) => {
    texts[i] = text
    for (; next in texts; next++) if (texts[next] !== undefined) print(printable(texts[next]!))
  }
  const left = words.entries()
  const work = async () => {
    for (const [i, word] of left) {
      let text: string | undefined
      try {
        text = say(word, await action(word))
      } catch (error) {
        if (isExpected(error)) await tell(word, error as Error)
        else bugs.push(error)
      }
      said(i, text)
    }
  }
  await Promise.all(Array.from({ length: together ? AT_ONCE : 1 }, work))
  if (bugs.length > 0) throw bugs[0]
  return status
}

/** What refuses speaks of `run`. */
export async function starting<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    throw ofCommand('start', error)
  }
}

/** The words after the flags; throws a UsageError (exit code 1) where there is none. */
export function needContainers(name: string, rest: readonly string[]): readonly string[] {
  if (rest.length === 0) throw new UsageError(`${name}: which container? 'toolkit ps -a' lists them`, 1)
  return rest
}

/** The one container that is named; throws as `needContainers`. */
export function needContainer(name: string, rest: readonly string[]): string {
  if (rest.length !== 1) throw new UsageError(`${name}: give one container; 'toolkit ps -a' lists them`, 1)
  return rest[0]!
}
