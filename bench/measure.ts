// Times of whole programs, from before the fork until they are waited for.
import { type SpawnSyncOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

export interface Contender {
  readonly name: string
  readonly argv: readonly string[]
  /** Beside the environment that all have. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Result {
  readonly name: string
  /** Milliseconds, sorted. */
  readonly times: readonly number[]
}

/** Runs a program to its end. Throws where it fails: a contender that does not work must not win. */
export function runOnce({ name, argv, env }: Contender): number {
  const options: SpawnSyncOptions = { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] }
  const before = performance.now()
  const { status, stderr, error } = spawnSync(argv[0]!, argv.slice(1), options)
  const time = performance.now() - before
  if (status !== 0) throw new Error(`${name}: ${error?.message ?? `exit code ${status}`} ${stderr}`.trim())
  return time
}

export function shuffle<T>(items: readonly T[]): T[] {
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
  return formatColumns(rows)
}

/** Names to the left, figures to the right. */
export function formatColumns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map(row => row[i]!.length)))
  return rows
    .map(row => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  '))
    .join('\n')
}

/** CPU time of children that have been waited for and of theirs, in milliseconds: RUSAGE_CHILDREN of getrusage(2). */
function childrenTime(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // from field 3 on, proc_pid_stat(5)
  return 10 * (Number(fields[16 - 3]) + Number(fields[17 - 3])) // in hundredths of a second
}

async function runAtOnce({ name, argv }: Contender, count: number): Promise<void> {
  const all = Array.from({ length: count }, () => spawn(argv[0]!, argv.slice(1), { stdio: 'ignore' }))
  const codes = await Promise.all(all.map(async child => (await once(child, 'exit'))[0]))
  if (codes.some(code => code !== 0)) throw new Error(`${name}, ${count} at once: exit codes ${codes}`)
}

/** Milliseconds of CPU time, sorted: of so many one after another, and of as many at once; and the second by the first. */
export interface Crowd {
  readonly alone: readonly number[]
  readonly together: readonly number[]
  readonly ratio: readonly number[]
}

/** What it costs to run at the same time: whether processes wait for each other by doing something. */
export async function crowd(contender: Contender, count: number, rounds: number): Promise<Crowd> {
  const measured: { alone: number; together: number; ratio: number }[] = []
  for (let n = 0; n < rounds; n++) {
    const start = childrenTime()
    for (let i = 0; i < count; i++) runOnce(contender)
    const middle = childrenTime()
    await runAtOnce(contender, count)
    const [alone, together] = [middle - start, childrenTime() - middle]
    measured.push({ alone, together, ratio: together / alone })
  }
  const sorted = (key: keyof Crowd) => measured.map(row => row[key]).toSorted((a, b) => a - b)
  return { alone: sorted('alone'), together: sorted('together'), ratio: sorted('ratio') }
}

export function formatCrowd({ alone, together, ratio }: Crowd, count: number): string {
  const [one, all, by] = [alone, together, ratio].map(values => quantile(values, 0.5)) as [number, number, number]
  const times = `${all.toFixed(0)} ms of CPU time, ${one.toFixed(0)} ms one after another`
  return `${count} at once: ${times}; ratio ${by.toFixed(2)}`
}
