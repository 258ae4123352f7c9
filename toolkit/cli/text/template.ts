// --format: the part of Go's templates that people write for docker. {{.Field.Field}}, {{json .Field}}, {{index .Map "key"}},
// {{range .List}}…{{end}}, {{if .Field}}…{{else}}…{{end}}, {{len .List}}, {{println}}; \t and \n outside of them.
import { UsageError } from '../../kernel/usage-error.ts'

interface Block {
  readonly block: 'range' | 'if'
  readonly words: readonly string[]
  readonly body: Node[]
  readonly otherwise: Node[]
}

type Node = { readonly text: string } | { readonly words: readonly string[] } | Block

const refuse = (why: string): UsageError => new UsageError(`--format: ${why}`, 1)

const WORDS = /"(?:[^"\\]|\\.)*"|[^\s"]+/g

/** Reads a template. Throws a UsageError for what is none. */
function parse(template: string): Node[] {
  const root: Node[] = []
  const open: { node: Block; into: Node[] }[] = []
  let into = root
  const parts = template.split(/\{\{-?\s*(.*?)\s*-?\}\}/s)
  for (const [i, part] of parts.entries()) {
    if (i % 2 === 0) {
      if (part.includes('{{')) throw refuse(`an action in ${JSON.stringify(template)} has no end`)
      if (part !== '') into.push({ text: part.replaceAll('\\t', '\t').replaceAll('\\n', '\n') })
      continue
    }
    const [first = '', ...rest] = part.match(WORDS) ?? []
    if (first === 'range' || first === 'if') {
      const node: Block = { block: first, words: rest, body: [], otherwise: [] }
      into.push(node)
      open.push({ node, into })
      into = node.body
    } else if (first === 'else' && open.length > 0) into = open.at(-1)!.node.otherwise
    else if (first === 'end') {
      const last = open.pop()
      if (!last) throw refuse('{{end}} ends nothing')
      into = last.into
    } else into.push({ words: [first, ...rest] })
  }
  if (open.length > 0) throw refuse(`{{${open.at(-1)!.node.block}}} has no {{end}}`)
  return root
}

function field(path: string, value: unknown): unknown {
  if (path === '.' || path === '$') return value
  if (!/^\$?(\.\w+)+$/.test(path)) throw refuse(`${path} is not understood; give fields such as .ID or .State.Status`)
  let found = value
  for (const name of path.replace('$', '').slice(1).split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name))
      throw refuse(`there is no field ${name} in ${path}`)
    found = (found as Record<string, unknown>)[name]
  }
  return found
}

const argument = (word: string, value: unknown): unknown =>
  word.startsWith('"') ? JSON.parse(word) : /^-?\d+$/.test(word) ? Number(word) : field(word, value)

const functions: Record<string, (...args: unknown[]) => unknown> = {
  json: value => JSON.stringify(value),
  len: value => (Array.isArray(value) ? value.length : Object.keys(value as object).length),
  index: (value, ...keys) => keys.reduce((found, key) => (found as Record<string, unknown>)?.[key as string], value),
  join: (list, separator) => (list as unknown[]).join(separator as string),
  upper: text => String(text).toUpperCase(),
  lower: text => String(text).toLowerCase(),
  println: (...values) => `${values.map(text).join(' ')}\n`,
}

function evaluate([first, ...rest]: readonly string[], value: unknown): unknown {
  if (first === undefined || first === '') throw refuse('an empty {{}}')
  if (rest.length === 0 && !Object.hasOwn(functions, first)) return argument(first, value)
  const call = Object.hasOwn(functions, first) ? functions[first]! : undefined
  if (!call)
    throw refuse(`function ${JSON.stringify(first)} is not there; there are ${Object.keys(functions).join(', ')}`)
  return call(...rest.map(word => argument(word, value)))
}

/** As Go prints it: lists in brackets, maps as map[key:value]. */
function text(value: unknown): string {
  if (value === undefined || value === null) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(text).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([key, item]) => `${key}:${text(item)}`).join(' ')}]`
}

const isTrue = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

const fill = (nodes: readonly Node[], value: unknown): string =>
  nodes
    .map(node => {
      if ('text' in node) return node.text
      const found = evaluate(node.words, value)
      if (!('block' in node)) return text(found)
      if (node.block === 'if') return fill(isTrue(found) ? node.body : node.otherwise, value)
      const items = Array.isArray(found) ? found : Object.values((found ?? {}) as object)
      return items.length > 0 ? items.map(item => fill(node.body, item)).join('') : fill(node.otherwise, value)
    })
    .join('')

/** Makes text of a value. Throws a UsageError (exit code 1) for a slip in the template. */
export function template(source: string): (value: unknown) => string {
  const nodes = parse(source)
  return value => fill(nodes, value)
}

/** The names of the fields that a template prints, for the head of a table. */
export const fieldsOf = (source: string): string[] =>
  [...source.matchAll(/\{\{[^}]*?\.(\w+)[^}]*\}\}/g)].map(match => match[1]!)
