// Makes a log and its index agree again, where a monitor was killed between two of its calls (monitor.ts). To be called
// while nobody writes to them.
import { closeSync, ftruncateSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs'
import { INDEX_RECORD, LOST, STREAM } from '../life/monitor-log.ts'

const CHUNK = INDEX_RECORD * 32_768

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Bytes of the log that an index knows, and its last record. */
function sum(index: number): { known: number; last: Buffer | undefined } {
  const bytes = Buffer.alloc(CHUNK)
  let known = 0
  let last: Buffer | undefined
  for (let at = 0; ; at += CHUNK) {
    const length = readSync(index, bytes, 0, CHUNK, at)
    for (let record = 0; record + INDEX_RECORD <= length; record += INDEX_RECORD) {
      if (!(bytes.readUInt16LE(record + 24) & LOST)) known += bytes.readUInt32LE(record + 16)
      last = bytes.subarray(record, record + INDEX_RECORD)
    }
    if (length < CHUNK) return { known, last: last && Buffer.from(last) }
    last = last && Buffer.from(last)
  }
}

/** Errors are those of node:fs. */
export function mendLog(directory: string): void {
  const [log, path] = [`${directory}/log`, `${directory}/log.index`]
  const size = sizeOf(path)
  const written = sizeOf(log)
  if (size === 0 && written === 0) return
  const index = openSync(path, 'a+', 0o600)
  try {
    if (size % INDEX_RECORD !== 0) ftruncateSync(index, size - (size % INDEX_RECORD))
    const { known, last } = sum(index)
    if (known > written && sizeOf(`${log}.1`) >= known) {
      renameSync(path, `${path}.1`) // as the log was already
    } else if (known > written) {
      ftruncateSync(index, 0) // somebody has cut the log
      if (written > 0) writeSync(index, record(written, last))
    } else if (known < written) {
      writeSync(index, record(written - known, last))
    }
  } finally {
    closeSync(index)
  }
}

/** Of bytes that came after all others; from where, nobody knows. */
function record(length: number, last: Buffer | undefined): Buffer {
  const bytes = Buffer.alloc(INDEX_RECORD)
  const now = Date.now()
  bytes.writeBigInt64LE(BigInt(Math.floor(now / 1000)), 0)
  bytes.writeBigInt64LE(BigInt(now % 1000) * 1_000_000n, 8)
  last?.copy(bytes, 0, 0, 16)
  bytes.writeBigInt64LE(BigInt(length), 16)
  bytes.writeBigInt64LE(BigInt(STREAM.stdout), 24)
  return bytes
}
