// Values as Go sees and prints them. They are what JSON has; a map is an object.

/** What is wrong with a value; the one who knows where it stands in the template says so. */
export class Slip extends Error {}

export type GoMap = Readonly<Record<string, unknown>>

export const isNil = (value: unknown): boolean => value === null || value === undefined || value === NO_VALUE
export const isMap = (value: unknown): value is GoMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A map whose keys somebody has chosen, as labels: it has no prototype. Of others it is a slip to ask for a key they lack. */
export const freeMap = <T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> =>
  Object.assign(Object.create(null), Object.fromEntries(entries))
export const isFreeMap = (value: unknown): boolean => isMap(value) && Object.getPrototypeOf(value) === null

const nullInJson = { value: () => null, enumerable: false }
/** Go's nil slice and nil map: as good as empty ones, but for JSON, where they are null. */
export const NIL_LIST: readonly never[] = Object.freeze(Object.defineProperty([], 'toJSON', nullInJson))
export const NIL_MAP: Readonly<Record<string, never>> = Object.freeze(
  Object.defineProperty(Object.create(null), 'toJSON', nullInJson),
)
/** A list that is nil where it is empty. */
export const orNil = <T>(list: readonly T[]): readonly T[] => (list.length > 0 ? list : NIL_LIST)

/** Fields that are empty here: a template finds them so, JSON leaves them out. Go's omitempty. */
export const withEmpty = <T extends object>(map: T, ...names: readonly string[]): T =>
  Object.defineProperties(map, Object.fromEntries(names.map(name => [name, { value: '' }])))

/** Go's omitempty: a template finds these fields, JSON leaves those out that are empty. 0 and false are not. */
export function omitEmpty<T extends object>(map: T, ...names: readonly (keyof T)[]): T {
  const isEmpty = (value: unknown) => value !== 0 && value !== false && !isTrue(value)
  for (const name of names) if (isEmpty(map[name])) Object.defineProperty(map, name, { enumerable: false })
  return map
}

/** What there is behind a key that a map does not have. */
export const NO_VALUE = Symbol('<no value>')

/** In the order in which Go walks through a map: that of the keys. */
export const entriesOf = (map: GoMap): [string, unknown][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))

/** Lists in brackets, maps as map[key:value]. */
export function text(value: unknown): string {
  if (value === NO_VALUE) return '<no value>'
  if (isNil(value)) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(text).join(' ')}]`
  if (!isMap(value)) return String(value)
  return `map[${entriesOf(value)
    .map(([key, item]) => `${key}:${text(item)}`)
    .join(' ')}]`
}

/** Nothing, 0, and what is empty are false. */
export const isTrue = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : !isNil(value) && Boolean(value)

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
