/** docker's exit code for a command line that cannot be read: an unknown flag, a word where a number belongs. */
export const UNREADABLE = 125

/**
 * Something the user can set right: one line that says what to do. Without an exit code of its own it has that of the
 * command which comes upon it.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly exitCode: number | undefined

  constructor(message: string, exitCode?: number) {
    super(message)
    this.exitCode = exitCode
  }
}

const MOST = 200 // characters of a value in an error

/** A value in quotes, as a part of one line; the beginning of one that is very long. */
export const inQuotes = (value: string): string =>
  JSON.stringify(value.length > MOST ? `${value.slice(0, MOST - 1)}…` : value).replace(
    /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu,
    char => `\\u{${char.codePointAt(0)!.toString(16)}}`,
  )

/** The same; without quotes where it is a plain word. */
export const quoteValue = (value: string): string =>
  value.length <= MOST && /^[\x21-\x7e]+$/.test(value) ? value : inQuotes(value)
