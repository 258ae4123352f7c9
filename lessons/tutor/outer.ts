// The learner's own terminal: what we set in it is undone on every way out.
import fs from 'node:fs'
import { ASK_BACKGROUND } from './theme.ts'

export type Input = NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?(on: boolean): unknown }
export type Output = NodeJS.WritableStream & { isTTY?: boolean; fd?: number; columns?: number; rows?: number }

// Without automatic wrap a character whose width the terminal sees otherwise shifts one row, and not the ones below.
// Pastes are marked, so that a pasted text never works as keys.
const SET = '\x1b[?7l\x1b[?2004h'
const UNSET = '\x1b[?2004l\x1b[?7h\x1b[?25h'
/** Clicks and the wheel come as input, as SGR sequences. */
export const MOUSE_ON = '\x1b[?1000h\x1b[?1006h'
export const MOUSE_OFF = '\x1b[?1006l\x1b[?1000l'
const LEAVE_ALTERNATE = '\x1b[?1049l'

export class OuterTerminal {
  readonly #input: Input
  readonly #output: Output
  #open = false

  constructor(input: Input, output: Output) {
    this.#input = input
    this.#output = output
  }

  open(onInput: (data: Buffer) => void, askBackground: boolean): void {
    this.#open = true
    process.on('exit', this.#atExit)
    // The window may go before SIGHUP tells. No earlier listener may throw then, nor after close(): the lab would stay.
    this.#output.removeAllListeners('error').on('error', ignore)
    this.#input.setRawMode?.(true)
    this.#input.on('data', onInput)
    this.#input.resume()
    this.#output.write(SET + (askBackground ? ASK_BACKGROUND : ''))
  }

  write(sequence: string): void {
    this.#output.write(sequence)
  }

  /** Somebody ended the process under us: there is no time for streams. */
  readonly #atExit = (): void => {
    if (!this.#open || this.#output.fd === undefined) return
    try {
      fs.writeSync(this.#output.fd, MOUSE_OFF + LEAVE_ALTERNATE + UNSET)
      this.#input.setRawMode?.(false)
    } catch {
      // the terminal is gone
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    process.off('exit', this.#atExit)
    this.#output.write(MOUSE_OFF + UNSET)
    this.#input.removeAllListeners('data')
    try {
      this.#input.setRawMode?.(false)
    } catch {
      // the terminal is gone
    }
    this.#input.pause()
  }
}

function ignore(): void {}
