// The flags of a command as a table: parsed, checked and printed for --help from the same rows.
import { parseArgs } from 'node:util'
import { UsageError } from '../kernel/usage-error.ts'

export interface Flag {
  /** One letter. */
  readonly short?: string
  /** What stands for its value in the help; a flag without it takes none. */
  readonly value?: string
  readonly help: string
}

export interface Command {
  /** `toolkit run [OPTIONS] …` without the first word. */
  readonly usage: string
  readonly summary: string
  readonly flags: Readonly<Record<string, Flag>>
}

export interface Parsed {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  /** Everything from the first word on that is no flag; flags after it belong to the program. */
  readonly rest: readonly string[]
}

const options = (flags: Command['flags']) =>
  Object.fromEntries(
    Object.entries({ ...flags, help }).map(([name, { short, value }]) => [
      name,
      { type: value ? ('string' as const) : ('boolean' as const), ...(short && { short }) },
    ]),
  )

const help: Flag = { help: 'show this help', short: 'h' }

/** Throws a UsageError that names what is wrong and where to look. */
export function parse(command: Command, argv: readonly string[]): Parsed {
  const name = command.usage.split(' ')[0]
  const { tokens } = parseArgs({ args: [...argv], options: options(command.flags), strict: false, tokens: true })
  const first = tokens.find(token => token.kind !== 'option')
  const end = first?.index ?? argv.length
  try {
    const { values } = parseArgs({ args: argv.slice(0, end), options: options(command.flags) })
    return { flags: values, rest: argv.slice(first?.kind === 'option-terminator' ? end + 1 : end) }
  } catch (error) {
    const [message] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(`${name}: ${message!.replace(/\.$/, '')}; see 'toolkit ${name} --help'`)
  }
}

export function formatHelp({ usage, summary, flags }: Command): string {
  const rows = Object.entries({ ...flags, help }).map(([name, { short, value, help }]) => [
    `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
    help,
  ])
  const width = Math.max(...rows.map(([left]) => left!.length))
  return `Usage: toolkit ${usage}\n\n${summary}\n\nOptions:\n${rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`).join('\n')}\n`
}
