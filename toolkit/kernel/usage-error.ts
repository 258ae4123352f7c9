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
