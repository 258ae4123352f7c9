// Labels: what a user says of a container, a network or a volume, to find it by.
import { pairsOf, withoutKey } from '../../engine/pairs.ts'
import { UNREADABLE, UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'

export type Labels = Readonly<Record<string, string>>

export const labelFlag: Flag = { value: 'KEY[=VALUE]', many: true, help: 'something to find it by' }
/** KEY=VALUE, or KEY alone for an empty value; a later one of the same key wins. */
export function labelsOf(given: Parsed['flags'][string]): Record<string, string> {
  const texts = (given ?? []) as readonly string[]
  const bad = withoutKey(texts)
  if (bad !== undefined) throw new UsageError(`--label ${JSON.stringify(bad)}: give KEY or KEY=VALUE`, UNREADABLE)
  return pairsOf(texts)
}

/** The labels as one text: a=1,b=2. */
export const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** A field of templates: .Label "KEY". */
export const labelField =
  (labels: Readonly<Record<string, string>> = {}) =>
  (key: unknown): string =>
    Object.hasOwn(labels, String(key)) ? labels[String(key)]! : ''

/** Whether there is this label: KEY, or KEY=VALUE. */
export function hasLabel(labels: Readonly<Record<string, string>> | undefined, wanted: string): boolean {
  const at = wanted.indexOf('=')
  const key = at < 0 ? wanted : wanted.slice(0, at)
  if (!labels || !Object.hasOwn(labels, key)) return false
  return at < 0 || labels[key] === wanted.slice(at + 1)
}
