// Volumes and networks as lines: by a template of the user's (template/), or in columns as docker sets them.
import { printableJson, printableLines } from './printable.ts'
import { columns } from './table.ts'
import { headOf, template } from './template/template.ts'

export type Row = Readonly<Record<string, unknown>>

/**
 * A line each; `json` for JSON. A template that begins with `table` has a head: itself, with titles for fields, their names
 * where `titles` has no other. Throws a UsageError, with this exit code for what is no template.
 */
export function formatRows(
  source: string,
  rows: readonly Row[],
  titles: Readonly<Record<string, string>>,
  exitCode = 1,
): string[] {
  if (source === 'json') return rows.map(row => printableJson(row))
  const [, cells = source] = /^table\s+(.*)$/s.exec(source) ?? []
  const fill = template(cells, exitCode)
  const lines = rows.map(row => printableLines(fill(row)))
  if (cells === source) return lines
  return columns([headOf(cells, titles), ...lines].map(line => line.split('\t')))
}
