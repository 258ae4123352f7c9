// How often somebody may do something: a bucket that fills with time, and from which each time takes one.

export interface Rate {
  /** How many at once. */
  readonly burst: number
  /** How many come back in a second. */
  readonly perSecond: number
}

const MOST = 4096

/** Buckets by key. Of keys that come and go, only so many are remembered. */
export class Buckets {
  readonly #rate: Rate
  readonly #clock: () => number
  readonly #levels = new Map<string, { level: number; at: number }>()

  constructor(rate: Rate, clock: () => number = () => performance.now()) {
    this.#rate = rate
    this.#clock = clock
  }

  #level(key: string): number {
    const { burst, perSecond } = this.#rate
    const known = this.#levels.get(key)
    return known ? Math.min(burst, known.level + ((this.#clock() - known.at) / 1000) * perSecond) : burst
  }

  has(key: string): boolean {
    return this.#level(key) >= 1
  }

  /** Takes one; false where there is none. */
  take(key: string): boolean {
    const level = this.#level(key)
    if (level < 1) return false
    this.#levels.delete(key) // to the end: the one that was not used for longest goes first
    this.#levels.set(key, { level: level - 1, at: this.#clock() })
    if (this.#levels.size > MOST) this.#levels.delete(this.#levels.keys().next().value!)
    return true
  }
}
