// Many containers, and nothing left of them: `npm run stress -- [--runs 1000] [--at-once 4] [--kept 200] [--detached 100]`.
// Needs root, and makes a network namespace. First the detached ones start and the kept ones are made; beside them come the
// runs, `run --rm` each. Every run must end with the exit code of its command; the last hundred may not take longer than the
// first; monitors may not grow; and afterwards the machine must look as before: mounts, links, cgroups, processes, files of
// state, descriptors.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stateDir } from '../toolkit/image/paths.ts'
import { ensureBusybox } from '../toolkit/image/rootfs.ts'
import { difference, snapshot } from '../toolkit/observe/leaks.ts'
import { runApart } from './apart.ts'
import { formatColumns, quantile } from './measure.ts'
import { holdersOf, openFiles, sumOf } from './memory.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    'at-once': { type: 'string', default: '4' },
    kept: { type: 'string', default: '200' },
    detached: { type: 'string', default: '100' },
  },
})
const [runs, atOnce, kept, detached] = [values.runs, values['at-once'], values.kept, values.detached].map(Number) as [
  number,
  number,
  number,
  number,
]
runApart('stress', '--net')

const toolkit = join(import.meta.dirname, '../bin/toolkit')
const failures: string[] = []

/** Calls toolkit, and checks the exit code and, where that is known, all that it prints. Returns milliseconds. */
async function call(words: readonly string[], { code = 0, text }: { code?: number; text?: string } = {}) {
  const before = performance.now()
  const child = spawn(toolkit, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', data => (output += data))
  child.stderr.on('data', data => (output += data))
  const [status, signal] = await once(child, 'close')
  if (status !== code || (text !== undefined && output !== text))
    failures.push(`${words.join(' ')}: ${signal ?? `exit code ${status}`}, ${JSON.stringify(output)}`)
  return performance.now() - before
}

async function time(program: string, words: readonly string[]): Promise<number> {
  const before = performance.now()
  await once(spawn(program, words, { stdio: 'ignore' }), 'close')
  return performance.now() - before
}

/** So many, some of them at once; the milliseconds of each, in their order. */
async function many(count: number, action: (n: number) => Promise<number>): Promise<number[]> {
  const times: number[] = []
  let next = 0
  const worker = async () => {
    while (next < count) {
      const n = next++
      times[n] = await action(n)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return times
}

const median = (times: readonly number[]) =>
  quantile(
    times.toSorted((a, b) => a - b),
    0.5,
  )

const runOne = (n: number) =>
  call(['run', '--rm', 'busybox', 'sh', '-c', `echo ${n} $$; exit ${n % 100}`], { code: n % 100, text: `${n} 1\n` })

/** Monitors: their memory in kB and their descriptors, one of them by another. */
function weigh(): { processes: number; own: number; fds: number } {
  const monitors = holdersOf(join(stateDir(), 'containers'), '/lock')
  const fds = monitors.reduce((sum, pid) => sum + openFiles(pid).length, 0)
  const each = (sum: number) => Math.round((10 * sum) / Math.max(1, monitors.length)) / 10
  return { processes: monitors.length, own: each(sumOf(monitors).own), fds: each(fds) }
}

const PATIENCE = 10_000 // milliseconds, for what the last monitors still put away
const NAMES = Array.from({ length: detached }, (_, n) => `soak-${n}`)
const KEPT = Array.from({ length: kept }, (_, n) => `soak-kept-${n}`)

await ensureBusybox({ yes: true })
await runOne(1) // what only the first makes: directories of state, of events
await call(['run', '-d', '--name', 'soak', 'busybox', 'true'])
await call(['rm', '-f', 'soak'])
const directories = [stateDir(), '/run/toolkit'].filter(existsSync)
const TIDY = 1000 // milliseconds; the last one's bridge goes a moment after it
await sleep(TIDY)
const before = snapshot({ directories, everywhere: true })
const load = loadavg()[0]!
const started = performance.now()

const starts = await many(detached, n => call(['run', '-d', '--name', NAMES[n]!, 'busybox', 'sleep', '100000']))
const makes = await many(kept, n => call(['run', '--name', KEPT[n]!, 'busybox', 'sh', '-c', 'exit 3'], { code: 3 }))
const first = weigh()
const execs = await many(Math.min(detached, 20), n => call(['exec', NAMES[n]!, 'true']))
const others: number[] = [] // how quick the machine is just then
const times = await many(runs, async n => {
  if (n % 10 === 0) others.push(await time(process.execPath, ['-e', '0']))
  return runOne(n)
})
const last = weigh()
const lastExecs = await many(Math.min(detached, 20), n => call(['exec', NAMES[n]!, 'true']))
const lists = await many(10, () => call(['ps', '-a']))
const ends = await many(detached, n => call(['rm', '-f', NAMES[n]!]))
const gone = await many(kept, n => call(['rm', KEPT[n]!]))
const seconds = (performance.now() - started) / 1000

const full = `file left: ${join(stateDir(), 'events/log.1')}` // the events have become so many
const look = () => difference(before, snapshot({ directories, everywhere: true })).filter(line => line !== full)
const end = Date.now() + PATIENCE
let left = look()
while (left.length > 0 && Date.now() < end) {
  await sleep(200)
  left = look()
}

const HUNDRED = Math.min(100, Math.ceil(runs / 2))
const row = (name: string, some: readonly number[]) =>
  some.length === 0 ? [] : [[name, ...[some.slice(0, HUNDRED), some.slice(-HUNDRED)].map(of => median(of).toFixed(1))]]
console.log(
  `${runs} runs, ${kept} kept, ${detached} detached, ${atOnce} at once, in ${seconds.toFixed(1)} s; load ${load.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after\n`,
)
console.log(
  formatColumns([
    ['milliseconds, medians', `first ${HUNDRED}`, `last ${HUNDRED}`],
    ...row('run --rm', times),
    [
      'node -e 0, meanwhile',
      ...[others.slice(0, HUNDRED / 10), others.slice(-HUNDRED / 10)].map(of => median(of).toFixed(1)),
    ],
    ...row('run -d', starts),
    ...row('run, kept', makes),
    ...row('rm -f', ends),
    ...row('rm', gone),
    ['exec, before and after the runs', ...[execs, lastExecs].map(of => (of.length > 0 ? median(of).toFixed(1) : ''))],
    [`ps -a of ${kept + detached}`, '', median(lists).toFixed(1)],
    ['', 'before', 'after the runs'],
    ['monitors', `${first.processes}`, `${last.processes}`],
    ['kB private, each', `${first.own}`, `${last.own}`],
    ['descriptors, each', `${first.fds}`, `${last.fds}`],
    ['descriptors of this process', '', `${readdirSync('/proc/self/fd').length}`],
  ]),
)
const grown = last.own > first.own * 1.1 + 4 || last.fds > first.fds
if (grown) failures.push(`monitors have grown: ${JSON.stringify(first)}, ${JSON.stringify(last)}`)
console.log(`\n${failures.length} wrong, ${left.length} left behind`)
for (const line of [...failures, ...left].slice(0, 20)) console.log(`  ${line}`)
process.exitCode = failures.length + left.length > 0 ? 1 : 0
