// What the shells of this session have shown, for the learner to keep. It stays in memory, and goes to a file only where
// the learner asks for that. It is bounded: of a flood the beginning and the end are kept, of a long day the last part.
import { loadXterm, type TerminalSize } from './terminal.ts'

const HEAD = 16 * 1024 // bytes, between two lines that were typed
const TAIL = 16 * 1024
const ALL = 2 * 1024 * 1024
const LINES = 50_000

/** What came between two lines that were typed. */
class Part {
  readonly size: TerminalSize
  readonly #head: Buffer[] = []
  readonly #tail: Buffer[] = []
  #headBytes = 0
  #tailBytes = 0
  #left = 0
  #screen = '' // which screen was chosen last in what was left out

  constructor(size: TerminalSize) {
    this.size = size
  }

  get bytes(): number {
    return this.#headBytes + this.#tailBytes
  }

  add(data: Buffer): void {
    if (this.#headBytes < HEAD) {
      this.#head.push(data)
      this.#headBytes += data.length
      return
    }
    this.#tail.push(data)
    this.#tailBytes += data.length
    while (this.#tailBytes - this.#tail[0]!.length > TAIL) {
      const dropped = this.#tail.shift()!
      this.#tailBytes -= dropped.length
      this.#left += dropped.length
      if (!dropped.includes('\x1b[?1049')) continue
      this.#screen = [...dropped.toString('latin1').matchAll(/\x1b\[\?1049[hl]/g)].at(-1)?.[0] ?? this.#screen
    }
  }

  /** What is written to a terminal that shows it; `isAlternate` tells which screen that has then. */
  *pieces(isAlternate: () => boolean): Generator<string> {
    const head = Buffer.concat(this.#head).toString()
    const tail = Buffer.concat(this.#tail).toString()
    if (this.#left === 0) {
      yield head + tail
      return
    }
    const begins = tail.indexOf('\n') + 1 // whole lines on both sides
    yield `${head.slice(0, head.lastIndexOf('\n') + 1)}\x1b[0m\r\n[… ${this.#left + begins} bytes are left out …]\r\n`
    if (this.#screen !== '' && this.#screen.endsWith('h') !== isAlternate()) yield this.#screen
    yield tail.slice(begins)
  }
}

export class Transcript {
  readonly #parts: Part[] = []
  #bytes = 0
  #size: TerminalSize = { columns: 80, rows: 24 }

  /** Another shell begins. */
  begin(size: TerminalSize): void {
    this.resize(size)
    if (this.#bytes > 0) this.output(Buffer.from('\x1b[?1049l\r\n\r\n[a new shell]\r\n'))
  }

  resize(size: TerminalSize): void {
    this.#size = size
    this.typed()
  }

  /** The learner has ended a line. What comes now is kept apart. */
  typed(): void {
    if (this.#parts.at(-1)?.bytes !== 0) this.#parts.push(new Part(this.#size))
    else this.#parts.splice(-1, 1, new Part(this.#size))
  }

  output(data: Buffer): void {
    if (this.#parts.length === 0) this.typed()
    const part = this.#parts.at(-1)!
    const before = part.bytes
    part.add(data)
    this.#bytes += part.bytes - before
    while (this.#bytes > ALL && this.#parts.length > 1) this.#bytes -= this.#parts.shift()!.bytes
  }

  /** Its lines as they were to be read: what was typed and then erased is not among them, nor are full-screen programs. */
  async text(): Promise<string> {
    const { Terminal, UnicodeGraphemesAddon } = await loadXterm()
    const { columns: cols, rows } = this.#parts[0]?.size ?? this.#size
    const terminal = new Terminal({ cols, rows, scrollback: LINES, allowProposedApi: true, logLevel: 'off' })
    terminal.loadAddon(new UnicodeGraphemesAddon())
    const isAlternate = () => terminal.buffer.active.type === 'alternate'
    const lines: string[] = []
    let from = terminal.registerMarker(0)
    /** Takes over the lines since the last time, before they are erased. */
    const keep = () => {
      const { normal } = terminal.buffer
      let last = normal.length - 1
      while (last >= 0 && normal.getLine(last)!.translateToString(true) === '') last--
      for (let y = Math.max(0, from?.line ?? 0); y <= last; y++) {
        const line = normal.getLine(y)!
        const next = normal.getLine(y + 1)
        const text = line.translateToString(!next?.isWrapped)
        if (line.isWrapped && lines.length > 0) lines.push(lines.pop()! + text)
        else lines.push(text)
      }
    }
    // `clear` erases what is to be kept
    terminal.parser.registerCsiHandler({ final: 'J' }, ([how]) => {
      const { active } = terminal.buffer
      if (isAlternate()) return false
      if (how === 3) return true
      if (how !== 2 && (how !== 0 || active.cursorX + active.cursorY > 0)) return false
      keep()
      from?.dispose()
      from = terminal.registerMarker(-active.cursorY)
      return false
    })
    for (const part of this.#parts) {
      terminal.resize(part.size.columns, part.size.rows)
      for (const piece of part.pieces(isAlternate))
        await new Promise<void>(resolve => terminal.write(piece.replaceAll('\x1bc', ''), resolve))
    }
    keep()
    terminal.dispose()
    return lines.map(line => `${line.trimEnd()}\n`).join('')
  }
}
