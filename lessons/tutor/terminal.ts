// The shell's terminal: its bytes are parsed by xterm and shown as rows, at most 30 times a second, and the shell is
// held back while it prints faster than that can be done.
import type { IBufferCell, Terminal } from '@xterm/headless'
import { rowToAnsi } from './ansi.ts'

/** What the terminal needs of the program behind it. */
export interface TerminalProgram {
  write(data: string): void
  pause(): void
  resume(): void
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

const FRAME = 1000 / 30
const SLOWEST_FRAME = 200
const PENDING_HIGH = 256 * 1024 // bytes; xterm throws data away when too much is queued
const PENDING_LOW = 32 * 1024
const FRAME_BYTES = 128 * 1024
const MAX_HELD = 15 // frames
const ANSWER_MS = 150 // how long after a key what comes counts as its answer
const QUIET_MS = 3 // an answer is complete when nothing more has come for so long

type Xterm = {
  Terminal: typeof import('@xterm/headless').Terminal
  UnicodeGraphemesAddon: typeof import('@xterm/addon-unicode-graphemes').UnicodeGraphemesAddon
}
let loading: Promise<Xterm> | undefined

/** Loads xterm, which the first frame does not need. */
export function loadXterm(): Promise<Xterm> {
  loading ??= load()
  return loading
}

async function load(): Promise<Xterm> {
  const headless = await import('@xterm/headless')
  // The addon decodes its table from `Buffer.from(…).buffer` and forgets the offset there, so it must not be a part of
  // node's shared pool: wrong widths, or an endless loop.
  const { poolSize } = Buffer
  Buffer.poolSize = 0
  try {
    const graphemes = await import('@xterm/addon-unicode-graphemes')
    const common = <T extends object>(module: T): T => (module as { default?: T }).default ?? module
    const { UnicodeGraphemesAddon } = common(graphemes)
    return { Terminal: common(headless).Terminal, UnicodeGraphemesAddon }
  } finally {
    Buffer.poolSize = poolSize
  }
}

export class TerminalModel {
  readonly #terminal: Terminal
  readonly #program: TerminalProgram
  readonly #listeners = new Set<() => void>()
  readonly #cell: IBufferCell
  #version = 0
  #pending = 0
  #frameBytes = 0
  #paused = false
  #timer: NodeJS.Timeout | undefined
  #lastFrame = 0
  #lastKey = -ANSWER_MS
  #frame = FRAME
  #held = 0

  constructor(xterm: Xterm, program: TerminalProgram, size: TerminalSize) {
    this.#program = program
    this.#terminal = new xterm.Terminal({
      cols: size.columns,
      rows: size.rows,
      scrollback: 2000,
      allowProposedApi: true,
      logLevel: 'off', // else `cat /bin/ls` fills the real terminal with complaints when the tutor is left
    })
    // without it xterm and ink disagree about the width of newer characters
    this.#terminal.loadAddon(new xterm.UnicodeGraphemesAddon())
    this.#terminal.onData(reply => program.write(reply)) // programs ask what the terminal is and where its cursor stands
    this.#cell = this.#terminal.buffer.active.getNullCell()
  }

  feed(data: Uint8Array): void {
    this.#pending += data.length
    this.#frameBytes += data.length
    this.#terminal.write(data, () => {
      this.#pending -= data.length
      this.#goOn()
      this.#schedule()
    })
    if (!this.#paused && (this.#pending > PENDING_HIGH || this.#frameBytes >= FRAME_BYTES)) {
      this.#paused = true
      this.#program.pause()
    }
  }

  #goOn(): void {
    if (!this.#paused || this.#pending >= PENDING_LOW || this.#frameBytes >= FRAME_BYTES) return
    this.#paused = false
    this.#program.resume()
  }

  /** The first change is shown at once, the next ones a frame later; an answer to a key as soon as it is complete. */
  #schedule(): void {
    const now = performance.now()
    const frame = this.#lastFrame + this.#frame
    const answers = now - this.#lastKey < ANSWER_MS && this.#held === 0
    if (this.#timer && !answers) return
    clearTimeout(this.#timer)
    const due = answers ? Math.min(frame, now + QUIET_MS) : frame
    this.#timer = setTimeout(() => this.#emit(), Math.max(0, due - now))
  }

  #emit(): void {
    this.#timer = undefined
    this.#lastFrame = performance.now()
    this.#frameBytes = 0
    this.#goOn()
    // the program is in the middle of a picture, if it has not died there
    if (this.#terminal.modes.synchronizedOutputMode && ++this.#held < MAX_HELD) {
      this.#schedule()
      return
    }
    this.#held = 0
    this.#changed()
  }

  #changed(): void {
    this.#version++
    for (const listener of this.#listeners) listener()
  }

  /** A key went to the shell: its answer is not to wait for the next frame, nor behind the flood that it may end. */
  expectEcho(): void {
    this.#lastKey = performance.now()
    if (!this.#timer) this.#lastFrame = Math.min(this.#lastFrame, this.#lastKey - this.#frame)
    this.#frameBytes = 0
    this.#goOn()
  }

  /** How long drawing took, in milliseconds: a flood may take a quarter of a core, not more. */
  drew(milliseconds: number): void {
    this.#frame = Math.min(SLOWEST_FRAME, Math.max(FRAME, milliseconds * 4))
  }

  resize({ columns, rows }: TerminalSize): void {
    if (columns === this.#terminal.cols && rows === this.#terminal.rows) return
    this.#terminal.resize(columns, rows)
    this.#changed()
  }

  /** Looks back (negative) or forward in what has scrolled away. */
  scroll(rows: number): void {
    this.#terminal.scrollLines(rows)
    this.#changed()
  }

  scrollToEnd(): void {
    if (this.scrolledBack === 0) return
    this.#terminal.scrollToBottom()
    this.#changed()
  }

  /** Rows between what is shown and the end. */
  get scrolledBack(): number {
    const buffer = this.#terminal.buffer.active
    return buffer.baseY - buffer.viewportY
  }

  /** The program wants the arrow keys as ESC O A. */
  get applicationCursor(): boolean {
    return this.#terminal.modes.applicationCursorKeysMode
  }

  get bracketedPaste(): boolean {
    return this.#terminal.modes.bracketedPasteMode
  }

  /** A program has the whole screen: an editor, a pager. */
  get fullScreen(): boolean {
    return this.#terminal.buffer.active.type === 'alternate'
  }

  /** Where the cursor is; undefined while it is hidden or scrolled away. */
  cursor(): { x: number; y: number } | undefined {
    const buffer = this.#terminal.buffer.active
    // no public way to ask
    const core = (this.#terminal as unknown as { _core?: { coreService?: { isCursorHidden?: boolean } } })._core
    const y = buffer.baseY + buffer.cursorY - buffer.viewportY
    if (core?.coreService?.isCursorHidden || y >= this.#terminal.rows) return undefined
    return { x: Math.min(buffer.cursorX, this.#terminal.cols - 1), y }
  }

  /** The visible rows. */
  rows(): string[] {
    const buffer = this.#terminal.buffer.active
    return Array.from({ length: this.#terminal.rows }, (_, y) => {
      const line = buffer.getLine(buffer.viewportY + y)
      return line ? rowToAnsi(line, this.#terminal.cols, this.#cell) : ''
    })
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly version = (): number => this.#version

  dispose(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
    this.#terminal.dispose()
  }
}
