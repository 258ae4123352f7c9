// Commands that are a family: `toolkit volume ls`. One table a family, one row a command.
import { UNREADABLE, UsageError } from '../kernel/usage-error.ts'
import { suggest } from './flags/suggest.ts'
import { type Command, type Flag, formatHelp, noMoreThan, type Parsed, parse } from './options.ts'
import { print } from './text/output.ts'

export interface Subcommand extends Omit<Command, 'name'> {
  /** How many words it takes besides its flags. */
  readonly words: readonly [number, number]
  /** Resolves to the exit code. */
  readonly run: (words: readonly string[], flags: Parsed['flags']) => number | Promise<number>
}

export interface Family {
  readonly name: string
  readonly summary: string
  readonly commands: Readonly<Record<string, Subcommand>>
  /** Other names of commands. */
  readonly aliases?: Readonly<Record<string, string>>
}

function help({ name, summary, commands }: Family): string {
  const width = Math.max(...Object.keys(commands).map(word => word.length))
  const rows = Object.entries(commands).map(
    ([word, { summary }]) => `  ${word.padEnd(width)}  ${summary.split('\n')[0]}`,
  )
  return `Usage: toolkit ${name} COMMAND\n\n${summary}\n\nCommands:\n${rows.join('\n')}\n\n'toolkit ${name} COMMAND --help' tells more.\n`
}

/** Finds the command, reads its flags, which may stand anywhere, and runs it. Throws UsageError. */
export async function runFamily(family: Family, [word, ...argv]: readonly string[]): Promise<number> {
  const { name, commands, aliases = {} } = family
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    print(help(family))
    return 0
  }
  const key = Object.hasOwn(aliases, word) ? aliases[word]! : word
  const found = Object.hasOwn(commands, key) ? commands[key]! : undefined
  if (!found) {
    const close = suggest(word, Object.keys(commands))
    const known = `there are ${Object.keys(commands).join(', ')}`
    throw new UsageError(
      `${name}: no command ${JSON.stringify(word)}; ${close ? `did you mean ${close}? ` : ''}${known}`,
      word.startsWith('-') ? UNREADABLE : undefined,
    )
  }
  const command: Command = { ...found, name: `${name} ${key}`, mixed: true }
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  const [least, most] = found.words
  if (rest.length < least)
    throw new UsageError(`${name} ${key}: a name is missing; see 'toolkit ${name} ${key} --help'`, 1)
  noMoreThan(most, rest, `${name} ${key}`)
  return found.run(rest, flags)
}

export const filterFlag = (help: string): Flag => ({ value: 'KEY=VALUE', many: true, help: `only those with: ${help}` })

/** What a filter says of a row; of several values of a key one must fit, of all keys each. */
export type Filters<Row> = Readonly<Record<string, (row: Row, value: string) => boolean>>

/** Reads --filter. Throws a UsageError (exit code 1) for a key that is none. */
export function filterOf<Row>(given: Parsed['flags'][string], filters: Filters<Row>): (row: Row) => boolean {
  const wanted = new Map<string, string[]>()
  for (const text of (given ?? []) as readonly string[]) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? []
    if (!Object.hasOwn(filters, key))
      throw new UsageError(
        `--filter ${JSON.stringify(text)}: there are ${Object.keys(filters)
          .map(key => `${key}=…`)
          .join(', ')}`,
        text.includes('=') ? 1 : UNREADABLE,
      )
    wanted.set(key, [...(wanted.get(key) ?? []), value])
  }
  // Labels are all to be there; of anything else a row has one only.
  return row =>
    [...wanted].every(([key, values]) =>
      /^label!?$/.test(key)
        ? values.every(value => filters[key]!(row, value))
        : values.some(value => filters[key]!(row, value)),
    )
}

/**
 * What --filter name= asks for: a part of a name, or a regular expression. `command`: whose filter it is. Throws a
 * UsageError (exit code 1).
 */
export function namePattern(command: string, value: string): RegExp {
  try {
    return new RegExp(value)
  } catch {
    const filter = JSON.stringify(`name=${value}`)
    throw new UsageError(`${command}: --filter ${filter}: name is a part of it, or a regular expression`, 1)
  }
}

/** The truth in docker's words. Throws a UsageError (exit code 1) for another. */
export function truth(flag: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw new UsageError(`${flag}=${JSON.stringify(value)}: is true or false`, 1)
}
