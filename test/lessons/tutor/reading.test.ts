// The tutor on a virtual terminal: what a learner reads, searches, predicts, takes from the text, and clicks.
import { afterEach, describe, expect, test } from 'vitest'
import type { Lesson } from '../../../lessons/lesson.ts'
import type { TutorOptions } from '../../../lessons/tutor/index.tsx'
import { layout } from '../../../lessons/tutor/layout.ts'
import { FakePlayer, type FakeShell, lesson, second } from './fake-player.ts'
import { openVirtual } from './virtual-terminal.ts'

type Virtual = Awaited<ReturnType<typeof openVirtual>>

let player: FakePlayer
let virtual: Virtual
const shell = () => player.shell as FakeShell
const ESC = '\x1b'
const [F2, F7, F10] = ['\x1bOQ', '\x1b[18~', '\x1b[21~']

async function open(state = {}, options: Partial<TutorOptions> = {}, [columns, rows] = [80, 24], hasLab = true) {
  player = new FakePlayer(state)
  if (hasLab) player.start()
  virtual = await openVirtual(player, { columns: columns!, rows: rows! }, options)
  await virtual.waitFor(/Lesson/)
  if (!hasLab) return
  shell().print('lab# ')
  await virtual.waitFor(/lab#/)
}
/** Escape by itself; what comes at once belongs to it. */
async function pressEscape() {
  virtual.press(ESC)
  await new Promise(resolve => setTimeout(resolve, 40))
}

afterEach(async () => {
  await pressEscape()
  await pressEscape()
  virtual.press(F10)
  await virtual.left
})

describe('a prediction', () => {
  test('is chosen by its number, also by way of Ctrl-] from the shell, and may be changed', async () => {
    await open({ task: 1 })
    await virtual.waitFor(/1–3 to predict/)
    virtual.press('1')
    await virtual.waitFor(/You predict 1: Only root may do it/)
    expect(player.state.prediction).toBe(0)
    virtual.press(`${F2}3\x1d3`)
    await virtual.waitFor(/You predict 3: The directory is missing/)
    expect(shell().written).toBe('3')
    virtual.press('4')
    await virtual.settle()
    expect(player.state.prediction).toBe(2)
    expect(virtual.screen()).not.toMatch(/Right|it was|to predict/)
  })

  test('has its answer when the task is done, and stays as it is then', async () => {
    await open({ task: 1, prediction: 1 })
    player.pass()
    await virtual.waitFor(/You chose 2\. Right\./)
    virtual.press('1')
    await virtual.waitFor(/The task is done, and the text has the answer/)
    expect(player.state.prediction).toBe(1)
  })

  test('is not there in every task', async () => {
    await open()
    virtual.press('1')
    await virtual.waitFor(/asks for no prediction/)
  })
})

describe('a lesson that cannot be done here', () => {
  const why = 'there is no cgroup controller cpu here; try: sudo mount it'
  const state = { phase: 'working', obstacles: [why], values: {}, saw: '' }
  test.each([
    [80, 24],
    [120, 36],
  ])(
    'says why and what to type, and n goes on without a question, to the next lesson at last (%i×%i)',
    async (...size) => {
      await open(state, {}, size, false)
      await virtual.waitFor(/✘ This lesson cannot be done here: there is no\s/)
      await virtual.waitFor(/No shell: this lesson can only be read/)
      await virtual.waitFor(/n: next task/)
      virtual.press('n')
      await virtual.waitFor(/task 2 of 3/)
      virtual.press('n')
      await virtual.waitFor(/n: the next lesson/)
      virtual.press('n')
      await virtual.waitFor(/lesson 2/)
      virtual.press('s')
      await virtual.waitFor(/There is no shell now/)
      virtual.press('r')
      await virtual.waitFor(() => player.calls.includes('reset')) // looks again, and asks nothing
    },
  )

  test('is marked in the list of lessons, with the reason', async () => {
    await open({}, { obstacles: async ({ name }) => (name === second.name ? [why] : []) })
    virtual.press(F7)
    await virtual.waitFor(/2 A name of its own +not on this machine/)
    expect(virtual.screen()).not.toContain('✘')
    virtual.press('2')
    await virtual.waitFor(/✘ there is no cgroup controller cpu here; try: sudo mount it/)
  })
})

describe('the module', () => {
  test('its steps with the values of this lab, then its source, to be scrolled and searched', async () => {
    await open()
    virtual.press('m')
    await virtual.waitFor(/Module: toolkit\/primitives\/chroot\.ts/)
    await virtual.waitFor(/chroot\("\/lab\/falcon"\)\n +\$ chroot \/lab\/falcon/)
    await virtual.waitFor(/^ +1 {2}\/\/ chroot\(2\)/m)
    virtual.press('G')
    await virtual.waitFor(/Esc closes ━$/m)
    virtual.press('/export\r')
    await virtual.waitFor(/\/export 1 of 1 .* n next match/)
    await virtual.waitFor(/export function plan/)
    await pressEscape()
    await virtual.waitFor(/\/ search +Esc close/)
    virtual.press('m')
    await virtual.waitFor(/lab#/)
  })
})

describe('search', () => {
  test('finds while it is typed, goes on with n and back with N, and ends with Escape', async () => {
    await open()
    const top = () => virtual.rows()[2]
    virtual.press('/ROOT')
    await virtual.waitFor(/\/ROOT .*not found/)
    virtual.press('\x7f\x7f\x7f\x7froot dir')
    await virtual.waitFor(/\/root dir +1 of 1/)
    virtual.press('\r')
    await virtual.waitFor(/1 of 1 +n next match/)
    await pressEscape()
    virtual.press('/root\r')
    await virtual.waitFor(/ 1 of \d\d /)
    const first = top()
    virtual.press('N')
    await virtual.waitFor(/(\d\d) of \1 /)
    expect(top()).not.toBe(first)
    virtual.press('n')
    await virtual.waitFor(/ 1 of/)
    expect(player.calls).toEqual([])
    virtual.press('j')
    await virtual.settle()
    await pressEscape()
    virtual.press('n')
    await virtual.waitFor(/not done yet/) // the next task again
  })

  test('what is found is marked without colours', async () => {
    await open({}, { theme: 'plain' })
    virtual.press('/process\r')
    await virtual.waitFor(/1 of/)
    const rows = virtual.rows()
    const y = rows.findIndex(row => row.includes('Every process'))
    const cell = (x: number) => virtual.terminal.buffer.active.getLine(y)!.getCell(x)!
    const at = rows[y]!.indexOf('process')
    expect([
      cell(at - 1).isInverse(),
      cell(at).isInverse(),
      cell(at + 6).isInverse(),
      cell(at + 7).isInverse(),
    ]).toEqual([0, expect.any(Number), cell(at).isInverse(), 0])
    expect(cell(at).isInverse()).not.toBe(0)
  })

  test('a task that passes meanwhile does not make commands of what is typed', async () => {
    await open()
    virtual.press('/qui')
    player.pass()
    await virtual.settle()
    virtual.press('qn\x7f\x7f')
    await virtual.waitFor(/\/qui/)
    expect(player.calls).toEqual([])
    virtual.press('\x03')
    await virtual.waitFor(/What happened/)
  })

  test('leaves the shell its keys', async () => {
    await open()
    virtual.press(`/root\r\rn/N`)
    await virtual.settle()
    expect(shell().written).toBe('n/N')
  })
})

describe('commands of the text', () => {
  test('y puts the first on the screen at the prompt, then the next, and says when there is none', async () => {
    await open({ task: 1 })
    virtual.press('gy')
    await virtual.waitFor(/command of the text is at the prompt/)
    expect(shell().written).toBe('\x15ls -l /proc/self/root   # where does my / begin?')
    virtual.press('\r\x1dy')
    await virtual.settle()
    expect(shell().written).toMatch(/begin\?\r\x15chroot \/lab\/empty \/bin\/sh$/)
    expect(virtual.screen()).toContain('chroot /lab/empty') // scrolled to it
    virtual.press('\x1dy')
    await virtual.waitFor(/No more commands/)
  })

  test('Y copies, by OSC 52', async () => {
    await open()
    virtual.press('GkkkgY')
    await virtual.waitFor(/Sent to the clipboard, if your terminal takes it: ls -l/)
    const [, copied] = /\x1b\]52;c;([^\x07]+)\x07/.exec(virtual.stdout.sent)!
    expect(Buffer.from(copied!, 'base64').toString()).toBe('ls -l /proc/self/root   # where does my / begin?')
  })

  test('a full-screen program is not typed into', async () => {
    await open()
    shell().print('\x1b[?1049h~')
    await virtual.settle()
    virtual.press('gy')
    await virtual.waitFor(/full-screen program has the shell/)
    expect(shell().written).toBe('')
    shell().print('\x1b[?1049l')
  })

  test('zoomed, the rows of code are nothing but code', async () => {
    await open()
    virtual.press('zg')
    await virtual.waitFor(/^ls -l \/proc\/self\/root {3}# where does my \/ begin\?$/m)
  })
})

describe('the list of lessons', () => {
  const names = Array.from({ length: 21 }, (_, n) => `${String(n + 1).padStart(2, '0')}-x` as Lesson['name'])
  const lessons = names.map((name, n) => (n === 0 ? lesson : { ...lesson, name, title: `Lesson number ${n + 1}` }))

  test('21 of them at 80×24: it scrolls, numbers jump, Enter opens', async () => {
    await open({}, { lessons, progress: () => [true, true, true] })
    virtual.press(F7)
    await virtual.waitFor(/Lessons: 20 of 21 finished ━+ ↓ \d more/)
    expect(virtual.screen()).not.toContain('Lesson number 21')
    virtual.press('21')
    await virtual.waitFor(/› ✔ 21 Lesson number 21/)
    expect(virtual.screen()).toContain('Enter opens')
    virtual.press('7')
    await virtual.waitFor(/› ✔ {2}7 Lesson number 7/)
    virtual.press('G')
    await virtual.waitFor(/› ✔ 21/)
    virtual.press('g13\r')
    await virtual.waitFor(() => player.calls.includes('open 13-x 0'))
    await virtual.waitFor(/lesson 13/)
  })
})

describe('the mouse', () => {
  const at = (button: number, x: number, y: number) =>
    `\x1b[<${button};${x + 1};${y + 1}M\x1b[<${button};${x + 1};${y + 1}m`
  const { panes } = layout(120, 36, 3)

  test('is off, goes on and off by M, and is off when the tutor has been left', async () => {
    await open()
    expect(virtual.stdout.sent).not.toContain('\x1b[?1000h')
    virtual.press('M')
    await virtual.waitFor(/wheel scrolls/)
    expect(virtual.stdout.sent).toContain('\x1b[?1000h\x1b[?1006h')
    virtual.press('M')
    await virtual.waitFor(/mouse is your terminal’s again/)
    expect(virtual.stdout.sent).toContain('\x1b[?1006l\x1b[?1000l')
    virtual.press('M')
    await virtual.settle()
    await virtual.leave()
    expect(virtual.stdout.sent).toMatch(/\x1b\[\?1006l\x1b\[\?1000l\x1b\[\?2004l\x1b\[\?7h\x1b\[\?25h$/)
  })

  test('a click gives a pane the keys, and opens a task; the wheel scrolls what is under it', async () => {
    await open({}, { mouse: true }, [120, 24])
    const small = layout(120, 24, 3).panes
    const before = virtual.rows()[2]
    virtual.press(at(65, 3, small.lesson!.y + 2))
    await virtual.waitFor(() => virtual.rows()[2] !== before)
    virtual.press(at(0, small.shell!.x + 5, small.shell!.y + 3))
    await virtual.waitFor(/▸ Shell/)
    virtual.press('x')
    await virtual.settle()
    expect(shell().written).toBe('x')
    virtual.press(at(0, 5, small.lesson!.y + 2))
    await virtual.waitFor(/▸ Lesson/)
    virtual.press(at(0, 5, small.tasks!.y + 2))
    await virtual.waitFor(() => player.calls.includes('open 01-chroot 1'))
    expect(shell().written).toBe('x')
  })

  test('over the shell the wheel looks back, and in a full-screen program it is arrow keys', async () => {
    await open({}, { mouse: true }, [120, 36])
    shell().print('line\r\n'.repeat(100))
    await virtual.settle()
    virtual.press(at(64, panes.shell!.x + 5, panes.shell!.y + 3))
    await virtual.waitFor(/3 rows back/)
    shell().print('\x1b[?1049h')
    await virtual.settle()
    virtual.press(at(65, panes.shell!.x + 5, panes.shell!.y + 3))
    await virtual.settle()
    expect(shell().written).toBe('\x1b[B\x1b[B\x1b[B')
    shell().print('\x1b[?1049l')
  })

  test('in the list of lessons a click chooses, and another opens', async () => {
    await open({}, { mouse: true })
    virtual.press(F7)
    await virtual.waitFor(/1\/3 done/)
    virtual.press(at(0, 5, 6))
    await virtual.waitFor(/› .*2 A name of its own/)
    virtual.press(at(0, 5, 6))
    await virtual.waitFor(() => player.calls.includes('open 02-uts 1'))
  })
})

describe('the transcript', () => {
  test('w writes it, and says where', async () => {
    let written = ''
    await open(
      {},
      {
        saveTranscript(text) {
          written = text
          return '/home/ada/toolkit.txt'
        },
      },
    )
    shell().print('ls\r\n\x1b[1mjail\x1b[0m\r\nlab# ')
    await virtual.settle()
    virtual.press('w')
    await virtual.waitFor(/All that the shell has shown is in \/home\/ada\/toolkit\.txt/)
    expect(written).toBe('lab# ls\njail\nlab#\n')
  })

  test('says so where it cannot', async () => {
    await open(
      {},
      {
        saveTranscript() {
          throw new Error('EROFS: read-only file system')
        },
      },
    )
    virtual.press('w')
    await virtual.waitFor(/transcript cannot be written: EROFS/)
  })
})

test('values that are not known yet have their names', async () => {
  await open({ values: {}, lesson: { ...lesson, values: () => ({ name: 'secret' }) } }, {}, [120, 40])
  await virtual.waitFor(/file <name> lies in it/)
})
