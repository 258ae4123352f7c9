// Reads what a monitor has written down (monitor.ts): the bytes as they came, and when and from where each piece was.
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { nanoseconds } from './exit-record.ts'
import { INDEX_RECORD, LOST, STREAM } from './monitor.ts'

export type StreamName = keyof typeof STREAM

export interface Piece {
  readonly stream: StreamName
  /** Nanoseconds since 1970. */
  readonly time: bigint
  readonly data: Buffer
}

/** One of the two parts of a log, and how far it has been read. */
interface Part {
  readonly log: number
  readonly index: number
  readonly inode: number
  readAt: number
  indexAt: number
  last: bigint
}

const RECORDS = 2048 // read at once
const CHUNK = 1 << 22 // bytes of the log, read at once

/** Whether somebody keeps what the container writes. */
export const hasLog = (directory: string): boolean => existsSync(`${directory}/log.index`)

function openPart(directory: string, suffix: '' | '.1'): Part | undefined {
  let index: number
  try {
    index = openSync(`${directory}/log.index${suffix}`, 'r')
  } catch {
    return undefined
  }
  try {
    const log = openSync(`${directory}/log${suffix}`, 'r')
    return { log, index, inode: fstatSync(index).ino, readAt: 0, indexAt: 0, last: 0n }
  } catch {
    closeSync(index)
    return undefined
  }
}

function closePart({ log, index }: Part): void {
  closeSync(log)
  closeSync(index)
}

function readAt(fd: number, at: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, at + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}

/** All pieces that the index knows and that have not been read yet. */
function* indexed(part: Part): Generator<Piece> {
  for (;;) {
    const records = readAt(part.index, part.indexAt, RECORDS * INDEX_RECORD)
    const count = Math.floor(records.length / INDEX_RECORD)
    if (count === 0) return
    for (let i = 0; i < count; i++) {
      const at = i * INDEX_RECORD
      part.last = nanoseconds(records, at)
      const length = Number(records.readBigInt64LE(at + 16))
      const kind = Number(records.readBigInt64LE(at + 24))
      const stream = kind === STREAM.stderr ? 'stderr' : 'stdout'
      if (length <= 0 || kind & LOST) continue
      for (let left = length; left > 0; ) {
        const data = readAt(part.log, part.readAt, Math.min(left, CHUNK))
        if (data.length === 0) break // somebody has cut the file
        part.readAt += data.length
        left -= data.length
        yield { stream, time: part.last, data }
      }
    }
    part.indexAt += count * INDEX_RECORD
  }
}

/** What came after the last piece that the index knows: its monitor was killed in between. */
function* beyond(part: Part): Generator<Piece> {
  for (;;) {
    const data = readAt(part.log, part.readAt, CHUNK)
    if (data.length === 0) return
    part.readAt += data.length
    yield { stream: 'stdout', time: part.last, data }
  }
}

/** Goes to the end of what the index knows. */
function toEnd(part: Part): Part {
  for (;;) {
    const records = readAt(part.index, part.indexAt, RECORDS * INDEX_RECORD)
    const whole = records.length - (records.length % INDEX_RECORD)
    if (whole === 0) return part
    for (let at = 0; at < whole; at += INDEX_RECORD)
      if (!(records.readInt32LE(at + 24) & LOST)) part.readAt += Math.max(0, records.readInt32LE(at + 16))
    part.last = nanoseconds(records, whole - INDEX_RECORD)
    part.indexAt += whole
  }
}

/** Follows the log of a container. */
export class LogReader {
  readonly #directory: string
  #part: Part | undefined
  #older: Part | undefined

  /** `directory` may be one that moves: /proc/self/fd/N. `fromEnd`: only what comes from now on. */
  constructor(directory: string, { fromEnd = false } = {}) {
    this.#directory = directory
    this.#part = openPart(directory, '')
    if (fromEnd) this.skip()
    else this.#older = openPart(directory, '.1')
  }

  /** Bytes that have come and have not been read, in the part that is being read. */
  get behind(): number {
    return this.#part ? fstatSync(this.#part.log).size - this.#part.readAt : 0
  }

  /** Leaves out what has come so far. */
  skip(): void {
    if (this.#part) closePart(this.#part)
    const part = openPart(this.#directory, '')
    this.#part = part && toEnd(part)
  }

  /** What has come since the last time. With `all`, nobody writes any more: also what the index does not know. */
  *read({ all = false } = {}): Generator<Piece> {
    if (this.#older) {
      yield* indexed(this.#older)
      yield* beyond(this.#older)
      closePart(this.#older)
      this.#older = undefined
    }
    for (;;) {
      this.#part ??= openPart(this.#directory, '')
      const part = this.#part
      if (!part) return
      const now = statSync(`${this.#directory}/log.index`, { throwIfNoEntry: false })?.ino
      yield* indexed(part)
      if (now === undefined || now === part.inode) break
      yield* beyond(part) // a new part has begun
      closePart(part)
      this.#part = undefined
    }
    if (all && this.#part) yield* beyond(this.#part)
  }

  close(): void {
    for (const part of [this.#part, this.#older]) if (part) closePart(part)
  }
}

/** Makes lines of pieces; each has the time of its first byte. */
export class Lines {
  readonly #open = new Map<StreamName, { time: bigint; parts: Buffer[] }>();

  *add({ stream, time, data }: Piece): Generator<Piece> {
    for (let at = 0; at < data.length; ) {
      const end = data.indexOf(10, at)
      const part = data.subarray(at, end < 0 ? data.length : end + 1)
      at += part.length
      const open = this.#open.get(stream) ?? { time, parts: [] }
      open.parts.push(part)
      this.#open.set(stream, open)
      if (end < 0) return
      this.#open.delete(stream)
      yield { stream, time: open.time, data: open.parts.length === 1 ? part : Buffer.concat(open.parts) }
    }
  }

  /** The last ones, which have no end. */
  *rest(): Generator<Piece> {
    for (const [stream, { time, parts }] of this.#open) yield { stream, time, data: Buffer.concat(parts) }
    this.#open.clear()
  }
}
