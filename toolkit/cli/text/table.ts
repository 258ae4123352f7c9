// Rows under a head, as docker prints them: columns as wide as their longest cell, and three blanks between them.
import { print } from './output.ts'
import { printable } from './printable.ts'

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, ...rows.map(cells => cells.map(printable))]
  const widths = head.map((_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
  for (const line of lines)
    print(
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('   ')
        .trimEnd(),
    )
}
