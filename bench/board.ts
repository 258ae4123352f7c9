// Times of several engines, side by side.
import { formatColumns, quantile } from './measure.ts'

/** Milliseconds by what was done and by whom. */
export type Board = Map<string, Map<string, number[]>>

export function add(board: Board, row: string, engine: string, time: number): void {
  const columns = board.get(row) ?? new Map<string, number[]>()
  board.set(row, columns.set(engine, [...(columns.get(engine) ?? []), time]))
}

const ms = (value: number) => value.toFixed(value < 1000 ? 1 : 0)

/** Medians, with p25 and the least of them; and that of the first engine by the best of the others'. */
export function formatBoard(board: Board, [first, ...others]: readonly [string, ...string[]]): string {
  const rows = [...board].map(([row, columns]) => {
    const sorted = (name: string) => (columns.get(name) ?? []).toSorted((a, b) => a - b)
    const medians = (names: readonly string[]) =>
      names.flatMap(name => (columns.has(name) ? [quantile(sorted(name), 0.5)] : []))
    const cells = [first, ...others].map(name => {
      const times = sorted(name)
      return times.length === 0 ? '' : `${ms(quantile(times, 0.5))} (${ms(quantile(times, 0.25))}, ${ms(times[0]!)})`
    })
    const theirs = medians(others)
    return [row, ...cells, theirs.length > 0 ? (medians([first])[0]! / Math.min(...theirs)).toFixed(2) : '']
  })
  return formatColumns([['ms: median (p25, min)', first, ...others, 'ratio'], ...rows])
}
