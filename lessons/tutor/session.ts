// The shell that the player has now, and its terminal. A new shell, after a reset or an exit, gets a new terminal.
import type { LabShell } from '../../toolkit/engine/lab/lab.ts'
import type { Player } from '../player.ts'
import { loadXterm, TerminalModel, type TerminalSize } from './terminal.ts'
import type { Transcript } from './transcript.ts'

export class ShellSession {
  readonly #player: Player
  readonly #transcript: Transcript
  readonly #listeners = new Set<() => void>()
  #version = 0
  #size: TerminalSize
  #shell: LabShell | undefined
  #model: TerminalModel | undefined
  #ended: { code: number | undefined } | undefined

  constructor(player: Player, size: TerminalSize, transcript: Transcript) {
    this.#player = player
    this.#transcript = transcript
    this.#size = size
  }

  get model(): TerminalModel | undefined {
    return this.#model
  }

  /** Set when the shell has ended; the exit code may not be known. */
  get ended(): { readonly code: number | undefined } | undefined {
    return this.#ended
  }

  get pid(): number | undefined {
    return this.#ended ? undefined : this.#shell?.pid
  }

  /** Looks whether the player has another shell than before; to be called after every change of the player. */
  follow(): void {
    const { shell, lab } = this.#player
    if (shell === this.#shell) return
    if (!shell && lab) {
      this.#end(undefined) // what it printed stays
      return
    }
    this.#shell = shell
    this.#model?.dispose()
    this.#model = undefined
    this.#ended = undefined
    if (shell) void this.#attach(shell)
    this.#changed()
  }

  async #attach(shell: LabShell): Promise<void> {
    const early: Buffer[] = [] // what it prints while xterm is being loaded
    let model: TerminalModel | undefined
    this.#transcript.begin(this.#size)
    shell.onData(data => {
      if (shell !== this.#shell) return
      this.#transcript.output(data)
      this.#player.busy()
      if (model) model.feed(data)
      else early.push(data)
    })
    shell.onExit(code => {
      if (shell === this.#shell) this.#end(code)
    })
    const xterm = await loadXterm()
    if (shell !== this.#shell) return
    model = new TerminalModel(xterm, shell, this.#size)
    model.subscribe(() => this.#changed())
    this.#model = model
    for (const data of early) model.feed(data)
    this.#changed()
  }

  #end(code: number | undefined): void {
    this.#ended = { code: code ?? this.#ended?.code }
    this.#changed()
  }

  resize(size: TerminalSize): void {
    if (size.columns === this.#size.columns && size.rows === this.#size.rows) return
    this.#size = size
    this.#transcript.resize(size)
    this.#model?.resize(size)
    this.#player.resize(size.columns, size.rows)
  }

  /** Keys of the learner. */
  write(data: string): void {
    if (this.#ended) {
      if (/[\r\n]/.test(data)) this.#player.restartShell()
      return
    }
    this.#model?.scrollToEnd()
    this.#model?.expectEcho()
    if (/[\r\n]/.test(data)) this.#transcript.typed()
    // the arrow keys come as ESC [ A; the program may have asked for ESC O A
    this.#shell?.write(this.#model?.applicationCursor ? data.replace(/\x1b\[([ABCDHF])/g, '\x1bO$1') : data)
  }

  /** Rows of the wheel: a pager or an editor gets arrow keys, as terminals do it. */
  wheel(rows: number): void {
    if (this.#model?.fullScreen) this.write((rows < 0 ? '\x1b[A' : '\x1b[B').repeat(Math.abs(rows)))
    else this.#model?.scroll(rows)
  }

  /** Puts a text at the prompt without running it, in place of what stands there. False where no prompt can be. */
  type(lines: string): boolean {
    if (!this.#shell || !this.#model || this.#ended || this.#model.fullScreen) return false
    const line = lines.replace(/\n+$/, '')
    const marked = this.#model.bracketedPaste && line.includes('\n') // the shell shows what is marked in reverse
    const text = marked ? `\x1b[200~${line}\x1b[201~` : line.replaceAll('\n', '; ')
    this.write(`\x15${text}`)
    return true
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly version = (): number => this.#version

  #changed(): void {
    this.#version++
    for (const listener of this.#listeners) listener()
  }

  dispose(): void {
    this.#shell = undefined
    this.#model?.dispose()
    this.#model = undefined
    this.#listeners.clear()
  }
}
