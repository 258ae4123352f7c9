// How a container has ended, as its monitor wrote it down (monitor.ts): 28 bytes, when, how, and whether that is known.
import { existsSync, readFileSync } from 'node:fs'

export const EXIT_RECORD = 28
/** In the third part, when the second is known: PIDFD_INFO_EXIT of the kernel. */
export const KNOWN = 8

/** A time of the kernel, struct timespec, in nanoseconds since 1970. */
export const nanoseconds = (bytes: Buffer, at = 0): bigint =>
  bytes.readBigInt64LE(at) * 1_000_000_000n + bytes.readBigInt64LE(at + 8)

/** A status of wait(2) as a shell and docker count it. */
export const exitCodeOf = (status: number): number =>
  (status & 0x7f) === 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)

/** What state.json is going to say of a container that has ended: nothing as long as it has no record. */
export function readExit(directory: string): { finished: string; exitCode?: number } | undefined {
  if (!existsSync(`${directory}/exit`)) return undefined // most often; an error would cost more to make
  let bytes: Buffer
  try {
    bytes = readFileSync(`${directory}/exit`)
  } catch {
    return undefined
  }
  if (bytes.length !== EXIT_RECORD) return undefined // a full disk
  const known = (bytes[20]! & KNOWN) !== 0
  return {
    finished: new Date(Number(nanoseconds(bytes) / 1_000_000n)).toISOString(),
    ...(known && { exitCode: exitCodeOf(bytes.readInt32LE(16)) }),
  }
}
