// Values as Go sees and prints them. They are what JSON has; a map is an object.

/** What is wrong with a value; the one who knows where it stands in the template says so. */
export class Slip extends Error {}

export type GoMap = Readonly<Record<string, unknown>>

export const isNil = (value: unknown): value is null | undefined => value === null || value === undefined
export const isMap = (value: unknown): value is GoMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** In the order in which Go walks through a map: that of the keys. */
export const entriesOf = (map: GoMap): [string, unknown][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))

/** Lists in brackets, maps as map[key:value]. */
export function text(value: unknown): string {
  if (isNil(value)) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(text).join(' ')}]`
  if (!isMap(value)) return String(value)
  return `map[${entriesOf(value)
    .map(([key, item]) => `${key}:${text(item)}`)
    .join(' ')}]`
}

/** Nothing, 0, and what is empty are false. */
export const isTrue = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

/** What kind of thing it is, for errors. */
export function kindOf(value: unknown): string {
  if (isNil(value)) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (isMap(value)) return 'a map'
  return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a function'
}

const NAMES_SHOWN = 40

/** What there is in a map, for errors. */
export function namesOf(map: GoMap): string {
  const names = Object.getOwnPropertyNames(map)
  if (names.length === 0) return 'it is empty'
  return `there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, NAMES_SHOWN).join(', ')}${names.length > NAMES_SHOWN ? ' …' : ''}`
}
