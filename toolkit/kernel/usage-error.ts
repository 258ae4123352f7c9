/** Something the user can set right: one line that says what to do. The exit code follows docker's convention. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly exitCode: number

  constructor(message: string, exitCode = 125) {
    super(message)
    this.exitCode = exitCode
  }
}
