// What a template can call: Go's own functions, and docker's.
import { sprintf } from './printf.ts'
import { isMap, isNil, isTrue, kindOf, Slip, text } from './values.ts'

export type Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>

/** Checks how many arguments there are. */
const counted =
  (name: string, least: number, most: number, action: (...args: unknown[]) => unknown) =>
  (...args: unknown[]): unknown => {
    if (args.length >= least && args.length <= most) return action(...args)
    const count =
      least === most ? least : most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most}`
    throw new Slip(`${name} takes ${count} argument${least === 1 && most === 1 ? '' : 's'}, and has ${args.length}`)
  }

function textOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new Slip(`${name} takes text, and that is ${kindOf(value)}`)
  return value
}

function countOf(name: string, value: unknown): number {
  if (!Number.isInteger(value)) throw new Slip(`${name} takes a whole number, and that is ${kindOf(value)}`)
  return value as number
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (isMap(value)) return Object.keys(value).length
  throw new Slip(`len takes text, a list or a map, and that is ${kindOf(value)}`)
}

function at(found: unknown, key: unknown): unknown {
  if (Array.isArray(found) || typeof found === 'string') {
    const place = countOf('index of a list', key)
    if (place < 0 || place >= found.length) throw new Slip(`index ${place}: it has ${found.length}, counted from 0`)
    return typeof found === 'string' ? Buffer.from(found)[place] : found[place]
  }
  if (!isMap(found)) throw new Slip(`index takes a list or a map, and that is ${kindOf(found)}`)
  const name = textOf('index of a map', key)
  if (Object.hasOwn(found, name)) return found[name]
  return Object.values(found).every(value => typeof value === 'string') ? '' : undefined // Go's zero of what is in it
}

function slice(found: unknown, from: unknown = 0, to?: unknown): unknown {
  if (!Array.isArray(found) && typeof found !== 'string')
    throw new Slip(`slice takes text or a list, and that is ${kindOf(found)}`)
  const [begin, end] = [countOf('slice', from), countOf('slice', to ?? found.length)]
  if (begin < 0 || end < begin || end > found.length) throw new Slip(`slice ${begin} ${end}: it has ${found.length}`)
  return found.slice(begin, end)
}

function same(a: unknown, b: unknown): boolean {
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b)
  checkAlike(a, b)
  return a === b
}

function checkAlike(a: unknown, b: unknown): void {
  if (typeof a === 'object' || typeof b === 'object') throw new Slip(`${kindOf(a)} and ${kindOf(b)} cannot be compared`)
  if (typeof a !== typeof b)
    throw new Slip(
      `${JSON.stringify(a)} is ${kindOf(a)}, and ${JSON.stringify(b)} is ${kindOf(b)}: they cannot be compared`,
    )
}

function compare(a: unknown, b: unknown): number {
  if (isNil(a) || isNil(b) || typeof a === 'boolean')
    throw new Slip(`${kindOf(isNil(a) ? a : b)} is neither less nor more`)
  checkAlike(a, b)
  return (a as string) < (b as string) ? -1 : a === b ? 0 : 1
}

const order = (name: string, fits: (sign: number) => boolean) => counted(name, 2, 2, (a, b) => fits(compare(a, b)))

/** Between two of which neither is text stands a space. */
const sprint = (values: readonly unknown[]): string =>
  values
    .map(
      (value, i) => (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string' ? ' ' : '') + text(value),
    )
    .join('')

/** What would mean something where the text is put is written in another way, as Go's text/template does. */
const escaped =
  (meaning: RegExp, other: (character: string) => string) =>
  (...values: unknown[]) =>
    sprint(values).replace(meaning, other)

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\0': '\ufffd' }
const hex = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(digits, '0')

const change = (name: string, action: (text: string) => string) =>
  counted(name, 1, 1, value => action(textOf(name, value)))

const MANY = Number.POSITIVE_INFINITY

/** `and` and `or` are told all: template.ts calls them with no more than they need. */
export const functions: Functions = {
  and: counted('and', 1, MANY, (...values) => values.find(value => !isTrue(value)) ?? values.at(-1)),
  or: counted('or', 1, MANY, (...values) => values.find(isTrue) ?? values.at(-1)),
  not: counted('not', 1, 1, value => !isTrue(value)),
  eq: counted('eq', 2, MANY, (first, ...others) => others.some(other => same(first, other))),
  ne: counted('ne', 2, 2, (a, b) => !same(a, b)),
  lt: order('lt', sign => sign < 0),
  le: order('le', sign => sign <= 0),
  gt: order('gt', sign => sign > 0),
  ge: order('ge', sign => sign >= 0),
  len: counted('len', 1, 1, lengthOf),
  index: counted('index', 1, MANY, (value, ...keys) => keys.reduce(at, value)),
  slice: counted('slice', 1, 3, slice),
  print: (...values) => sprint(values),
  println: (...values) => `${values.map(text).join(' ')}\n`,
  printf: counted('printf', 1, MANY, (format, ...values) => sprintf(textOf('printf', format), values)),
  html: escaped(/[&<>"'\0]/g, character => HTML[character] ?? `&#${character.charCodeAt(0)};`),
  js: escaped(/[\\'"<>&=\0-\x1f\x7f-\x9f]/g, character =>
    /[\\'"]/.test(character) ? `\\${character}` : `\\u${hex(character, 4)}`,
  ),
  urlquery: (...values) =>
    encodeURIComponent(sprint(values)).replace(/%20|[!'()*]/g, found => (found === '%20' ? '+' : `%${hex(found, 2)}`)),
  json: counted('json', 1, 1, value => JSON.stringify(isNil(value) ? null : value)),
  join: counted('join', 2, 2, (list, separator) => {
    if (isNil(list)) return ''
    if (!Array.isArray(list)) throw new Slip(`join takes a list, and that is ${kindOf(list)}`)
    return list.map(text).join(textOf('join', separator))
  }),
  split: counted('split', 2, 2, (value, separator) => textOf('split', value).split(textOf('split', separator))),
  lower: change('lower', value => value.toLowerCase()),
  upper: change('upper', value => value.toUpperCase()),
  title: change('title', value => value.replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, letter => letter.toUpperCase())),
  pad: counted('pad', 3, 3, (value, before, after) => {
    const inner = textOf('pad', value)
    const [left, right] = [countOf('pad', before), countOf('pad', after)]
    return inner === '' ? '' : ' '.repeat(Math.max(0, left)) + inner + ' '.repeat(Math.max(0, right))
  }),
  truncate: counted('truncate', 2, 2, (value, length) =>
    [...textOf('truncate', value)].slice(0, Math.max(0, countOf('truncate', length))).join(''),
  ),
}

const first = (value: unknown): unknown => value
const yes = (): boolean => true

/** For the head of a table, where each field is its title: what would change that leaves it as it is. */
export const headFunctions: Functions = {
  ...functions,
  ...{ len: first, index: first, slice: first, json: first, join: first, split: first, lower: first, upper: first },
  ...{ title: first, pad: first, truncate: first, eq: yes, ne: yes, lt: yes, le: yes, gt: yes, ge: yes, not: yes },
  printf: (format, ...values) => sprintf(String(format).replace(/(%[-+# 0]*\d*)(?:\.\d+)?[a-z]/gi, '$1s'), values),
}
