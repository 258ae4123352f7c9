// Reads what a monitor has written down (monitor.ts): the bytes as they came, and when and from where each piece was.
import { existsSync, fstatSync, statSync } from 'node:fs'
import {
  beginAt,
  beyond,
  closePart,
  findLast,
  indexed,
  isAtEnd,
  openPart,
  type Part,
  type Piece,
  type StreamName,
} from './part.ts'

export type { Piece, StreamName } from './part.ts'

/** Whether somebody keeps what the container writes. */
export const hasLog = (directory: string): boolean => existsSync(`${directory}/log.index`)

/** Follows the log of a container. */
export class LogReader {
  readonly #directory: string
  readonly #joined: boolean
  readonly #onPart: () => void
  #part: Part | undefined
  #older: Part | undefined
  #newest: number | undefined // its inode
  #lost = 0

  /**
   * `directory` may be one that moves: /proc/self/fd/N. `joined`: nobody asks for the time of each piece. `fromEnd`: only what
   * comes from now on. `onPart`: is told of each part that is begun.
   */
  constructor(directory: string, { joined = false, fromEnd = false, onPart = () => {} } = {}) {
    this.#directory = directory
    this.#joined = joined
    this.#onPart = onPart
    this.#part = this.#open()
    if (fromEnd) this.skip()
    else this.#older = this.#olderThan(this.#part?.inode)
  }

  #open(): Part | undefined {
    const part = openPart(this.#directory, '')
    return part && this.#begin(part)
  }

  #begin(part: Part): Part {
    if (part.inode !== this.#newest) this.#onPart()
    this.#newest = part.inode
    return part
  }

  /** Bytes that have come and have not been read, in the part that is being read. */
  get behind(): number {
    return this.#part ? fstatSync(this.#part.log).size - this.#part.readAt : 0
  }

  /** Leaves out what has come so far. */
  skip(): void {
    const before = this.#part
    this.#part = this.#open()
    if (before) closePart(before)
    if (this.#part) beginAt(this.#part, findLast(this.#part, 0, []))
  }

  /** Bytes that are missing in what was read so far: the disk was full. */
  get lost(): number {
    return this.#lost + (this.#part?.lost ?? 0)
  }

  /** The older part, if it is not this one, which has just become so. */
  #olderThan(inode: number | undefined): Part | undefined {
    const older = openPart(this.#directory, '.1')
    if (!older) return undefined
    if (older.inode !== inode) return this.#begin(older)
    closePart(older)
    return undefined
  }

  /** Leaves out what is not among so many lines at the end, as far as that is quick. To be called before anything is read. */
  skipTo(lines: number): void {
    const begin = this.#part && findLast(this.#part, lines)
    if (this.#older && (!begin || begin.found < lines || begin.open.size > 0)) {
      const missing = Math.max(0, lines - (begin?.found ?? 0))
      const before = findLast(this.#older, missing, begin && begin.from > 0 ? begin.open : undefined)
      beginAt(this.#older, before)
      if (missing > 0 || !isAtEnd(this.#older)) return // and all of the newer one
    }
    if (this.#older && begin) {
      closePart(this.#older)
      this.#older = undefined
    }
    if (this.#part && begin) beginAt(this.#part, begin)
  }

  /** A part to which nobody writes any more, to its end. */
  *#finish(part: Part): Generator<Piece> {
    try {
      yield* indexed(part, this.#joined)
      yield* beyond(part)
    } finally {
      this.#lost += part.lost
      closePart(part)
    }
  }

  /** What has come since the last time. With `all`, nobody writes any more: also what the index does not know. */
  *read({ all = false } = {}): Generator<Piece> {
    let part: Part | undefined
    for (;;) {
      const older = this.#older
      this.#older = undefined
      if (older) yield* this.#finish(older)
      part = this.#part ??= this.#open()
      if (!part) return
      const now = statSync(`${this.#directory}/log.index`, { throwIfNoEntry: false })?.ino
      if (now === undefined || now === part.inode) break
      // A new part has begun, and perhaps another after it, while we have read.
      this.#part = undefined
      yield* this.#finish(part)
      this.#older = this.#olderThan(part.inode)
    }
    yield* indexed(part, this.#joined)
    if (all) yield* beyond(part)
  }

  close(): void {
    for (const part of [this.#part, this.#older]) if (part) closePart(part)
  }
}

/** Makes lines of pieces; each has the time of its first byte. */
export class Lines {
  readonly #open = new Map<StreamName, { time: bigint; parts: Buffer[] }>();

  *add({ stream, time, data }: Piece): Generator<Piece> {
    let at = 0
    const open = this.#open.get(stream)
    if (open) {
      at = data.indexOf(10) + 1
      open.parts.push(at > 0 ? data.subarray(0, at) : data)
      if (at === 0) return
      this.#open.delete(stream)
      yield { stream, time: open.time, data: Buffer.concat(open.parts) }
    }
    for (let end = data.indexOf(10, at) + 1; end > 0; end = data.indexOf(10, at) + 1) {
      yield { stream, time, data: data.subarray(at, end) }
      at = end
    }
    if (at < data.length) this.#open.set(stream, { time, parts: [data.subarray(at)] })
  }

  /** The last ones, which have no end. */
  *rest(): Generator<Piece> {
    for (const [stream, { time, parts }] of this.#open) yield { stream, time, data: Buffer.concat(parts) }
    this.#open.clear()
  }
}
