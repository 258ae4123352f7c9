// What a learner takes from the screen, and points at: commands of the text, lessons, the mouse, the transcript.
import { describe, expect, test } from 'vitest'
import type { Lesson } from '../../../lessons/lesson.ts'
import { layout } from '../../../lessons/tutor/layout.ts'
import { lesson } from './fake-player.ts'
import { leaveAfterEach, open, player, shell, virtual } from './open.ts'

const F7 = '\x1b[18~'

leaveAfterEach()

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
  const names = Array.from({ length: 21 }, (_, n) => `${String(n).padStart(2, '0')}-x` as Lesson['name'])
  const lessons = names.map((name, n) => (n === 0 ? lesson : { ...lesson, name, title: `Lesson number ${n}` }))

  test('21 of them at 80×24: it scrolls, numbers jump, Enter opens', async () => {
    await open({}, { lessons, progress: () => [true, true, true] })
    virtual.press(F7)
    await virtual.waitFor(/Lessons: 20 of 21 finished ━+ ↓ \d more/)
    expect(virtual.screen()).not.toContain('Lesson number 20')
    virtual.press('20')
    await virtual.waitFor(/› ✔ 20 Lesson number 20/)
    expect(virtual.screen()).toContain('Enter opens')
    virtual.press('7')
    await virtual.waitFor(/› ✔ {2}7 Lesson number 7/)
    virtual.press('G')
    await virtual.waitFor(/› ✔ 20/)
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
