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
  readonly flags: Readonly<Record<string, string | true | undefined>>
  /** Everything from the first word on that is no flag; flags after it belong to the program. */
  readonly rest: readonly string[]
}

const help: Flag = { help: 'show this help', short: 'h' }

/** Throws a UsageError that names the flag and where to look. */
export function parse(command: Command, argv: readonly string[]): Parsed {
  const name = command.usage.split(' ')[0]
  const flags: Record<string, Flag> = { ...command.flags, help }
  const options = Object.fromEntries(
    Object.entries(flags).map(([flag, { short, value }]) => [
      flag,
      { type: value ? ('string' as const) : ('boolean' as const), ...(short && { short }) },
    ]),
  )
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true })
  const given: Record<string, string | true> = {}
  for (const token of tokens) {
    if (token.kind === 'option-terminator') return { flags: given, rest: argv.slice(token.index + 1) }
    if (token.kind === 'positional') return { flags: given, rest: argv.slice(token.index) }
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined
    const refuse = (why: string) => new UsageError(`${name}: ${why}; see 'toolkit ${name} --help'`)
    if (!flag) throw refuse(`unknown flag ${token.rawName}`)
    if (flag.value && token.value === undefined) throw refuse(`${token.rawName} needs a value: ${flag.value}`)
    if (!flag.value && token.value !== undefined) throw refuse(`${token.rawName} takes no value`)
    given[token.name] = token.value ?? true
  }
  return { flags: given, rest: [] }
}

export function formatHelp({ usage, summary, flags }: Command): string {
  const rows = Object.entries({ ...flags, help }).map(([name, { short, value, help }]) => [
    `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
    help,
  ])
  const width = Math.max(...rows.map(([left]) => left!.length))
  return `Usage: toolkit ${usage}\n\n${summary}\n\nOptions:\n${rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`).join('\n')}\n`
}
