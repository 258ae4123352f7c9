// The flags of a command as a table: parsed, checked and printed for --help from the same rows.
import { quoteValue, UNREADABLE, UsageError } from '../kernel/usage-error.ts'
import { suggest } from './flags/suggest.ts'
import { print } from './text/output.ts'

export interface Flag {
  /** One letter. */
  readonly short?: string
  /** What stands for its value in the help; a flag without it takes none. */
  readonly value?: string
  readonly help: string
  /** May be given several times; its value is a list. */
  readonly many?: true
  /** '' is as good as nothing given: what a script passes on of a variable that is not set. */
  readonly blank?: true
  /** Is known to be refused, with a reason: no shell offers it. */
  readonly absent?: true
}

export interface Command {
  /** What it is called in errors, where that is not the first word of `usage`: `volume rm`; '' for toolkit itself. */
  readonly name?: string
  /** `toolkit run [OPTIONS] …` without the first word. */
  readonly usage: string
  readonly summary: string
  readonly flags: Readonly<Record<string, Flag>>
  /** Flags may come after other words, too: none of those is a program with flags of its own. */
  readonly mixed?: true
}

export interface Parsed {
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  /** Everything from the first word on that is no flag; flags after it belong to the program. */
  readonly rest: readonly string[]
}

const help: Flag = { help: 'show this help', short: 'h' }

// Go's words, strconv.ParseBool: scripts use all of them.
const YES = ['1', 't', 'T', 'TRUE', 'true', 'True']
const NO = ['0', 'f', 'F', 'FALSE', 'false', 'False']

/**
 * Reads flags up to the first word that is none: -i -t, -it, --rm, --hostname NAME, --hostname=NAME, -m 1g, -m1g, -m=1g,
 * -it=false. A lone -- ends them too. By hand, because node:util's parser costs 0.6 ms at every start. Throws a UsageError
 * that names the flag.
 */
export function parse(command: Command, argv: readonly string[]): Parsed {
  const name = command.name ?? command.usage.split(' ')[0]
  const table: Record<string, Flag> = { ...command.flags, help }
  const given: Record<string, string | boolean | readonly string[]> = {}
  const refuse = (why: string) =>
    new UsageError(`${name && `${name}: `}${why}; see 'toolkit ${name && `${name} `}--help'`, UNREADABLE)

  const unknown = (written: string) => {
    const close = written.startsWith('--') ? suggest(written.slice(2), Object.keys(table)) : undefined
    return `unknown flag ${written}${close ? `; did you mean --${close}?` : ''}`
  }

  const words: string[] = []
  let at = 0
  const take = (flag: string, written: string, value: string | undefined): void => {
    const row = Object.hasOwn(table, flag) ? table[flag] : undefined
    if (!row) throw refuse(unknown(written))
    if (!row.value && value !== undefined && !YES.includes(value) && !NO.includes(value))
      throw refuse(`${written} takes no value but true or false, not ${quoteValue(value)}`)
    if (row.value && value === undefined && at === argv.length) throw refuse(`${written} needs a value: ${row.value}`)
    const taken = row.value ? (value ?? argv[at++]!) : !(value !== undefined && NO.includes(value))
    if (row.blank && taken === '') {
      if (!row.many) delete given[flag] // the last one counts
    } else given[flag] = row.many ? [...((given[flag] as string[]) ?? []), taken as string] : taken
  }
  const long = (letter: string) => Object.keys(table).find(flag => table[flag]!.short === letter) ?? `-${letter}`

  while (at < argv.length) {
    const word = argv[at]!
    if (word === '-' || !word.startsWith('-')) {
      if (!command.mixed) break
      words.push(word)
      at++
      continue
    }
    at++
    if (word === '--') break
    if (word.startsWith('--')) {
      const [flag, ...value] = word.slice(2).split('=')
      take(flag!, `--${flag}`, value.length > 0 ? value.join('=') : undefined)
      continue
    }
    for (let i = 1; i < word.length; i++) {
      const letter = word[i]!
      const after = word.slice(i + 1)
      const attached = after.startsWith('=') || (after !== '' && table[long(letter)]?.value) // -m=1g, -m1g
      take(long(letter), `-${letter}`, attached ? after.replace(/^=/, '') : undefined)
      if (attached) break
    }
  }
  return { flags: given, rest: [...words, ...argv.slice(at)] }
}

/** Throws a UsageError where a command is given more words than it takes. `name`: as its user writes it, `volume rm`. */
export function noMoreThan(most: number, rest: readonly string[], name: string, exitCode = 1): void {
  if (rest.length <= most) return
  throw new UsageError(`${name}: takes no ${JSON.stringify(rest[most])}; see 'toolkit ${name} --help'`, exitCode)
}

export function formatHelp({ usage, summary, flags }: Command): string {
  const rows = Object.entries({ ...flags, help }).map(([name, { short, value, help }]) => [
    `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
    help,
  ])
  const width = Math.max(...rows.map(([left]) => left!.length))
  return `Usage: toolkit ${usage}\n\n${summary}\n\nOptions:\n${rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`).join('\n')}\n`
}

/** What a command does with its words; the exit code. */
type Body = (parsed: Parsed, argv: readonly string[]) => number | Promise<number>

/** A command as it is called: its flags are read, and --help is answered. Throws UsageErrors, also of `body`. */
export const mainOf =
  (command: Command, body: Body) =>
  async (argv: readonly string[]): Promise<number> => {
    const parsed = parse(command, argv)
    if (!parsed.flags.help) return body(parsed, argv)
    print(formatHelp(command))
    return 0
  }
