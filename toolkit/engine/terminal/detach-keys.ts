// The keys that part a user's terminal from a container's, and leave that one running: docker's ctrl-p,ctrl-q.
import { inQuotes, quoteValue, UsageError } from '../../kernel/usage-error.ts'

const DEFAULT = 'ctrl-p,ctrl-q'
const CONTROLS = '@abcdefghijklmnopqrstuvwxyz[\\]^_' // of the bytes 0 to 31

/** Keys as docker writes them, a comma between them: a character, or ctrl- and one. Throws a UsageError. */
export function parseDetachKeys(text: string | undefined): Uint8Array {
  const keys = (text || DEFAULT).split(',').map(key => {
    if (key.length === 1 && key.charCodeAt(0) < 0x80) return key.charCodeAt(0)
    const control = /^ctrl-(.)$/.exec(key)
    const code = control ? CONTROLS.indexOf(control[1]!) : -1
    if (code >= 0) return code
    throw new UsageError(
      `--detach-keys ${quoteValue(text!)}: ${inQuotes(key)} is no key; a key is a character or ctrl-X, with a comma between two: ctrl-p,ctrl-q`,
    )
  })
  return Uint8Array.from(keys)
}

/** Looks for the keys in what is typed, over as many reads as they come in. */
export class DetachKeys {
  readonly #keys: Uint8Array
  #held = 0 // how many of them have just been typed: they are passed on when the next does not fit

  constructor(keys: Uint8Array) {
    this.#keys = keys
  }

  /** What is to be passed on; and whether the keys are complete: what came behind them is dropped. */
  take(data: Uint8Array): { pass: Uint8Array; complete: boolean } {
    const keys = this.#keys
    const pass: number[] = []
    for (const byte of data) {
      const typed = [...keys.subarray(0, this.#held), byte]
      // The longest end of what is typed that may become the keys: a,a,b is in a,a,a,b.
      let from = 0
      while (!typed.slice(from).every((key, i) => key === keys[i])) from++
      pass.push(...typed.slice(0, from))
      this.#held = typed.length - from
      if (this.#held < keys.length) continue
      this.#held = 0
      return { pass: Uint8Array.from(pass), complete: true }
    }
    return { pass: Uint8Array.from(pass), complete: false }
  }
}
