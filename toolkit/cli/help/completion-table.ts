// What can stand where on a command line, made from the tables of the commands: for shells that complete it.
import { SIG } from '../../kernel/constants.ts'
import { ALL_CAPABILITIES } from '../../primitives/capabilities.ts'
import { command as toolkit } from '../global-flags.ts'
import type { Command, Flag } from '../options.ts'
import { ALIASES, container, type Entry, groups, isFamily, nameOf } from './catalogue.ts'

/** What a word is, as the shell asks for it: see `words` and completion.ts. '' is anything: files, for instance. */
export type Kind = string

export interface CompletedFlag {
  /** --name, -n */
  readonly names: readonly string[]
  readonly help: string
  /** Undefined where it takes no value. */
  readonly value: Kind | undefined
}

export interface Row {
  /** The words so far: '', 'run', 'network rm'. */
  readonly path: string
  readonly summary: string
  /** Words that may come next, and what they mean. */
  readonly commands: readonly { readonly name: string; readonly summary: string }[]
  readonly flags: readonly CompletedFlag[]
  /** The other words in order; the last one again and again where `repeats`. */
  readonly words: readonly Kind[]
  readonly repeats: boolean
  /** Flags may come after words, too. */
  readonly mixed: boolean
}

/** Which containers a command is for; all, where it is not here. */
const STATES: Readonly<Record<string, string>> = {
  attach: 'running',
  exec: 'running',
  kill: 'running',
  pause: 'running',
  port: 'running',
  start: 'stopped',
  stats: 'running',
  stop: 'running',
  top: 'running',
  unpause: 'paused',
}

/** Words of a usage line that stand for something known. */
function kindOf(word: string, command: string): Kind {
  const containers = `containers:${STATES[command] ?? 'all'}`
  if (/^(CONTAINER|PROCESS)/.test(word)) return /^CONTAINER:|^SOURCE\|/.test(word) ? 'copied' : containers
  if (word.startsWith('VOLUME')) return 'volumes'
  if (word.startsWith('NETWORK')) return 'networks'
  if (word.startsWith('ROOTFS')) return 'rootfs'
  if (word.startsWith('LESSON')) return 'lessons'
  return /^(COMMAND|ARG|DIR|FILE)/.test(word) ? '' : 'none'
}

/** Flags whose values are known, by their names; others by what stands for their value. */
const BY_NAME: Readonly<Record<string, Kind>> = {
  network: 'modes',
  net: 'modes',
  'volumes-from': 'containers:all',
  volume: 'mounted',
  'cap-add': 'capabilities',
  'cap-drop': 'capabilities',
  'detach-keys': 'none',
}

function valueKind(name: string, { value }: Flag): Kind | undefined {
  if (value === undefined) return undefined
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name]
  if (value === 'SIGNAL') return 'signals'
  if (/^(FILE|DIR|DIRECTORY|PATH)/.test(value)) return ''
  const choices = value.split('|')
  return choices.every(word => /^[a-z-]+$/.test(word) || word.endsWith(':PATH'))
    ? `one:${choices.map(word => word.replace(/PATH$/, '')).join(',')}`
    : 'none'
}

/** The one letter of --help is another's where that has it: `run -h box`. */
const helpOf = (flags: Command['flags']): Flag => ({
  ...(Object.values(flags).every(({ short }) => short !== 'h') && { short: 'h' }),
  help: 'show this help',
})

const flagsOf = (flags: Command['flags']): CompletedFlag[] =>
  Object.entries({ ...flags, help: helpOf(flags) })
    .filter(([, { absent }]) => !absent)
    .map(([name, flag]) => ({
      names: [`--${name}`, ...(flag.short ? [`-${flag.short}`] : [])],
      help: flag.help,
      value: valueKind(name, flag),
    }))

/** The first sentence. */
const first = (summary: string): string => /^[^.\n]*/.exec(summary)![0]

function row(path: string, command: Command, mixed: boolean): Row {
  const name = path.split(' ').at(-1)!
  // The first line of the usage, without the command itself and its flags.
  const given = command.usage
    .split('\n')[0]!
    .split(' ')
    .slice(path.split(' ').length)
    .filter(word => word !== '' && word !== '[OPTIONS]' && word !== '|')
    .map(word => word.replace(/^\[/, ''))
  return {
    path,
    summary: first(command.summary),
    commands: [],
    flags: flagsOf(command.flags),
    words: path === 'cp' ? ['copied', 'copied'] : given.map(word => kindOf(word, name)),
    repeats: given.at(-1)?.replace(/\]$/, '').endsWith('…') ?? false,
    mixed,
  }
}

const CONTAINERS = ['Make and start containers', 'Look at containers', 'End, change and remove them']

function rowsOf(entry: Entry): Row[] {
  if (!isFamily(entry)) return [row(nameOf(entry), entry, entry.mixed === true)]
  const { name, summary, commands } = entry
  const own = Object.entries(commands).map(([word, command]) => ({ name: word, summary: first(command.summary) }))
  const all = entry === container ? [...longForms(), ...own] : own
  return [
    { path: name, summary: first(summary), commands: all, flags: flagsOf({}), words: [], repeats: false, mixed: true },
    ...Object.entries(commands).map(([word, command]) => row(`${name} ${word}`, command, true)),
  ]
}

/** `container ls` is `ps`: a shell looks the others up as if the first word were not there. */
const longForms = () => [
  { name: 'ls', summary: 'List containers' },
  ...groups
    .filter(({ title }) => CONTAINERS.includes(title))
    .flatMap(({ entries }) => entries)
    .map(entry => ({ name: nameOf(entry), summary: first(entry.summary) })),
]

export function completionTable(): readonly Row[] {
  const entries = groups.flatMap(({ entries }) => entries)
  const named = new Map(entries.map(entry => [nameOf(entry), first(entry.summary)]))
  const others = Object.entries(ALIASES).map(([alias, name]) => [alias, named.get(name)!] as const)
  const commands = [...named, ...others].map(([name, summary]) => ({ name, summary }))
  const top: Row = {
    ...{ path: '', summary: '', commands, words: [], repeats: false, mixed: true },
    flags: flagsOf(toolkit.flags),
  }
  const rows = entries.flatMap(rowsOf)
  const aliases = Object.entries(ALIASES).flatMap(([alias, name]) =>
    rows.filter(({ path }) => path === name).map(found => ({ ...found, path: alias })),
  )
  return [top, ...rows, ...aliases]
}

/** Kinds whose words are known now; the rest a shell asks `toolkit completion names` for when it needs them. */
export const words = (): Readonly<Record<Kind, readonly string[]>> => ({
  signals: Object.keys(SIG),
  capabilities: ['ALL', ...ALL_CAPABILITIES.map(name => name.slice(4))],
})
