// The words of --mount: which there are, and which go with which type.
import { inQuotes, type UsageError } from '../../kernel/usage-error.ts'
import { refuseValue } from './refuse.ts'

const refuse = (value: string, allowed: string): UsageError => refuseValue('mount', value, allowed)

/** A line of comma-separated values: one in quotes may hold commas. */
const fieldsOf = (value: string): string[] =>
  [...value.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
    .slice(0, -1)
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!)

const KEYS: Record<string, string> = {
  type: 'type',
  source: 'source',
  src: 'source',
  target: 'target',
  destination: 'target',
  dst: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  'bind-propagation': 'bind-propagation',
  'bind-recursive': 'bind-recursive',
  'bind-nonrecursive': 'bind-nonrecursive',
  consistency: 'consistency',
  'tmpfs-size': 'tmpfs-size',
  'tmpfs-mode': 'tmpfs-mode',
  'volume-nocopy': 'volume-nocopy',
  'volume-subpath': 'volume-subpath',
  'volume-label': 'volume-label',
  'volume-driver': 'volume-driver',
  'volume-opt': 'volume-opt',
}

const ALL = ['type', 'target', 'readonly', 'consistency']
export const BELONGS: Record<string, readonly string[]> = {
  volume: [...ALL, 'source', 'volume-nocopy', 'volume-subpath', 'volume-label', 'volume-driver', 'volume-opt'],
  bind: [...ALL, 'source', 'bind-propagation', 'bind-recursive', 'bind-nonrecursive'],
  tmpfs: [...ALL, 'tmpfs-size', 'tmpfs-mode'],
}

const SWITCHES = ['readonly', 'volume-nocopy', 'bind-nonrecursive']
const SEVERAL = ['volume-label', 'volume-opt']
export const SEPARATOR = '\n' // of what may be given several times; no line of a command has one in a label's middle

export type Fields = Readonly<Record<string, string | undefined>>

/** Throws a UsageError for a word that is none, or one without the value that it needs. */
export function fields(value: string): Fields {
  const found: Record<string, string> = {}
  for (const field of fieldsOf(value)) {
    const [, word = '', text] = /^([^=]*)(?:=(.*))?$/s.exec(field) ?? []
    const lower = word.toLowerCase()
    const key = Object.hasOwn(KEYS, lower) ? KEYS[lower]! : undefined
    if (!key) throw refuse(value, `unknown key ${inQuotes(word)}; there are ${Object.keys(KEYS).join(', ')}`)
    if (key in found && !SEVERAL.includes(key)) throw refuse(value, `give ${key} once`)
    if (text === undefined && !SWITCHES.includes(key)) throw refuse(value, `${word} needs a value: ${word}=…`)
    found[key] = key in found ? `${found[key]}${SEPARATOR}${text}` : (text ?? 'true')
  }
  return found
}

export function isOn(value: string, key: string, text: string): boolean {
  if (!/^(true|false|1|0)$/.test(text)) throw refuse(value, `${key} is true or false`)
  return /^(true|1)$/.test(text)
}
