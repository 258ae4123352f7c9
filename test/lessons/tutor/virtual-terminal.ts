// A terminal for tests: the tutor's real bytes go through xterm, so that a test sees what a person would see, the
// cursor included, and can count what was sent.
import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTutor, type TutorOptions } from '../../../lessons/tutor/index.tsx'
import type { Input, Output } from '../../../lessons/tutor/outer.ts'
import { loadXterm } from '../../../lessons/tutor/terminal.ts'
import { type FakePlayer, lesson, second } from './fake-player.ts'

interface Size {
  readonly columns: number
  readonly rows: number
}

class VirtualInput extends PassThrough {
  isTTY = true
  raw = false
  setRawMode(on: boolean) {
    this.raw = on
    return this
  }
}

export async function openVirtual(player: FakePlayer, size: Size, options: Partial<TutorOptions> = {}) {
  const { Terminal, UnicodeGraphemesAddon } = await loadXterm()
  const terminal = new Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true })
  terminal.loadAddon(new UnicodeGraphemesAddon())
  const stdin = new VirtualInput()
  const stdout = Object.assign(new EventEmitter(), {
    isTTY: true,
    ...size,
    sent: '',
    write(data: string, after?: unknown) {
      stdout.sent += data
      terminal.write(data.replace(/(?<!\r)\n/g, '\r\n'), typeof after === 'function' ? () => after() : undefined)
      return true
    },
  })
  const left = openTutor(player, {
    course: 'toolkit',
    lessons: [lesson, second],
    progress: ({ name }) => (name === lesson.name ? player.state.done : [true, false, false]),
    observe: { program: () => undefined, open: () => () => undefined },
    theme: 'dark',
    stdin: stdin as Input,
    stdout: stdout as unknown as Output,
    ...options,
  })
  const flush = () => new Promise<void>(resolve => terminal.write('', resolve))
  const rows = () => {
    const buffer = terminal.buffer.active
    return Array.from({ length: terminal.rows }, (_, y) => buffer.getLine(buffer.baseY + y)!.translateToString(true))
  }
  const screen = () => rows().join('\n')

  /** Waits until the screen, or what a function makes of it, is as wished. */
  async function waitFor(wish: RegExp | (() => boolean), milliseconds = 3000): Promise<void> {
    const deadline = Date.now() + milliseconds
    for (;;) {
      await flush()
      if (typeof wish === 'function' ? wish() : wish.test(screen())) return
      if (Date.now() > deadline) throw new Error(`waited in vain for ${wish}\n${screen()}`)
      await sleep(5)
    }
  }
  /** Nothing more is sent for a while. */
  async function settle(): Promise<void> {
    for (let sent = -1; sent !== stdout.sent.length; ) {
      sent = stdout.sent.length
      await sleep(60)
    }
    await flush()
  }
  return {
    stdin,
    stdout,
    terminal,
    /** Resolves when the tutor is left. */
    left,
    rows,
    screen,
    waitFor,
    settle,
    press: (keys: string) => void stdin.write(keys),
    async resize(columns: number, rowCount: number) {
      terminal.resize(columns, rowCount)
      Object.assign(stdout, { columns, rows: rowCount })
      stdout.emit('resize')
      await settle()
    },
    cursor: () => ({ x: terminal.buffer.active.cursorX, y: terminal.buffer.active.cursorY }),
    async leave() {
      stdin.write('\x1b[21~')
      await left
    },
  }
}
