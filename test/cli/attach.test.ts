// A container's terminal, and its stdin, stdout and stderr: left, and joined again.
import fs from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readStat } from '../../toolkit/observe/process.ts'
import { slow } from '../slow.ts'
import { onTerminal } from './pty.ts'
import { bin, eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true, maxRetries: 5 }))
afterEach(() => world.removeAll())

const DETACH = '\x10\x11' // ctrl-p ctrl-q
const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string) => toolkit('inspect', '-f', template, 'box').stdout.trim()
const run = (flags: string, ...command: string[]) => {
  const { status, stderr } = toolkit('run', flags, '--name', 'box', 'busybox', ...command)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
}
const runShell = () => run('-dit', 'sh', '-c', 'PS1="[prompt]" exec sh')
const attach = (...flags: string[]) => onTerminal([bin, 'attach', ...flags, 'box'], world.env)
/** Attached, and its size has told so: what was written before is not shown. */
async function attachShell(...flags: string[]) {
  const window = attach(...flags)
  const raw = window.termios()
  await eventually(() => window.termios() !== raw, 'the terminal is raw')
  return window
}
const keepers = () => {
  const [id] = world.left().live
  const { monitor, holder } = JSON.parse(fs.readFileSync(`${world.state}/containers/live/${id}/terminal.json`, 'utf8'))
  return { monitor: monitor.pid as number, holder: holder.pid as number }
}
const gone = (pid: number) =>
  eventually(() => [undefined, 'Z', 'X'].includes(readStat(pid)?.state), `the end of ${pid}`)
const stillRuns = () => expect(format('{{.State.Status}}')).toBe('running')

describe.skipIf(skipped)(`attach${skipped}`, () => {
  test('a terminal is left and joined again: the same shell, its own exit code, every byte is kept', async () => {
    runShell()
    const one = await attachShell()
    const before = one.termios()
    one.type('tty; stty size; x=kept; echo $((20+1))\r')
    expect(await one.until('21\r\n')).toMatch(/\/dev\/pts\/0\r\n24 80\r\n21\r\n$/)
    one.type(DETACH)
    expect(await one.exit).toBe(0)
    expect(one.screen()).toMatch(/read escape sequence\r\n$/)
    expect(one.termios()).not.toBe(before) // given back
    stillRuns()
    const two = await attachShell()
    two.type('echo $x-$((20+2))\r')
    await two.until('kept-22')
    two.type('exit 5\r')
    expect(await two.exit).toBe(5)
    expect(toolkit('wait', 'box').stdout).toBe('5\n')
    expect(toolkit('logs', 'box').stdout).toMatch(/\r\n21\r\n[\s\S]*kept-22\r\n/)
  })

  test('create -it and start -ai: its first words, its terminal of the right size; once more', async () => {
    toolkit('create', '-it', '--name', 'box', 'busybox', 'sh', '-c', 'stty size; read x; echo got $x; exit 3')
    for (const word of ['one', 'two']) {
      const window = onTerminal([bin, 'start', '-ai', 'box'], world.env, { columns: 91, rows: 30 })
      await window.until('30 91\r\n')
      window.type(`${word}\r`)
      await window.until(`got ${word}\r\n`)
      expect(await window.exit).toBe(3)
    }
  })

  test('a program that has the whole screen draws it anew; it learns of another size', async () => {
    run('-dit', 'sh', '-c', 'seq 100 >/file; vi /file')
    const one = await attachShell()
    await one.until('\x1b[24;1H')
    one.resize(80, 40)
    await one.until('\x1b[40;1H')
    one.type(DETACH)
    expect(await one.exit).toBe(0)
    const two = onTerminal([bin, 'attach', 'box'], world.env, { columns: 80, rows: 40 }) // the size that it knows
    await two.until('\x1b[40;1H')
    two.type(':q!\r')
    expect(await two.exit).toBe(0)
  })

  test('two at once see the same, and type the same; ^C and ^Z reach the program', async () => {
    runShell()
    const [one, two] = [await attachShell(), await attachShell()]
    one.type('sh -c "echo up; exec sleep 1000"\r')
    await two.until('up\r\n')
    two.type('\x03')
    await one.until('^C')
    await one.until('[prompt]')
    one.type('echo status $?\r')
    for (const window of [one, two]) await window.until('status 130')
    one.type('sh -c "echo cat; exec cat"\r')
    await two.until('cat\r\n')
    const job = () => world.left().processes.find(pid => Number(pid) !== world.init())!
    two.type('\x1a')
    for (const window of [one, two]) await window.until('Stopped')
    one.type(DETACH)
    expect(await one.exit).toBe(0)
    two.type('fg\r')
    await eventually(() => !fs.readFileSync(`/proc/${job()}/status`, 'utf8').includes('stopped'), 'it goes on')
    two.type('42\r')
    await two.until('42\r\n42\r\n') // of the terminal, and of cat
    expect(one.screen()).not.toContain('42')
    two.type('\x04')
    await two.until('[prompt]')
    two.type('exit\r')
    await two.exit
  })

  test('keys to detach: only the whole of them, any, and none that are no keys', async () => {
    run('-dit', 'sh', '-c', 'stty raw -echo; exec cat')
    const one = await attachShell()
    one.type('\x10\x10x\x10')
    await one.until('\x10\x10x')
    one.type('y')
    await one.until('\x10y')
    one.type('\x10')
    one.type('\x11')
    expect(await one.exit).toBe(0)
    const two = await attachShell('--detach-keys=a,ctrl-b')
    two.type('aa\x10\x11')
    await two.until('aa\x10\x11')
    two.type('a\x02')
    expect(await two.exit).toBe(0)
    expect(two.screen()).not.toContain('\x02')
    for (const keys of ['ctrl-', 'ab', 'ctrl-A', 'a,,b'])
      expect(toolkit('attach', '--detach-keys', keys, 'box')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('is no key'),
      })
  })

  test.each([
    ['HUP', 129],
    ['TERM', 143],
  ] as const)('SIG%s: it gives the terminal back, and the container lives on', async (signal, code) => {
    runShell()
    const window = attach()
    const before = window.termios()
    await eventually(() => window.termios() !== before, 'the terminal is raw')
    process.kill(window.pid, `SIG${signal}`)
    expect(await window.exit).toBe(code)
    expect(window.termios()).toBe(before)
    stillRuns()
  })

  test('closing the window leaves it running; without -i or with --no-stdin one only looks', async () => {
    runShell()
    const closed = await attachShell()
    closed.hangUp()
    await closed.exit
    stillRuns()
    const looking = attach('--no-stdin')
    await looking.until('[prompt]')
    const typing = await attachShell()
    looking.type('exit 9\r')
    typing.type('echo $((20+1))\r')
    for (const window of [looking, typing]) await window.until('21\r')
    looking.type('\x03')
    expect(await looking.exit).toBe(130)
    stillRuns()
    typing.hangUp()
  })

  test('wrong uses are told', () => {
    expect(toolkit('attach', 'nobody')).toMatchObject({ status: 1, stderr: expect.stringContaining('no container') })
    runShell()
    expect(toolkit('attach', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('not a TTY') })
    toolkit('pause', 'box')
    expect(toolkit('attach', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('unpause it first') })
    toolkit('rm', '-f', 'box')
    toolkit('create', '-it', '--name', 'box', 'busybox', 'sh')
    expect(toolkit('attach', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('start it first') })
    expect(toolkit('start', '-ai', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('not a TTY') })
  })

  test.each(['monitor', 'holder'] as const)('kill -9 of the %s: all goes on, and nothing is lost', async which => {
    const count = 'i=0; while [ $i -lt 300 ]; do echo $i; i=$((i+1)); sleep 0.01; done'
    run('-dit', 'sh', '-c', `read go; ${count}; read x; exit $x`)
    const window = await attachShell()
    window.type('go\r')
    await window.until('\n50\r\n')
    const pid = keepers()[which]
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    await window.until('\n299\r\n') // it has got another monitor, without a command
    expect(Object.values(keepers()).includes(pid)).toBe(which === 'holder')
    window.type(DETACH)
    await window.exit
    const again = await attachShell()
    expect(Object.values(keepers())).not.toContain(pid)
    process.kill(keepers()[which === 'monitor' ? 'holder' : 'monitor'], 'SIGKILL') // the one that was there before
    again.type('7\r')
    expect([7, 125]).toContain(await again.exit) // only its parent, or Linux 6.15, can tell
    const lines = toolkit('logs', 'box').stdout.split('\r\n').slice(1, 301).map(Number)
    expect(lines).toEqual(lines.map((_, i) => i))
  })

  test('a container that has closed its terminal costs nothing, and may open it again', async () => {
    run('-dt', 'sh', '-c', 'exec </dev/null >/dev/null 2>&1; sleep 1; echo back >/dev/console; sleep 1000')
    const { monitor } = keepers()
    const ticks = () => Number(fs.readFileSync(`/proc/${monitor}/stat`, 'utf8').split(' ')[13])
    const before = ticks()
    await eventually(() => toolkit('logs', 'box').stdout === 'back\r\n', 'what it says at last')
    expect(ticks() - before).toBeLessThan(20) // hundredths of a second, of more than one
  })

  describe('run -it --rm', () => {
    const open = (...flags: string[]) =>
      onTerminal(
        [bin, 'run', '-it', '--rm', '--name', 'box', ...flags, 'busybox', 'sh', '-c', 'PS1="[prompt]" exec sh'],
        world.env,
      )
    /** The first process of the container, and its parent. */
    const processes = () => {
      const pid = world.init()
      return { pid, guard: readStat(pid)!.ppid }
    }

    test('its user leaves it by the keys: it lives on, is logged from then on, and tells its exit code', async () => {
      const window = open('--detach-keys', 'ctrl-x')
      const before = window.termios()
      await window.until('[prompt]')
      window.type('x=kept; (sleep 1; echo late) &\r')
      await window.until('[prompt]')
      const { pid, guard } = processes()
      window.type('\x18')
      expect(await window.exit).toBe(0)
      expect(window.screen()).toMatch(/read escape sequence\r\n$/)
      expect(window.termios()).toBe(before)
      stillRuns()
      expect(keepers().monitor).toBe(guard)
      await eventually(() => toolkit('logs', 'box').stdout.includes('late'), 'what it writes afterwards')
      const waiting = world.start(['wait', 'box'])
      process.kill(keepers().holder, 'SIGKILL')
      const again = await attachShell()
      again.type('echo $x-$((20+1)); exit 6\r')
      await again.until('kept-21')
      expect(await again.exit).toBe(6)
      expect(await waiting.exit).toMatchObject({ code: 0 })
      expect(waiting.output()).toBe('6\n')
      await gone(pid)
      await eventually(() => JSON.stringify(world.left()) === JSON.stringify(nothing), '--rm leaves nothing')
    })

    test.each([
      ['the engine', 'a process that cares for no signal', ['sleep', '1000']],
      ['the guard', 'a shell', ['sh']],
    ])('kill -9 of %s ends it: %s', async (which, _title, command) => {
      const window = onTerminal([bin, 'run', '-it', '--rm', '--name', 'box', 'busybox', ...command], world.env)
      await eventually(() => world.left().processes.length === 1, 'it runs')
      if (which === 'the guard') await window.until('#') // its program: before that the engine says that it was killed on its way
      const { pid, guard } = processes()
      process.kill(which === 'the engine' ? window.pid : guard, 'SIGKILL')
      expect(await window.exit).toBe(137)
      await gone(pid)
      await gone(guard)
      toolkit('rm', '-f', 'box')
      expect(world.left()).toEqual(nothing)
    })
  })

  test('pipes: stdout and stderr apart, stdin with -i, and its exit code', () => {
    run('-di', 'sh', '-c', 'while read x; do echo out $x; echo err $x >&2; [ $x = end ] && exit 6; done')
    const first = world.shell(
      `(echo one; sleep ${0.5 * slow}) | timeout -s INT ${slow} $TOOLKIT attach --sig-proxy=false box`,
    )
    expect(first).toMatchObject({ stdout: 'out one\n', stderr: 'err one\n' })
    stillRuns() // the end of our stdin is not the end of its
    const last = world.toolkit(['attach', 'box'], { input: 'two\nend\n' })
    expect(last).toMatchObject({ status: 6, stdout: 'out two\nout end\n', stderr: 'err two\nerr end\n' })
  })

  test('signals are passed on', async () => {
    run('-d', 'sh', '-c', 'trap "echo got it; exit 4" INT; while :; do sleep 0.05; echo tick; done')
    const attached = world.start(['attach', 'box'])
    await attached.until('tick')
    attached.child.kill('SIGINT')
    await attached.until('got it')
    expect((await attached.exit).code).toBe(4)
  })

  test.each(['run', 'start'])(
    '%s --sig-proxy=false: a signal is about us, and the container goes on',
    async command => {
      const program = ['busybox', 'sh', '-c', 'trap "exit 4" TERM; while :; do sleep 0.05; echo tick; done']
      if (command === 'start') toolkit('create', '--name', 'box', ...program)
      const words = command === 'start' ? ['-a', 'box'] : ['--name', 'box', ...program]
      const attached = world.start([command, '--sig-proxy=false', ...words])
      await attached.until('tick')
      attached.child.kill('SIGTERM')
      expect(await attached.exit).toEqual({ code: null, signal: 'SIGTERM' })
      stillRuns()
    },
  )

  test('start -ai: stdin comes to its end, 10 MB of it, byte for byte', () => {
    toolkit('create', '-i', '--name', 'box', 'busybox', 'sh', '-c', 'cat; exit 2')
    const input = Buffer.alloc(10 << 20, 'a line of thirty-one characters\n')
    const { status, bytes } = world.toolkit(['start', '-ai', 'box'], { input })
    expect(status).toBe(2)
    expect(bytes.equals(input)).toBe(true)
    expect(world.toolkit(['start', '-i', 'box'], { input: 'again' })).toMatchObject({ status: 2, stdout: 'again' })
  })

  test('attach ends when nobody reads it; with --rm there is still an exit code', async () => {
    run('-d', 'sh', '-c', 'while :; do echo y; sleep 0.01; done')
    expect(world.shell(`timeout ${5 * slow} $TOOLKIT attach box | head -1; echo $PIPESTATUS`).stdout).toBe('y\n0\n')
    toolkit('rm', '-f', 'box')
    toolkit('create', '--rm', '--name', 'box', 'busybox', 'sh', '-c', 'echo x; exit 8')
    expect(toolkit('start', '-a', 'box')).toMatchObject({ status: 8, stdout: 'x\n' })
    await eventually(() => JSON.stringify(world.left()) === JSON.stringify(nothing), 'nothing is left')
  })
})
