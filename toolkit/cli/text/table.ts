// Rows under a head, as docker prints them: columns as wide as their longest cell, three blanks between them, and ten wide
// at least.
import { printLines } from './output.ts'
import { printable } from './printable.ts'

const LEAST = 7
const BETWEEN = 3

/** The first line has a cell for each column. */
export function columns(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]!.map((_, i) => Math.max(LEAST, ...lines.map(line => (line[i] ?? '').length)) + BETWEEN)
  return lines.map(line =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('')
      .trimEnd(),
  )
}

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  printLines(columns([head, ...rows.map(cells => cells.map(printable))]))
}
