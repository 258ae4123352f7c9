// How the tutor feels: `npm run bench:tutor -- [--starts N] [--size COLUMNSxROWS]`. Needs root. The real `bin/toolkit
// learn` on a real pseudo-terminal; times are those of whoever sits there, from the key to the bytes on the screen.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openStream } from '../toolkit/engine/terminal/stream.ts'
import { takeTerminal } from '../toolkit/engine/terminal/terminal.ts'
import { ensureBusybox } from '../toolkit/image/rootfs.ts'
import { start } from '../toolkit/kernel/start.ts'
import { setSize } from '../toolkit/kernel/tty.ts'
import { wait } from '../toolkit/kernel/wait.ts'
import * as programs from '../toolkit/primitives/process.ts'
import { openTerminal } from '../toolkit/primitives/terminal.ts'
import { quantile } from './measure.ts'

const { values } = parseArgs({
  options: { starts: { type: 'string', default: '10' }, size: { type: 'string', default: '120x36' } },
})
const starts = Number(values.starts)
const [columns, rows] = values.size.split('x').map(Number)
if (!(starts >= 1 && columns! >= 60 && rows! >= 18)) {
  console.error('bench: --starts is a number, --size at least 60x18')
  process.exit(2)
}
if (process.getuid?.() !== 0) {
  console.error('bench: the tutor needs root; try: sudo npm run bench:tutor')
  process.exit(125)
}

const KEYS = 30
const IDLE_MS = 2000
const F2 = '\x1bOQ'
const F10 = '\x1b[21~'

/** The tutor in a window of its own, with a learner who has done nothing yet. */
function open(home: string) {
  const argv = [join(import.meta.dirname, '../bin/toolkit'), 'learn', '--yes']
  const env = { ...process.env, HOME: home, XDG_STATE_HOME: home, TERM: 'xterm-256color', COLORTERM: 'truecolor' }
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const program = { args: argv, env: lines, cwd: '/', user: { umask: 0o022 }, rlimits: [] }
  const child = start({ namespaces: [], steps: [...openTerminal(), ...programs.plan({ process: program })] })
  child.next() // stands at the terminal's gate
  const fd = takeTerminal(child.pidfd)
  setSize(fd, { columns: columns!, rows: rows! })
  const begun = performance.now()
  child.open()
  child.next()
  const stream = openStream(fd, () => {})
  let screen = ''
  let look = () => {}
  stream.on('data', data => {
    screen += data
    look()
  })
  /** Resolves when this is on the screen, with the milliseconds since `from`. What came before is forgotten. */
  const until = (text: RegExp, from = performance.now()): Promise<number> => {
    let timer: NodeJS.Timeout
    return new Promise<number>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`bench: ${text} never came:\n${screen.slice(-2000)}`)), 10_000)
      look = () => {
        if (!text.test(screen)) return
        screen = ''
        look = () => {}
        resolve(performance.now() - from)
      }
      look()
    }).finally(() => clearTimeout(timer))
  }
  const ended = wait(child.pid, child.pidfd).then(() => child.close())
  const forget = () => {
    screen = ''
  }
  return { begun, pid: child.pid, until, forget, type: (keys: string) => void stream.write(keys), ended }
}

/** Processor time of a process so far, in milliseconds: fields 14 and 15 of proc_pid_stat(5). */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const names = ['first frame', 'prompt of the lab', 'key echo', '^C to prompt', 'idle, % of a core'] as const
const results = new Map<string, number[]>(names.map(name => [name, []]))
const add = (name: (typeof names)[number], value: number) => void results.get(name)!.push(value)

async function once(home: string): Promise<void> {
  const tutor = open(home)
  add('first frame', await tutor.until(/quit/, tutor.begun)) // the footer is the last row
  add('prompt of the lab', await tutor.until(/lab\S*:~/, tutor.begun))
  await sleep(500)
  const before = cpu(tutor.pid)
  await sleep(IDLE_MS)
  add('idle, % of a core', ((cpu(tutor.pid) - before) / IDLE_MS) * 100)

  tutor.type(F2)
  await tutor.until(/your keys go here/)
  await sleep(300)
  for (let key = 0; key < KEYS; key++) {
    tutor.forget()
    const typed = performance.now()
    tutor.type('x')
    add('key echo', await tutor.until(/x/, typed))
    await sleep(60)
  }
  tutor.type('\x15yes a flood of text\r')
  await sleep(1000)
  tutor.forget()
  const pressed = performance.now()
  tutor.type('\x03')
  add('^C to prompt', await tutor.until(/lab\S*:~/, pressed))
  await sleep(300)
  tutor.type(`exit\r`)
  await tutor.until(/exit 130/)
  tutor.type(F10)
  await tutor.ended
}

await ensureBusybox({ yes: true })
const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
try {
  for (let n = 1; n <= starts; n++) {
    await once(mkdtempSync(`${scratch}/home-`))
    if (process.stderr.isTTY) process.stderr.write(`\rstart ${n} of ${starts}${n === starts ? '\r\x1b[K' : ''}`)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(
  `${starts} starts at ${values.size}, Linux ${release()}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`,
)
console.log(`${'milliseconds'.padEnd(20)}${['p50', 'p95', 'min', 'max'].map(head => head.padStart(8)).join('')}`)
for (const [name, times] of results) {
  const sorted = times.toSorted((a, b) => a - b)
  const cells = [quantile(sorted, 0.5), quantile(sorted, 0.95), sorted[0]!, sorted.at(-1)!]
  console.log(`${name.padEnd(20)}${cells.map(value => value.toFixed(1).padStart(8)).join('')}`)
}
