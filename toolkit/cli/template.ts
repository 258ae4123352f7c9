// --format, as docker has it: a template of Go's text/template, of which this is the part that people write. Fields
// ({{.Name}}, {{.Labels.tier}}), {{json .X}}, {{index .Labels "a.b"}}, {{len .X}}, {{upper .X}}, {{lower .X}}, and a bare `json`.
import { UsageError } from '../kernel/usage-error.ts'
import { printable, printableJson } from './printable.ts'

export type Row = Readonly<Record<string, unknown>>

const wrong = (format: string, why: string): UsageError => new UsageError(`--format ${JSON.stringify(format)}: ${why}`)

/** The value at `.A.B`. Throws a UsageError for a field that there is none of; a label that is missing is empty. */
function valueAt(row: Row, path: string, format: string): unknown {
  let value: unknown = row
  for (const [depth, name] of path.split('.').filter(Boolean).entries()) {
    const known = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    if (!known && depth === 0)
      throw wrong(
        format,
        `there is no field .${name}; there are ${Object.keys(row)
          .map(key => `.${key}`)
          .join(', ')}`,
      )
    value = known ? (value as Row)[name] : ''
  }
  return value
}

const asText = (value: unknown): string =>
  typeof value === 'object' && value !== null ? printableJson(value) : printable(String(value ?? '<no value>'))

const FUNCTIONS: Record<string, (value: unknown) => string> = {
  '': asText,
  json: printableJson,
  len: value =>
    String(typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value ?? {}).length),
  upper: value => asText(value).toUpperCase(),
  lower: value => asText(value).toLowerCase(),
}

function evaluate(expression: string, row: Row, format: string): string {
  const [, container, key] = /^index\s+(\.[\w.]*)\s+"([^"]*)"$/.exec(expression) ?? []
  if (container !== undefined) {
    const map = valueAt(row, container, format) as Row | null
    return asText(map && Object.hasOwn(map, key!) ? map[key!] : '')
  }
  const [, name = '', path] = /^(?:([a-z]+)\s+)?(\.[\w.]*)$/.exec(expression) ?? []
  if (path === undefined || !Object.hasOwn(FUNCTIONS, name))
    throw wrong(format, `cannot read {{${expression}}}; write {{.Field}}, {{json .Field}} or {{index .Field "key"}}`)
  return FUNCTIONS[name]!(valueAt(row, path, format))
}

const UNESCAPED: Record<string, string> = { '\\t': '\t', '\\n': '\n' }

/** One row by a template. Throws a UsageError for what cannot be read. */
export function format(template: string, row: Row): string {
  if (template === 'json') return printableJson(row)
  return template
    .replace(/\\[tn]/g, found => UNESCAPED[found]!)
    .replace(/\{\{-?\s*(.*?)\s*-?\}\}/gs, (_, expression: string) => evaluate(expression, row, template))
}

/** Columns as docker sets them: three spaces apart, and ten wide at least. */
export function table(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(7, ...lines.map(line => (line[column] ?? '').length)) + 3)
  return lines
    .map(line =>
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('')
        .trimEnd(),
    )
    .join('\n')
}

/** Rows by a template; one that begins with `table` has a line of titles, made of its own words. */
export function formatRows(template: string, rows: readonly Row[], titles: Readonly<Record<string, string>>): string[] {
  const [, columns] = /^table\s+(.*)$/s.exec(template) ?? []
  if (columns === undefined) return rows.map(row => format(template, row))
  const cells = (text: string) => text.split('\t')
  const head = format(
    columns.replace(/\{\{-?\s*(?:json\s+)?\.(\w+).*?\}\}/g, (_, name) => titles[name] ?? name.toUpperCase()),
    {},
  )
  return table([head, ...rows.map(row => format(columns, row))].map(cells)).split('\n')
}
