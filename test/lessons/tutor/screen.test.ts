// The whole tutor on a virtual terminal: what a learner sees and presses.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { layout } from '../../../lessons/tutor/layout.ts'
import { FakePlayer, type FakeShell } from './fake-player.ts'
import { openVirtual } from './virtual-terminal.ts'

type Virtual = Awaited<ReturnType<typeof openVirtual>>

let player: FakePlayer
let virtual: Virtual
const shell = () => player.shell as FakeShell
const F = {
  1: '\x1bOP',
  2: '\x1bOQ',
  3: '\x1bOR',
  4: '\x1bOS',
  5: '\x1b[15~',
  6: '\x1b[17~',
  7: '\x1b[18~',
  8: '\x1b[19~',
  9: '\x1b[20~',
  10: '\x1b[21~',
}

async function open(columns: number, rows: number, state = {}) {
  player = new FakePlayer(state)
  player.start()
  virtual = await openVirtual(player, { columns, rows })
  await virtual.waitFor(/Lesson/)
  shell().print('lab# ')
  await virtual.waitFor(/lab#/)
  await virtual.settle()
}

afterEach(async () => {
  vi.restoreAllMocks()
  if (player.state.phase === 'starting') player.set({ phase: 'working' })
  virtual.press('\x1b\x1b')
  virtual.press('\x1dq')
  await virtual.resize(80, 24)
  virtual.press(F[10])
  await virtual.left
})

describe('80 x 24', () => {
  beforeEach(() => open(80, 24))

  test('typing goes to the shell once it has the focus, in the same chunk', async () => {
    virtual.press(`${F[2]}ls -l\r\x1dh`)
    await virtual.waitFor(/Hint 1 of 3/)
    expect(shell().written).toBe('ls -l\r')
  })

  test('the cursor is in the shell while it has the keys', async () => {
    virtual.press('\r')
    await virtual.settle()
    const { panes } = layout(80, 24, 3)
    expect(virtual.cursor()).toEqual({ x: 5, y: panes.shell!.y + 1 })
  })

  test('one more character costs few bytes', async () => {
    virtual.press('\r')
    await virtual.settle()
    const before = virtual.stdout.sent.length
    shell().print('x')
    await virtual.waitFor(/lab# x/)
    await virtual.settle()
    expect(virtual.stdout.sent.length - before).toBeLessThan(300)
  })

  test('nothing is sent while nothing happens', async () => {
    const before = virtual.stdout.sent.length
    await new Promise(resolve => setTimeout(resolve, 1200))
    expect(virtual.stdout.sent.length).toBe(before)
  })

  test('what a passed task shows, and that it goes on only by a key', async () => {
    player.pass()
    await virtual.waitFor(/✔ Done\. Your shell has a root of its own/)
    await virtual.waitFor(/n goes to the next task/)
    expect(virtual.screen()).toContain('What happened')
    expect(player.calls).toEqual([])
    virtual.press('n')
    await virtual.waitFor(/task 2 of 3/)
    await virtual.waitFor(/Enter another root/)
  })

  test('skipping asks', async () => {
    virtual.press(F[9])
    await virtual.waitFor(/not done yet.*y: yes/)
    virtual.press('n')
    await virtual.waitFor(() => !/not done yet/.test(virtual.screen()))
    expect(player.calls).toEqual([])
    virtual.press(`${F[9]}y`)
    await virtual.waitFor(/task 2 of 3/)
  })

  test('after the last task of a lesson comes the next lesson', async () => {
    player.set({ task: 2, done: [true, true, false] })
    player.pass()
    await virtual.waitFor(/begins the next: A name of its own/)
    virtual.press('n')
    await virtual.waitFor(/lesson 2/)
    expect(player.calls).toEqual(['open 02-uts 1'])
  })

  test('hints, one by one, come into view', async () => {
    virtual.press('h')
    await virtual.waitFor(/Hint 1 of 3/)
    virtual.press(F[3])
    await virtual.waitFor(/Hint 2 of 3/)
    virtual.press('hh')
    await virtual.waitFor(/All hints are shown/)
  })

  test('the solution is put at the prompt and not run', async () => {
    virtual.press('s')
    await virtual.waitFor(/solution is at the prompt/)
    expect(shell().written).toBe('\x15chroot busybox /bin/sh')
    virtual.press('\r')
    await virtual.settle()
    expect(shell().written).toBe('\x15chroot busybox /bin/sh\r')
  })

  test('lines of a solution come one at a time, and it is said which', async () => {
    virtual.press('s')
    await virtual.waitFor(/The solution is at the prompt\. Enter runs it/)
    player.set({ task: 1, offered: 0 })
    virtual.press('\x1bOQs')
    await virtual.waitFor(/Line 1 of 2 is at the prompt\. Enter runs it, then F6 gives line 2\./)
    virtual.press('\r')
    await virtual.waitFor(/F6 puts line 2 of 2 of the solution at the prompt/)
    virtual.press(F[6])
    await virtual.waitFor(/Line 2 of 2 is at the prompt\. Enter runs it\. *$/m)
    expect(shell().written).toBe('\x15chroot busybox /bin/sh\x15cd /\r\x15ls')
  })

  test('the solution of several lines is pasted where the shell knows pastes', async () => {
    shell().print('\x1b[?2004h')
    vi.spyOn(player, 'solution').mockReturnValue('one\ntwo')
    await virtual.settle()
    virtual.press('s')
    await virtual.waitFor(/solution is at the prompt/)
    expect(shell().written).toBe('\x15\x1b[200~one\ntwo\x1b[201~')
  })

  test('reset asks', async () => {
    virtual.press(F[8])
    await virtual.waitFor(/Throw the lab away/)
    virtual.press('y')
    await virtual.waitFor(() => player.calls.includes('reset'))
  })

  test('checking, and a lab that does not start', async () => {
    virtual.press('c')
    await virtual.waitFor(() => player.calls.includes('check'))
    player.set({ phase: 'checking' })
    await virtual.waitFor(/… Checking/)
    player.set({ phase: 'working', error: 'no overlay file system here' })
    await virtual.waitFor(/could not be started: no overlay/)
    await virtual.waitFor(/r tries again/)
  })

  test('the shell has ended: says so, and Enter starts a new one', async () => {
    virtual.press('\r')
    shell().end(3)
    await virtual.waitFor(/The shell has ended \(exit 3\)\. Enter starts a new one/)
    expect(virtual.screen()).toContain('lab#')
    virtual.press('\r')
    await virtual.waitFor(() => player.calls.includes('restartShell'))
    await virtual.waitFor(() => !/has ended/.test(virtual.screen()))
  })

  test('scrolls by keys, and says how much is left', async () => {
    const [before] = /↓ (\d+) more/.exec(virtual.screen())!.slice(1)
    virtual.press('jj')
    await virtual.waitFor(new RegExp(`↓ ${Number(before) - 2} more`))
    virtual.press('G')
    await virtual.waitFor(/end ─|end ━/)
    virtual.press('g')
    await virtual.waitFor(new RegExp(`↓ ${before} more`))
  })

  test('help lists every key, and closes', async () => {
    virtual.press('?')
    await virtual.waitFor(/throw the lab away/)
    virtual.press('G')
    await virtual.waitFor(/toolkit lessons --help/)
    virtual.press('\x1b[5~')
    await virtual.waitFor(/draw the whole screen anew/)
    virtual.press('G')
    await virtual.waitFor(/Esc closes/)
    virtual.press('g')
    await virtual.waitFor(/throw the lab away/)
    virtual.press('\x1b')
    await virtual.waitFor(/lab#/)
  })

  test('the list of lessons shows progress and jumps', async () => {
    virtual.press(F[7])
    await virtual.waitFor(/2 A name of its own .* 1\/3 done/)
    virtual.press('\x1b[B\x1b[B\r')
    await virtual.waitFor(() => player.calls.includes('open 01-chroot 2'))
  })

  test('zoomed, the shell has the screen and the function keys; Ctrl-] brings the keys back', async () => {
    virtual.press(`\r${F[4]}`)
    await virtual.waitFor(/Ctrl-\] z all panes/)
    expect(player.size).toEqual({ columns: 80, rows: 21 })
    virtual.press(F[10])
    await virtual.settle()
    expect(shell().written).toBe(F[10])
    player.pass()
    await virtual.waitFor(/✔ Task done\..*Ctrl-\] n next task/)
    virtual.press('\x1dz')
    await virtual.waitFor(/Task 1/)
    await virtual.waitFor(/lab#/)
  })

  test('arrow keys as the program wants them', async () => {
    shell().print('\x1b[?1h')
    await virtual.settle()
    virtual.press('\r\x1b[A')
    await virtual.settle()
    expect(shell().written).toBe('\x1bOA')
  })

  test('too small, and well again', async () => {
    await virtual.resize(50, 12)
    expect(virtual.screen()).toMatch(/Terminal too small/)
    await virtual.resize(80, 24)
    expect(virtual.screen()).toMatch(/lab#/)
  })

  test('Ctrl-L draws everything anew', async () => {
    virtual.terminal.write('\x1b[5;5Hrubbish')
    await virtual.settle()
    expect(virtual.screen()).toContain('rubbish')
    virtual.press('\x0c')
    await virtual.waitFor(() => !virtual.screen().includes('rubbish'))
    await virtual.waitFor(/lab#/)
  })

  test('without colour the screen says the same', async () => {
    expect(virtual.screen()).toMatch(/○ Not yet/)
    expect(virtual.screen()).toMatch(/━ ▸ Lesson/)
  })
})

test('leaving restores the terminal', async () => {
  const listening = process.listenerCount('uncaughtException')
  await open(80, 24)
  expect(virtual.stdin.raw).toBe(true)
  await virtual.leave()
  expect(virtual.stdin.raw).toBe(false)
  expect(virtual.stdout.sent).toMatch(/\x1b\[\?1049l/)
  expect(virtual.stdout.sent).toMatch(/\x1b\[\?2004l\x1b\[\?7h\x1b\[\?25h$/)
  expect(process.listenerCount('SIGTERM')).toBeLessThanOrEqual(1) // ink's own stays, and does what the system would
  expect(process.listenerCount('uncaughtException')).toBe(listening)
})
