// One of the two parts of a container's log, and its index (monitor.ts): what is read of it, from where one likes.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { pause } from '../../kernel/pause.ts'
import { nanoseconds } from '../life/exit-record.ts'
import { INDEX_RECORD, LOST, STREAM } from '../life/monitor-log.ts'

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
const WORDS = INDEX_RECORD / 4
const CHUNK = 1 << 22 // bytes of the log, read at once

/** What fits together, also while a monitor begins a new part (`rotate` in monitor.ts): the log is renamed first. */
export function openPart(directory: string, suffix: '' | '.1'): Part | undefined {
  for (let tries = 0; ; tries++) {
    const part = tryOpenPart(directory, suffix)
    if (!part || tries === 5 || fstatSync(part.log).size > 0 || fstatSync(part.index).size === 0) return part
    closePart(part) // the log of the new part, and the index of the old one
    pause(1)
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

const BACK = { first: 1 << 14, most: 1 << 20 } // bytes of the log, searched at once: lines are seldom long, or many

function newlinesIn(data: Buffer): number {
  let count = 0
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) count++
  return count
}

/** Where to begin in a part, to see its last lines. */
interface Beginning {
  /** The number of a record; that behind the last one: nothing of it is needed. */
  readonly from: number
  /** Of the log. */
  readonly offset: number
  /** Lines from there on. */
  readonly found: number
  /** Streams that may have begun a line before this part. */
  readonly open: ReadonlySet<StreamName>
}

const ALL: readonly StreamName[] = ['stdout', 'stderr']

/**
 * Looks for a place with at least so many lines after it, where none of the streams `split` is in the middle of a line.
 * Where there are too few, it is the start of the part.
 */
export function findLast(part: Part, lines: number, split: Iterable<StreamName> = ALL): Beginning {
  const { count, bytes, lengthOf, streamOf } = readIndex(part)
  let found = 0
  let from = count // this record and those after it have been searched
  let offset = bytes
  for (let back = BACK.first; from > 0 && found < lines; back = Math.min(4 * back, BACK.most)) {
    const end = offset
    do offset -= lengthOf(--from)
    while (from > 0 && end - offset < back)
    found += newlinesIn(readAt(part.log, offset, end - offset))
  }
  let open = new Set(split)
  for (let i = from - 1, at = offset; i >= 0 && open.size > 0; i--) {
    const end = at
    at -= lengthOf(i)
    const stream = streamOf(i)
    if (end === at || !open.has(stream)) continue
    if (readAt(part.log, end - 1, 1)[0] === 10) open.delete(stream)
    else {
      from = i
      offset = at
      open = new Set(ALL)
    }
  }
  return { from, offset, found, open }
}

interface Index {
  /** Records. */
  readonly count: number
  /** Of the log, that it knows. */
  readonly bytes: number
  lengthOf(record: number): number
  streamOf(record: number): StreamName
}

/** There may be many thousands of records: all are added up once, and looked at more closely from the end. */
function readIndex(part: Part): Index {
  let count = 0
  let bytes = 0
  let more = true
  while (more) {
    const records = readAt(part.index, count * INDEX_RECORD, RECORDS * INDEX_RECORD)
    const words = new Uint32Array(records.buffer, records.byteOffset, Math.floor(records.length / INDEX_RECORD) * WORDS)
    for (let at = 0; at < words.length; at += WORDS) bytes += (words[at + 6]! & LOST) === 0 ? words[at + 4]! : 0
    count += words.length / WORDS
    more = records.length === RECORDS * INDEX_RECORD
  }
  let first = count // of those that are in memory
  let records: Buffer = Buffer.alloc(0)
  /** Whoever asks goes backwards. */
  const load = (record: number) => {
    if (record >= first) return
    first = Math.max(0, record + 1 - RECORDS)
    records = readAt(part.index, first * INDEX_RECORD, (record + 1 - first) * INDEX_RECORD)
  }
  return {
    count,
    bytes,
    lengthOf(record) {
      load(record)
      return lengthIn(records, record - first)
    },
    streamOf(record) {
      load(record)
      return streamIn(records, record - first)
    },
  }
}

/** Whether all that the index knows has been read, or left out. */
export const isAtEnd = ({ index, indexAt }: Part): boolean => indexAt + INDEX_RECORD > fstatSync(index).size

/** Begins there. */
export function beginAt(part: Part, { from, offset }: Beginning): void {
  part.indexAt = from * INDEX_RECORD
  part.readAt = offset
}
