// The gate's table, and below it every case that failed, by name.
import type { Result } from './cases.ts'

export function formatReport(results: readonly Result[], seconds: number): string {
  const rows = [...Map.groupBy(results, ({ lesson, task }) => `${lesson} ${task || '(all of it)'}`)]
  const cells = rows.map(([name, cases]) => [
    name,
    String(cases.length),
    String(cases.filter(isPassed).length),
    cases.reduce((sum, result) => sum + result.seconds, 0).toFixed(1),
  ])
  const passed = results.filter(isPassed).length
  const table = [
    ['task', 'cases', 'passed', 'seconds'],
    ...cells,
    ['in all', String(results.length), String(passed), seconds.toFixed(1)],
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map(row => row[column]!.length)))
  const lines = table.map(row =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  )
  const failures = results
    .filter(({ problem }) => problem !== undefined)
    .map(({ lesson, task, case: name, problem }) => {
      const where = [lesson, task, name].filter(Boolean).join(', ')
      return `\nFAILED  ${where}\n  ${problem!.replaceAll('\n', '\n  ')}`
    })
  const skipped = results.flatMap(({ lesson, task, case: name, skipped }) =>
    skipped === undefined ? [] : [`\nSKIPPED  ${[lesson, task, name].filter(Boolean).join(', ')}\n  ${skipped}`],
  )
  return [...lines, ...skipped, ...failures].join('\n')
}

const isPassed = ({ problem, skipped }: Result): boolean => problem === undefined && skipped === undefined
