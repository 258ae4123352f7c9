// Names for containers: the user's, or one made up. docker's rules: letters, digits, _ . - and at least two of them.
import { UsageError } from '../../kernel/usage-error.ts'

const words = (...lines: readonly string[]): string[] => lines.join(' ').split(' ')

const adjectives = words(
  'able brave bright calm clever curious daring eager fair gentle happy honest humble jolly keen kind lively lucid',
  'merry modest neat nimble patient plucky quick quiet serene sharp steady sunny tidy witty',
)

// People whose work is in every container: of Unix, Linux, networks, languages and the theory behind them.
const surnames = words(
  'allman babbage baran bellovin cerf chomsky church dijkstra engelbart floyd gosper hamilton hopper hamming joy kahn',
  'karels kay kernighan kleene knuth lamport liskov lovelace mcilroy mckusick mockapetris naur perlman pike postel',
  'ritchie shannon stallman tanenbaum thompson torvalds turing wirth',
)

/** A name from random bytes: `brave_lovelace`. Later tries (after a clash) have a digit at the end. */
export function makeUpName(bytes: Uint8Array, attempt: number): string {
  const pick = (words: readonly string[], at: number) => words[(bytes[at]! * 256 + bytes[at + 1]!) % words.length]!
  return `${pick(adjectives, 2 * attempt)}_${pick(surnames, 2 * attempt + 2)}${attempt > 0 ? attempt : ''}`
}

/** Throws a UsageError for what is no name. `asked`: what has asked for it. */
export function checkName(name: string, asked = '--name'): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/.test(name))
    throw new UsageError(
      `${asked} ${JSON.stringify(name.slice(0, 140))}: 2 to 128 letters, digits, '_', '.' and '-', the first a letter or digit`,
    )
}
