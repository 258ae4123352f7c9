// Living with containers, beside podman and docker: `npm run bench:life -- [--rounds N] [--containers N] [--json FILE]`. Needs root.
// The engines take turns, in a new order each round. Compare the columns of one run with each other, not with another day's.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stateDir } from '../toolkit/image/paths.ts'
import { ensureBusybox, findRootfs } from '../toolkit/image/rootfs.ts'
import { runApart } from './apart.ts'
import { type Board, formatBoard, add as note } from './board.ts'
import { runOnce, shuffle } from './measure.ts'
import { holdersOf, memoryOf, parentOf, sumOf } from './memory.ts'
import { type Engine, engines, runOf } from './peers.ts'

const IN_SEQUENCE = 50
const AT_ONCE = 20
const MORE = 2.5 // times as many containers, for another look
const REST = 300 // milliseconds
const LOG = 48 << 20 // bytes; ours keeps 50 MiB before it begins anew

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    containers: { type: 'string', default: '200' },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const kept = Number(values.containers)
if (!(rounds >= 1) || !(kept >= 1)) {
  console.error('bench: --rounds and --containers are numbers, 1 at least')
  process.exit(2)
}
runApart('bench:life', '--mount')

await ensureBusybox({ yes: true })
const rootfs = findRootfs('busybox')
const scratch = mkdtempSync(join(stateDir(), 'bench-'))
process.env.TOOLKIT_STATE = scratch // containers that nobody else counts
const toolkit: Engine = {
  name: 'toolkit',
  program: [join(import.meta.dirname, '../bin/toolkit')],
  flags: ['--net', 'none'],
  image: rootfs,
}
const peers = engines(rootfs, scratch)
const all = [toolkit, ...peers.found]

const board: Board = new Map()
const add = (row: string, engine: string, time: number) => note(board, row, engine, time)
const argvOf = ({ program }: Engine, ...words: string[]) => [...program, ...words]
const act = (engine: Engine, ...words: string[]) => runOnce({ name: engine.name, argv: argvOf(engine, ...words) })
const ask = (engine: Engine, ...words: string[]) => {
  const { stdout } = spawnSync(engine.program[0]!, argvOf(engine, ...words).slice(1), { encoding: 'utf8' })
  return stdout.trim()
}
const detach = (engine: Engine, name: string, ...more: string[]) =>
  act(
    engine,
    'run',
    '-d',
    '--name',
    name,
    '--stop-signal',
    'KILL',
    ...engine.flags,
    ...more,
    engine.image,
    'sleep',
    '9999',
  )
const node = () => add('node -e 0', toolkit.name, runOnce({ name: 'node', argv: [process.execPath, '-e', '0'] }))

/** Each engine once a round. What one of them still does in the background shall not slow down the next. */
async function turns(count: number, turn: (engine: Engine, n: number) => void | Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++)
    for (const engine of shuffle(all)) {
      await turn(engine, n)
      await sleep(REST)
    }
}

/** One container, from its start to its removal. */
function lifeOf(engine: Engine, n: number): void {
  const name = `life-${n}`
  const timed = (row: string, ...words: string[]) => add(row, engine.name, act(engine, ...words))
  if (engine === toolkit) node()
  add('run --rm', engine.name, runOnce(runOf(engine)))
  add('run -d', engine.name, detach(engine, name))
  timed('exec', 'exec', name, 'true')
  timed('inspect', 'inspect', name)
  timed('logs, empty', 'logs', name)
  timed('stop', 'stop', name)
  timed('start', 'start', name)
  timed('rm -f', 'rm', '-f', name)
}

async function together(engine: Engine): Promise<number> {
  const before = performance.now()
  const { argv } = runOf(engine)
  const children = Array.from({ length: AT_ONCE }, () => spawn(argv[0]!, argv.slice(1), { stdio: 'ignore' }))
  const codes = await Promise.all(children.map(async child => (await once(child, 'exit'))[0]))
  if (codes.some(code => code !== 0)) throw new Error(`${engine.name}, ${AT_ONCE} at once: exit codes ${codes}`)
  return performance.now() - before
}

function inSequence(engine: Engine): number {
  const before = performance.now()
  for (let i = 0; i < IN_SEQUENCE; i++) runOnce(runOf(engine))
  return performance.now() - before
}

const LINE = 'x'.repeat(99)

/** A container writes a log, and somebody reads it. */
function logOf(engine: Engine, n: number): void {
  const name = `log-${n}`
  const script = `yes ${LINE} | head -c ${LOG}`
  const before = performance.now()
  act(engine, 'run', '-d', '--name', name, ...engine.flags, engine.image, 'sh', '-c', script)
  act(engine, 'wait', name)
  add(`run -d and wait: ${LOG >> 20} MiB to the log`, engine.name, performance.now() - before)
  add(`logs, ${LOG >> 20} MiB`, engine.name, act(engine, 'logs', name))
  add('logs --tail 10 of them', engine.name, act(engine, 'logs', '--tail', '10', name))
  act(engine, 'rm', '-f', name)
}

function list(count: number): void {
  for (let n = 0; n < rounds; n++)
    for (const engine of shuffle(all)) {
      if (engine === toolkit) node()
      add(`ps -a, ${count} containers`, engine.name, act(engine, 'ps', '-a'))
      add(`exec among ${count}`, engine.name, act(engine, 'exec', 'kept-0', 'true'))
    }
}

const memory: string[] = []

/** What a container that runs and does nothing costs beside its own processes. */
function weigh(engine: Engine): void {
  const names = Array.from({ length: kept }, (_, n) => `kept-${n}`)
  const first = ask(engine, 'inspect', '-f', '{{.State.Pid}}', ...names)
    .split('\n')
    .map(Number)
  const helpers = new Set(engine === toolkit ? holdersOf(`${scratch}/containers`) : first.map(parentOf))
  for (const pid of first) helpers.delete(pid)
  const { own, pss } = sumOf([...helpers])
  const each = (kB: number) => `${(kB / kept).toFixed(0)} kB`
  memory.push(
    `${engine.name}: ${each(own)} private, ${each(pss)} PSS, ${helpers.size} processes for ${kept} containers`,
  )
}

/** The same for other kinds of containers of ours. */
function weighKinds(): void {
  const kinds: [string, string[]][] = [
    ['run -dt', ['-t']],
    ['run -d --health-cmd', ['--health-cmd', 'true', '--health-interval', '1h']],
    ['run -d --restart always', ['--restart', 'always']],
  ]
  for (const [kind, flags] of kinds) {
    const before = new Set(holdersOf(`${scratch}/containers`))
    detach(toolkit, 'kind', ...flags)
    const first = Number(ask(toolkit, 'inspect', '-f', '{{.State.Pid}}', 'kind'))
    const helpers = holdersOf(`${scratch}/containers`).filter(pid => pid !== first && !before.has(pid))
    const of = helpers.map(pid => memoryOf(pid))
    const kB = (key: 'own' | 'pss') => `${of.map(each => each[key]).join(' + ')} kB`
    memory.push(`toolkit ${kind}: ${kB('own')} private, ${kB('pss')} PSS`)
    act(toolkit, 'rm', '-f', 'kind')
  }
}

const show = (what: string) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${what}`)
const load: string[] = []
const noteLoad = (what: string) => {
  load.push(`${what} ${loadavg()[0]!.toFixed(1)}`)
  show(what)
}
try {
  for (const engine of all) lifeOf(engine, -1) // from the disk into the page cache
  board.clear()
  noteLoad('one by one')
  await turns(rounds, lifeOf)
  noteLoad('many')
  await turns(Math.ceil(rounds / 4), async engine => {
    add(`${IN_SEQUENCE} run --rm in sequence`, engine.name, inSequence(engine))
    add(`${AT_ONCE} run --rm at once`, engine.name, await together(engine))
  })
  noteLoad('logs')
  await turns(Math.ceil(rounds / 3), logOf)
  noteLoad('kept')
  for (const engine of all) // ours first: what podman has mounted would be copied to each of our containers
    for (let n = 0; n < kept; n++) add(`run -d, the first ${kept}`, engine.name, detach(engine, `kept-${n}`))
  for (const engine of all) weigh(engine)
  weighKinds()
  list(kept)
  const most = Math.round(kept * MORE)
  for (const engine of all)
    for (let n = kept; n < most; n++)
      act(engine, 'create', '--name', `kept-${n}`, ...engine.flags, engine.image, 'true')
  noteLoad('listed')
  list(most)
  console.log(`${rounds} rounds, Linux ${release()}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`)
  console.log(`load average: ${load.join(', ')}\n`)
  console.log(formatBoard(board, [toolkit.name, ...peers.found.map(({ name }) => name)]))
  console.log(`\nBeside each idle container that is detached:\n${memory.map(line => `  ${line}`).join('\n')}`)
  if (peers.missing.length > 0) console.log(`\nNot here:\n${peers.missing.map(line => `  ${line}`).join('\n')}`)
  const results = Object.fromEntries([...board].map(([row, columns]) => [row, Object.fromEntries(columns)]))
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ load, memory, results }, null, 2)}\n`)
} finally {
  noteLoad('removing')
  for (const engine of all) removeAll(engine)
  peers.tidy()
  rmSync(scratch, { recursive: true, force: true })
  show('')
}

/** Only those of this run: docker's daemon may have others. */
function removeAll(engine: Engine): void {
  const names = ask(engine, 'ps', '-a', '--format', '{{.Names}}').split('\n')
  const ours = names.filter(name => /^(life|log|kept|kind)-?-?\d*$/.test(name))
  if (ours.length === 0) return
  const before = performance.now()
  spawnSync(engine.program[0]!, argvOf(engine, 'rm', '-f', ...ours).slice(1), { stdio: 'ignore' })
  console.log(
    `${engine.name} rm -f of ${ours.length}: ${((performance.now() - before) / ours.length).toFixed(1)} ms each`,
  )
}
