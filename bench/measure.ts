// Times of whole programs, from before the fork until they are waited for.
import { spawnSync } from 'node:child_process'

export interface Contender {
  readonly name: string
  readonly argv: readonly string[]
}

export interface Result {
  readonly name: string
  /** Milliseconds, sorted. */
  readonly times: readonly number[]
}

/** Runs a program to its end. Throws where it fails: a contender that does not work must not win. */
export function runOnce({ name, argv }: Contender): number {
  const before = performance.now()
  const { status, stderr, error } = spawnSync(argv[0]!, argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
  const time = performance.now() - before
  if (status !== 0) throw new Error(`${name}: ${error?.message ?? `exit code ${status}`} ${stderr}`.trim())
  return time
}

function shuffle<T>(items: readonly T[]): T[] {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}

/** Every contender once a round, in a new order each time: what disturbs the machine then disturbs all of them alike. */
export function measure(contenders: readonly Contender[], rounds: number, onRound?: (n: number) => void): Result[] {
  const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (const contender of contenders) runOnce(contender) // from the disk into the page cache
  for (let n = 1; n <= rounds; n++) {
    for (const contender of shuffle(contenders)) times.get(contender.name)!.push(runOnce(contender))
    onRound?.(n)
  }
  return contenders.map(({ name }) => ({ name, times: times.get(name)!.toSorted((a, b) => a - b) }))
}

/** The value below which a share of the sorted times lies: 0.5 is the median. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!]
  return low + (high - low) * (at - Math.floor(at))
}

/** The results as a table, compared with the first of them. */
export function formatTable(results: readonly Result[]): string {
  const base = quantile(results[0]!.times, 0.5)
  const ms = (value: number): string => value.toFixed(1)
  const rows = results.map(({ name, times }) => {
    const median = quantile(times, 0.5)
    return [name, ms(median), ms(quantile(times, 0.25)), ms(times[0]!), (median / base).toFixed(2), ms(median - base)]
  })
  rows.unshift(['milliseconds', 'median', 'p25', 'min', 'ratio', 'more'])
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map(row => row[i]!.length)))
  return rows
    .map(row => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  '))
    .join('\n')
}
