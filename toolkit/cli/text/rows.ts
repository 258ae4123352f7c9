// Volumes and networks as lines: by a template of the user's (template.ts), or in columns as docker sets them.
import { printableJson, printableLines } from './printable.ts'
import { fieldsOf, template } from './template.ts'

export type Row = Readonly<Record<string, unknown>>

/** Three spaces apart, and ten wide at least. */
function columns(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(7, ...lines.map(line => (line[column] ?? '').length)) + 3)
  return lines.map(line =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('')
      .trimEnd(),
  )
}

/**
 * A line each; `json` for JSON. A template that begins with `table` has a head, made of the names of its fields where
 * `titles` has no other. Throws a UsageError for what is no template.
 */
export function formatRows(source: string, rows: readonly Row[], titles: Readonly<Record<string, string>>): string[] {
  if (source === 'json') return rows.map(row => printableJson(row))
  const [, cells = source] = /^table\s+(.*)$/s.exec(source) ?? []
  const fill = template(cells)
  const lines = rows.map(row => printableLines(fill(row)))
  if (cells === source) return lines
  const head = fieldsOf(cells).map(name => titles[name] ?? name.toUpperCase())
  return columns([head, ...lines.map(line => line.split('\t'))])
}
