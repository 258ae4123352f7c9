// The flags of a command as a table: parsed, checked and printed for --help from the same rows.
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

/**
 * Reads flags up to the first word that is none: -i -t, -it, --rm, --hostname NAME, --hostname=NAME. A lone -- ends them
 * too. By hand, because node:util's parser costs 0.6 ms at every start. Throws a UsageError that names the flag.
 */
export function parse(command: Command, argv: readonly string[]): Parsed {
  const name = command.usage.split(' ')[0]
  const table: Record<string, Flag> = { ...command.flags, help }
  const given: Record<string, string | true> = {}
  const refuse = (why: string) => new UsageError(`${name}: ${why}; see 'toolkit ${name} --help'`)

  let at = 0
  const take = (flag: string, written: string, value: string | undefined): void => {
    const row = Object.hasOwn(table, flag) ? table[flag] : undefined
    if (!row) throw refuse(`unknown flag ${written}`)
    if (!row.value && value !== undefined) throw refuse(`${written} takes no value`)
    if (row.value && value === undefined && at === argv.length) throw refuse(`${written} needs a value: ${row.value}`)
    given[flag] = row.value ? (value ?? argv[at++]!) : true
  }
  const long = (letter: string) => Object.keys(table).find(flag => table[flag]!.short === letter) ?? `-${letter}`

  while (at < argv.length) {
    const word = argv[at]!
    if (word === '-' || !word.startsWith('-')) break
    at++
    if (word === '--') break
    if (word.startsWith('--')) {
      const [, flag = '', value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? []
      take(flag, `--${flag}`, value)
    } else for (const letter of word.slice(1)) take(long(letter), `-${letter}`, undefined)
  }
  return { flags: given, rest: argv.slice(at) }
}

export function formatHelp({ usage, summary, flags }: Command): string {
  const rows = Object.entries({ ...flags, help }).map(([name, { short, value, help }]) => [
    `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
    help,
  ])
  const width = Math.max(...rows.map(([left]) => left!.length))
  return `Usage: toolkit ${usage}\n\n${summary}\n\nOptions:\n${rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`).join('\n')}\n`
}
