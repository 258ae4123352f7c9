// Owns the keyboard. Bytes for the shell go to it as they came; everything else becomes the names of keys. Who gets a
// key is asked anew for each one, so a key that changes the focus is obeyed by the next key of the same read.
import { StringDecoder } from 'node:string_decoder'
import { type MouseEvent, mouseEvent } from './mouse.ts'

export interface RouterTarget {
  /** The shell has the keys. */
  shellHasKeys(): boolean
  /** The shell gets the function keys too. */
  shellHasFunctionKeys(): boolean
  /** The program in the shell wants pastes marked. */
  shellWantsPasteMarks(): boolean
  shell(data: string): void
  /** `a`, `up`, `f1`, `ctrl-]`, `shift-pageup` …; `paste` where nothing can be pasted. */
  key(name: string): void
  mouse(event: MouseEvent): void
  /** The terminal's answer to a question about its colours. */
  colours(answer: string): void
}

const PASTE_BEGINS = '\x1b[200~'
const PASTE_ENDS = '\x1b[201~'
const ESCAPE_MS = 20 // how long the rest of a sequence may be on its way

const TOKEN =
  /\x1b\[\[[A-E]|\x1b\[[<-?]?[\d;]*[ -/]*[@-~]|\x1bO[ -~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[^\x1b]|./suy
const UNFINISHED = /^\x1b(?:\[\[?[<-?]?[\d;]*|O|\][^\x07\x1b]*\x1b?)?$/

const NAMES: Record<string, string> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x1b': 'escape',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'ctrl-c',
  '\x0c': 'ctrl-l',
  '\x1d': 'ctrl-]',
}
const LETTERS: Record<string, string> = { A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end' }
const NUMBERS: Record<string, string> = { 1: 'home', 4: 'end', 5: 'pageup', 6: 'pagedown', 7: 'home', 8: 'end' }
const FUNCTION_NUMBERS = [11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24]
const MODIFIERS: Record<string, string> = { 2: 'shift-', 3: 'alt-', 5: 'ctrl-' }

/** The name of a key from what the terminal sends for it; undefined for what we have no use for. */
export function keyName(sequence: string): string | undefined {
  const name = NAMES[sequence]
  if (name) return name
  if (!sequence.startsWith('\x1b')) return sequence >= ' ' ? sequence : undefined
  const linux = /^\x1b\[\[([A-E])$/.exec(sequence)?.[1]
  if (linux) return `f${'ABCDE'.indexOf(linux) + 1}`
  const letter = /^\x1b(?:\[|O)(?:1;(\d))?([A-HP-S])$/.exec(sequence)
  if (letter) {
    const modifier = letter[1] ? (MODIFIERS[letter[1]] ?? '?') : ''
    if (LETTERS[letter[2]!]) return modifier + LETTERS[letter[2]!]
    return 'PQRS'.includes(letter[2]!) && modifier === '' ? `f${'PQRS'.indexOf(letter[2]!) + 1}` : undefined
  }
  const number = /^\x1b\[(\d+)(?:;(\d))?~$/.exec(sequence)
  if (!number) return undefined
  const at = FUNCTION_NUMBERS.indexOf(Number(number[1]))
  if (at >= 0) return number[2] ? undefined : `f${at + 1}`
  const base = NUMBERS[number[1]!]
  return base && (number[2] ? (MODIFIERS[number[2]] ?? '?') : '') + base
}

/** Keys that are ours even while the shell has the others. */
const TAKEN = new Set(['ctrl-]', 'shift-pageup', 'shift-pagedown', 'alt-pageup', 'alt-pagedown'])

export class InputRouter {
  readonly #target: RouterTarget
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #timer: NodeJS.Timeout | undefined
  #paste: 'shell' | 'nobody' | undefined
  #forShell = ''

  constructor(target: RouterTarget) {
    this.#target = target
  }

  readonly feed = (data: Buffer | string): void => {
    clearTimeout(this.#timer)
    const text = this.#rest + (typeof data === 'string' ? data : this.#decoder.write(data))
    this.#rest = ''
    this.#read(text, false)
    if (this.#rest !== '' && this.#paste === undefined) this.#timer = setTimeout(() => this.#flush(), ESCAPE_MS)
  }

  /** What looked like the beginning of a sequence was a key by itself: Escape. */
  #flush(): void {
    const text = this.#rest
    this.#rest = ''
    this.#read(text, true)
  }

  #read(text: string, whole: boolean): void {
    let at = 0
    while (at < text.length) {
      if (this.#paste) {
        at = this.#readPaste(text, at)
        continue
      }
      if (!whole && text.charCodeAt(at) === 0x1b && UNFINISHED.test(text.slice(at))) {
        this.#rest = text.slice(at)
        break
      }
      TOKEN.lastIndex = at
      const token = TOKEN.exec(text)?.[0] ?? text[at]!
      at += token.length
      this.#take(token)
    }
    this.#send()
  }

  #readPaste(text: string, at: number): number {
    const end = text.indexOf(PASTE_ENDS, at)
    const to = end < 0 ? text.length - unfinishedEnd(text) : end
    if (this.#paste === 'shell') this.#forShell += text.slice(at, to)
    if (end < 0) {
      this.#rest = text.slice(to)
      return text.length
    }
    if (this.#paste === 'shell' && this.#target.shellWantsPasteMarks()) this.#forShell += PASTE_ENDS
    this.#paste = undefined
    return end + PASTE_ENDS.length
  }

  #take(token: string): void {
    const target = this.#target
    const mouse = mouseEvent(token)
    if (mouse) {
      this.#send()
      target.mouse(mouse)
    } else if (token.startsWith('\x1b]')) {
      target.colours(token)
    } else if (token === PASTE_BEGINS) {
      this.#paste = target.shellHasKeys() ? 'shell' : 'nobody'
      if (this.#paste === 'nobody') target.key('paste')
      else if (target.shellWantsPasteMarks()) this.#forShell += PASTE_BEGINS
    } else {
      const name = keyName(token)
      const ours = name && (TAKEN.has(name) || (/^f\d+$/.test(name) && !target.shellHasFunctionKeys()))
      if (target.shellHasKeys() && !ours) {
        this.#forShell += token
      } else if (name) {
        this.#send()
        target.key(name)
      }
    }
  }

  #send(): void {
    const data = this.#forShell
    this.#forShell = ''
    if (data !== '') this.#target.shell(data)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

/** How many characters at the end could be the beginning of the mark that ends a paste. */
function unfinishedEnd(text: string): number {
  for (let length = Math.min(PASTE_ENDS.length - 1, text.length); length > 0; length--) {
    if (PASTE_ENDS.startsWith(text.slice(-length))) return length
  }
  return 0
}
