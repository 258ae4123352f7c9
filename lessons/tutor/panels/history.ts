// The last minute of a figure, in seconds, and how it is drawn.
import { existsSync } from 'node:fs'

export type Sample = number

const SECONDS = 60
const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const LETTERS = ['.', ':', '-', '=', '+', '*', '#', '@']

/** The process has not ended. */
export const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`)

/** One figure. Looks may be further apart than a second: until the next one a value stays what it was. */
export class Samples {
  readonly #values: number[] = []
  #second: number | undefined
  #last: { total: number; now: number; rate: number } | undefined

  /**
   * The levels of the last minute, the newest last, 0 to 1: of the limit, or else of the largest value. A second takes
   * the largest value that was seen in it. `now` is in milliseconds.
   */
  add(value: Sample, now: number, limit: number): number[] {
    const second = Math.floor(now / 1000)
    const passed = this.#second === undefined ? 1 : Math.min(SECONDS, second - this.#second)
    if (passed === 0) this.#values.push(Math.max(this.#values.pop() ?? 0, value))
    else {
      const before = this.#values.at(-1) ?? value
      this.#values.push(...new Array<number>(passed - 1).fill(before), value)
    }
    this.#second = second
    this.#values.splice(0, this.#values.length - SECONDS)
    const full = limit === Number.POSITIVE_INFINITY ? Math.max(...this.#values) : limit
    return this.#values.map(each => (full > 0 ? Math.round(Math.min(1, each / full) * 100) / 100 : 0))
  }

  /** How fast a counter grows, in its units per unit of `now`; what it was, where too little time has passed to tell. */
  rate(total: number, now: number): number {
    const last = this.#last
    if (last && now - last.now < 200_000) return last.rate
    const rate = last && now > last.now ? Math.max(0, (total - last.total) / (now - last.now)) : 0
    this.#last = { total, now, rate }
    return rate
  }
}

/** Levels as blocks, a second a cell, the newest at the right end, and points where nobody looked. What has a level above 0 is not drawn as nothing. */
export function spark(levels: readonly number[], cells: number, ascii: boolean): string {
  const signs = ascii ? LETTERS : BLOCKS
  const shown = levels.slice(-cells)
  const drawn = shown.map(level => signs[Math.min(signs.length - 1, Math.ceil(level * (signs.length - 1)))]!)
  return (ascii ? ' ' : '·').repeat(Math.max(0, cells - drawn.length)) + drawn.join('')
}
