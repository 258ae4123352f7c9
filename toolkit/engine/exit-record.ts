// How a container has ended, as its monitor wrote it down (monitor.ts): 24 bytes, when and how.
import { readFileSync } from 'node:fs'

export const EXIT_RECORD = 24

/** A time of the kernel, struct timespec, in nanoseconds since 1970. */
export const nanoseconds = (bytes: Buffer, at = 0): bigint =>
  bytes.readBigInt64LE(at) * 1_000_000_000n + bytes.readBigInt64LE(at + 8)

/** What state.json is going to say of a container that has ended: nothing as long as it has no record. */
export function readExit(directory: string): { finished: string; exitCode: number } | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(`${directory}/exit`)
  } catch {
    return undefined
  }
  if (bytes.length !== EXIT_RECORD) return undefined // a full disk
  const status = bytes.readInt32LE(16) // wait(2)
  const signal = status & 0x7f
  return {
    finished: new Date(Number(nanoseconds(bytes) / 1_000_000n)).toISOString(),
    exitCode: signal === 0 ? (status >> 8) & 0xff : 128 + signal,
  }
}
