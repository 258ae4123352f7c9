// `toolkit run -it` in a terminal window.
import { spawnSync } from 'node:child_process'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { onTerminal } from './pty.ts'
import { bin, eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(async () => {
  const clean = () => JSON.stringify(world.left()) === JSON.stringify(nothing)
  await eventually(clean, 'nothing is left').catch(() => expect(world.left()).toEqual(nothing))
})

/** `toolkit run --rm -it busybox COMMAND` in a window. */
const open = (command: readonly string[], size?: { columns: number; rows: number }) =>
  onTerminal([bin, 'run', '--rm', '-it', 'busybox', ...command], world.env, size)

/** A shell at its prompt. */
async function openShell(size?: { columns: number; rows: number }) {
  const window = open(['sh', '-c', 'PS1="[prompt]" exec sh'], size)
  await window.until('[prompt]')
  return window
}

/** Presses keys until a line of --step is there. */
async function press(window: ReturnType<typeof onTerminal>, line: RegExp) {
  await eventually(() => window.screen().includes('  ·  '), 'the first line')
  while (!line.test(window.screen())) {
    const { length } = window.screen()
    window.type(' ')
    await eventually(() => window.screen().length > length + 5, String(line))
  }
}
const firstStep = (window: ReturnType<typeof onTerminal>) => press(window, /^ *1 {2}\w+\(/m)

describe.skipIf(skipped)(`run -it${skipped}`, () => {
  test('a terminal of its own, and the exit code of the shell', async () => {
    const window = await openShell()
    window.type('tty; stty size; [ -c /dev/console ] && echo console; test -t 2 && echo $((20 + 1))\r')
    expect(await window.until('21\r\n')).toMatch(/\r\n\/dev\/pts\/0\r\n24 80\r\nconsole\r\n21\r\n$/)
    window.type('exit 7\r')
    expect(await window.exit).toBe(7)
  })

  test('/dev/console and /dev/tty are that terminal', async () => {
    const window = await openShell()
    window.type('echo to-$((1))-console >/dev/console; echo to-$((1))-tty >/dev/tty; stat -c %t:%T /dev/console\r')
    expect(await window.until('88:0\r\n')).toMatch(/to-1-console\r\nto-1-tty\r\n88:0/)
    window.type('exit\r')
    expect(await window.exit).toBe(0)
  })

  test('the window’s size from the start, and SIGWINCH when it changes', async () => {
    const window = open(['sh', '-c', 'trap "stty size" WINCH; stty size; echo ready; while :; do sleep 0.05; done'], {
      columns: 132,
      rows: 43,
    })
    expect(await window.until('ready')).toContain('43 132')
    window.resize(100, 30)
    await window.until('30 100')
    spawnSync('kill', ['-KILL', ...world.left().processes])
    expect(await window.exit).toBe(137)
  })

  test('the window’s size though the output goes to a file', async () => {
    const script = '"$TOOLKIT" run --rm -it busybox stty size | cat'
    const window = onTerminal(
      ['bash', '--norc', '-c', script],
      { ...world.env, TOOLKIT: bin },
      { columns: 132, rows: 43 },
    )
    await window.until('43 132')
    await window.exit
  })

  test('^C interrupts the program, not the shell and not the engine', async () => {
    const window = await openShell()
    window.type('sleep 1000; echo status $?\r')
    await window.until('\r\n')
    await eventually(() => world.left().processes.length === 2, 'sleep has started')
    window.type('\x03')
    await window.until('[prompt]')
    window.type('echo still $((40 + 2))\r')
    await window.until('still 42')
    window.type('exit\r')
    expect(await window.exit).toBe(0)
  })

  test('^Z stops a program, fg goes on with it', async () => {
    const window = await openShell()
    window.type('cat\r')
    await window.until('\r\n')
    await eventually(() => world.left().processes.length === 2, 'cat has started')
    window.type('\x1a')
    await window.until('Stopped')
    await window.until('[prompt]')
    window.type('jobs | wc -l; fg\r')
    await window.until('1\r\n')
    await window.until('cat\r\n')
    window.type('once more\r')
    await window.until('once more\r\nonce more\r\n') // echoed by the terminal, then by cat
    window.type('\x04')
    await window.until('[prompt]')
    window.type('\x04')
    expect(await window.exit).toBe(0)
  })

  test('the outer terminal is given back byte for byte', async () => {
    const script = `stty -echo; stty -a | md5sum; "$TOOLKIT" "$@"; echo code $?; stty -a | md5sum`
    const window = onTerminal(
      ['bash', '--norc', '-c', script, 'bash', 'run', '--rm', '-it', 'busybox', 'sh', '-c', 'echo up; read x; exit 3'],
      { ...world.env, TOOLKIT: bin },
    )
    await window.until('up\r\n')
    const inside = window.termios()
    window.type('key\r')
    await window.until('code 3')
    expect(await window.exit).toBe(0)
    const [before, after] = window.screen().match(/^[0-9a-f]{32}/gm)!
    expect(after).toBe(before)
    expect(inside).not.toBe(window.termios()) // it was raw meanwhile
  })

  test('given back after a command that cannot be started, too', async () => {
    const window = onTerminal(
      [
        'bash',
        '--norc',
        '-c',
        'stty -a | md5sum; "$TOOLKIT" run --rm -it busybox nosuch; echo code $?; stty -a | md5sum',
      ],
      { ...world.env, TOOLKIT: bin },
    )
    await window.until('code 127')
    await window.exit
    const [before, after] = window.screen().match(/^[0-9a-f]{32}/gm)!
    expect(after).toBe(before)
  })

  test('all that is printed last arrives', async () => {
    const window = open(['sh', '-c', 'seq 20000; echo the-end'])
    expect(await window.exit).toBe(0)
    await window.until('the-end\r\n')
    expect(window.screen().split('\r\n').length).toBe(20_002)
  })

  test.each([
    ['a shell', ['sh'], undefined],
    ['a program that writes on', ['yes'], undefined],
    ['a program with a handler', ['sh', '-c', 'trap "exit 4" HUP; echo ready; while :; do sleep 0.05; done'], 4],
  ])('closing the window ends %s', async (_title, command, code) => {
    const window = open(command)
    await eventually(() => window.screen() !== '', 'it has written')
    window.hangUp()
    const status = await window.exit
    if (code !== undefined) expect(status).toBe(code)
  })

  test('--step: a key for each call, then the keys are the program’s', async () => {
    const window = onTerminal([bin, 'run', '--rm', '-it', '--step', 'busybox', 'cat'], world.env)
    await firstStep(window)
    for (let step = 2; !window.screen().includes('the program runs'); step++) {
      const there = new RegExp(`^ *${step} {2}\\w+\\(|the program runs`, 'm')
      await press(window, there)
    }
    expect(window.screen()).not.toMatch(/[^\r]\n/) // no staircase: the terminal is raw only afterwards
    window.type('hello\r\x04')
    await window.until('hello\r\nhello\r\n')
    expect(await window.exit).toBe(0)
  })

  test.each(['q', '\x03', '\x04'])('--step: %j gives up and leaves nothing', async key => {
    const window = onTerminal([bin, 'run', '--rm', '--step', 'busybox', 'true'], world.env)
    const before = window.termios()
    await window.until('  ·  mkdir')
    await eventually(() => window.termios() !== before, 'it waits for a key')
    window.type(key)
    expect(await window.exit).toBe(125)
    expect(window.screen()).toContain('given up; nothing of the container is left')
    expect(window.termios()).toBe(before)
  })

  test('--step: TERM gives up, too', async () => {
    const window = onTerminal([bin, 'run', '--rm', '--step', 'busybox', 'true'], world.env)
    const before = window.termios()
    await window.until('  ·  mkdir')
    await eventually(() => window.termios() !== before, 'it waits for a key')
    process.kill(window.pid, 'SIGTERM')
    expect(await window.exit).toBe(143)
    expect(window.termios()).toBe(before)
  })

  test('--step: closing the window gives up', async () => {
    const window = onTerminal([bin, 'run', '--rm', '--step', 'busybox', 'true'], world.env)
    await firstStep(window)
    window.hangUp()
    expect(await window.exit).not.toBe(0)
  })

  /** `toolkit run --until sethostname …` at the prompt of a shell with job control. */
  async function until(words: string) {
    const window = onTerminal(['/bin/bash', '--norc', '--noprofile', '-i'], { ...world.env, PS1: '[prompt]' })
    await window.until('[prompt]')
    window.type(`${bin} run --rm --until sethostname busybox ${words}\r`)
    /** Types it again and again, until the text has come. */
    const insist = async (keys: string, text: string) => {
      const from = window.screen().length
      const there = () => window.screen().slice(from).includes(text)
      await eventually(() => {
        if (!there()) window.type(keys)
        return there()
      }, text)
    }
    return { window, insist }
  }

  test('--until: no key before that call; ^Z gives the shell its prompt, fg goes on', async () => {
    const { window, insist } = await until('echo $((20+1))')
    await window.until('sethostname("')
    await insist('\x1a', 'Stopped')
    window.type('fg\r')
    await press(window, /the program runs/)
    await window.until('21\r\n')
    window.type('exit\r')
    expect(await window.exit).toBe(0)
  })

  test('--until in the background: it stops there, and kill ends it', async () => {
    const { window, insist } = await until('true 2>/dev/null &')
    await insist('\r', 'Stopped')
    window.type('kill %1\r')
    await insist('\r', 'Exit 143')
    window.type('exit\r')
    expect(await window.exit).toBe(0)
  })

  test('in the background it is stopped, as any program that wants the terminal; fg comes back', async () => {
    const window = onTerminal(['/bin/bash', '--norc', '--noprofile', '-i'], { ...world.env, PS1: '[prompt]' })
    await window.until('[prompt]')
    window.type(`${bin} run --rm -it busybox sh -c 'echo $((20+1)); read x; exit $x' &\r`)
    await window.until('[prompt]')
    await eventually(() => {
      if (!window.screen().includes('Stopped')) window.type('\r')
      return window.screen().includes('Stopped')
    }, 'Stopped')
    window.type('fg; echo code $?\r')
    window.type('7\r')
    await window.until('code 7')
    expect(window.screen()).toContain('21\r\n')
    window.type('exit\r')
    expect(await window.exit).toBe(0)
  })

  test('in the background, and nobody brings it back: SIGTERM ends it', async () => {
    const command = `timeout 1 ${bin} run --rm --init -it busybox sleep 1000; echo code $?`
    const window = onTerminal(['/bin/sh', '-c', command], world.env) // timeout makes its own process group
    await window.until('code 124')
    expect(await window.exit).toBe(0)
    world.toolkit(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'])
    const exec = onTerminal(['/bin/sh', '-c', `timeout 1 ${bin} exec -it box sleep 1000; echo code $?`], world.env)
    await exec.until('code 124')
    world.toolkit(['rm', '-f', 'box'])
  })

  test('--until with a call that is not there', async () => {
    const window = onTerminal([bin, 'run', '--rm', '--until', 'reboot', 'busybox', 'true'], world.env)
    await window.until('toolkit: run: --until "reboot": no call has that in it')
    expect(await window.exit).toBe(125)
  })
})
