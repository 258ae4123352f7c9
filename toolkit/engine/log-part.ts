// One of the two parts of a container's log, and its index (monitor.ts): what is read of it, from where one likes.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
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
export interface Part {
  readonly log: number
  readonly index: number
  readonly inode: number
  readAt: number
  indexAt: number
  last: bigint
  /** Bytes that the disk did not take. */
  lost: number
}

const RECORDS = 2048 // read at once
const CHUNK = 1 << 22 // bytes of the log, read at once

/** What fits together, also while a monitor begins a new part (`rotate` in monitor.ts): the log is renamed first. */
export function openPart(directory: string, suffix: '' | '.1'): Part | undefined {
  for (let tries = 0; ; tries++) {
    const part = tryOpenPart(directory, suffix)
    if (!part || tries === 5 || fstatSync(part.log).size > 0 || fstatSync(part.index).size === 0) return part
    closePart(part) // the log of the new part, and the index of the old one
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
}

function tryOpenPart(directory: string, suffix: '' | '.1'): Part | undefined {
  let index: number
  try {
    index = openSync(`${directory}/log.index${suffix}`, 'r')
  } catch {
    return undefined
  }
  try {
    const log = openSync(`${directory}/log${suffix}`, 'r')
    return { log, index, inode: fstatSync(index).ino, readAt: 0, indexAt: 0, last: 0n, lost: 0 }
  } catch {
    closeSync(index)
    return undefined
  }
}

export function closePart({ log, index }: Part): void {
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

/** Of a record: how many bytes of the log it is about, and the number of the stream. */
const lengthIn = (records: Buffer, i: number): number =>
  records.readUInt16LE(i * INDEX_RECORD + 24) & LOST ? 0 : records.readUInt32LE(i * INDEX_RECORD + 16)
const streamIn = (records: Buffer, i: number): StreamName =>
  (records.readUInt16LE(i * INDEX_RECORD + 24) & ~LOST) === STREAM.stderr ? 'stderr' : 'stdout'

/**
 * All pieces that the index knows and that have not been read yet. `joined`: those of one stream that follow each other
 * are one piece, with the time of the last: a program that writes line by line makes a piece of each.
 */
export function* indexed(part: Part, joined: boolean): Generator<Piece> {
  for (;;) {
    const records = readAt(part.index, part.indexAt, RECORDS * INDEX_RECORD)
    const count = Math.floor(records.length / INDEX_RECORD)
    if (count === 0) return
    part.last = nanoseconds(records, (count - 1) * INDEX_RECORD)
    for (let i = 0; i < count; ) {
      let bytes = 0
      let end = i
      do bytes += lengthIn(records, end++)
      while (end < count && bytes + lengthIn(records, end) <= CHUNK)
      const data = readAt(part.log, part.readAt, bytes)
      part.readAt += data.length
      yield* cut(records, { from: i, end, data, joined })
      for (; i < end; i++)
        if (records.readUInt16LE(i * INDEX_RECORD + 24) & LOST) part.lost += records.readUInt32LE(i * INDEX_RECORD + 16)
    }
    part.indexAt += count * INDEX_RECORD
  }
}

/** The pieces of what was read at once: records `from` to `end`. There is less where somebody has cut the file. */
function* cut(
  records: Buffer,
  { from, end, data, joined }: { from: number; end: number; data: Buffer; joined: boolean },
): Generator<Piece> {
  let at = 0
  for (let i = from; i < end && at < data.length; i++) {
    const begin = at
    at += lengthIn(records, i)
    const stream = streamIn(records, i)
    if (joined) for (; i + 1 < end && streamIn(records, i + 1) === stream; i++) at += lengthIn(records, i + 1)
    if (at > begin) yield { stream, time: nanoseconds(records, i * INDEX_RECORD), data: data.subarray(begin, at) }
  }
}

/** What came after the last piece that the index knows: its monitor was killed in between. */
export function* beyond(part: Part): Generator<Piece> {
  for (;;) {
    const data = readAt(part.log, part.readAt, CHUNK)
    if (data.length === 0) return
    part.readAt += data.length
    yield { stream: 'stdout', time: part.last, data }
  }
}

const BACK = 1 << 18 // bytes of the log, searched at once

function newlinesIn(data: Buffer): number {
  let count = 0
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) count++
  return count
}

/** Goes on near the end of a part, with at least so many lines before it. Returns how many there are, where there are fewer. */
export function skipTo(part: Part, lines: number): number {
  let offset = 0 // of the log, as far as the index goes
  const ends: number[] = [] // of each piece
  for (let at = 0; ; at += RECORDS * INDEX_RECORD) {
    const records = readAt(part.index, at, RECORDS * INDEX_RECORD)
    for (let i = 0; (i + 1) * INDEX_RECORD <= records.length; i++) {
      offset += lengthIn(records, i)
      ends.push(offset)
    }
    if (records.length < RECORDS * INDEX_RECORD) break
  }
  let found = 0
  let from = ends.length // this piece and what comes after it has been searched
  while (from > 0 && found < lines) {
    const end = ends[from - 1]!
    do from--
    while (from > 0 && end - ends[from - 1]! < BACK)
    const begin = from > 0 ? ends[from - 1]! : 0
    found += newlinesIn(readAt(part.log, begin, end - begin))
  }
  part.indexAt = from * INDEX_RECORD
  part.readAt = from > 0 ? ends[from - 1]! : 0
  return found
}
