// The README as a reader walks through it: every line of its that calls toolkit is typed into a terminal, in the page's
// order, as it stands there, on a machine with a network of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onTerminal } from '../cli/pty.ts'
import { eventually, skipped, World } from '../cli/toolkit.ts'

const repo = process.cwd()
const ROOM = '10.0.0.5' // the address of the instructor in the page

const lines = [...readFileSync('README.md', 'utf8').matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block]) => block!.split('\n'))
  .filter(line => line.startsWith('npx toolkit '))

type Window = ReturnType<typeof onTerminal>
interface Reader {
  /** The beginning of the line, or all of it. */
  readonly line: string
  /** What to do at the keyboard. */
  readonly does?: (window: Window) => Promise<void> | void
  /** Exit codes that are no surprise. */
  readonly codes?: readonly number[]
  /** It goes on in another terminal. Waits until it can be used. */
  readonly stays?: (window: Window) => Promise<void>
  /** Why it is not typed. */
  readonly not?: string
}

const leave = async (window: Window) => {
  window.type('exit\r')
}
const interrupt = (text: string) => async (window: Window) => {
  await window.until(text)
  window.type('\x03')
}
/** These keys, as often as it takes. */
const again = (keys: string, milliseconds: number) => (window: Window) => {
  const timer = setInterval(() => window.type(keys), milliseconds)
  void window.exit.then(() => clearInterval(timer))
}

const readers: readonly Reader[] = [
  { line: 'npx toolkit learn', not: 'the tests of the tutor do' },
  { line: 'npx toolkit run -it --rm busybox sh', does: leave },
  { line: 'npx toolkit run --step', does: again('\r', 20) },
  { line: 'npx toolkit run --until', does: again('\r', 20) },
  { line: 'npx toolkit workshop serve', stays: window => window.until('join').then(() => {}) },
  { line: 'npx toolkit run --rm --name web', stays: () => eventually(isUp, 'the server answers') },
  { line: 'npx toolkit logs -f', does: interrupt('Z '), codes: [130] },
  { line: 'npx toolkit exec -it clock sh', does: leave },
  { line: 'npx toolkit stats', does: interrupt('clock'), codes: [130] },
  { line: 'npx toolkit attach sh', does: again('\x10\x11', 500) },
  { line: 'npx toolkit start -a clock', does: interrupt('20'), codes: [130] },
  { line: 'npx toolkit run --net backend', does: leave },
]

const world = new World()
const { TOOLKIT_NETWORK: _, ...plain } = world.env
const env = { ...plain, HOME: world.state, TERM: 'xterm-256color', SHELL: '/bin/sh' }
let machine: ChildProcess

const inMachine = (script: string) => [
  'nsenter',
  '-t',
  String(machine.pid),
  '-n',
  'sh',
  '-c',
  `cd '${repo}' && ${script}`,
]
const isUp = () => {
  const ask = 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; grep -q HTTP <&3'
  return spawnSync('nsenter', ['-t', String(machine.pid), '-n', 'timeout', '5', 'bash', '-c', ask]).status === 0
}

describe.skipIf(skipped)(`README.md${skipped}`, () => {
  let joined = ''
  const others: Window[] = []
  beforeAll(async () => {
    machine = spawn('unshare', ['--net', 'sleep', '100000'], { stdio: 'ignore' })
    const own = readlinkSync('/proc/self/ns/net')
    await eventually(() => readlinkSync(`/proc/${machine.pid}/ns/net`) !== own, 'a network of its own')
    const [program, ...words] = inMachine(
      `ip link set lo up && ip link add room type bridge && ip address add ${ROOM}/24 dev room && ip link set room up`,
    )
    expect(spawnSync(program!, words, { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })
  afterAll(() => {
    for (const window of others) window.hangUp()
    world.removeAll()
    machine.kill('SIGKILL')
    world.end()
  })

  test('has commands, and a reader for each that waits for one', () => {
    expect(lines.length).toBeGreaterThan(30)
    expect(readers.filter(({ line }) => !lines.some(text => text.startsWith(line)))).toEqual([])
  })

  test.each(lines)('%s', { timeout: 60_000 }, async line => {
    const { not, does, stays, codes = [0] } = readers.find(reader => line.startsWith(reader.line)) ?? {}
    if (not) return
    const typed = line.replace(/http:\/\/[\d.:]+\/\S+/, joined)
    const window = onTerminal(inMachine(typed), env, { columns: 120, rows: 36 })
    if (stays) {
      others.push(window)
      await stays(window)
      joined ||= /http:\/\/\S+/.exec(window.screen())?.[0] ?? ''
      return
    }
    void does?.(window)
    const code = await window.exit
    expect(codes, window.screen()).toContain(code)
  })
})
