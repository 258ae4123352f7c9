// How everything here reads: synchronously, on this thread, and without surprise when the process has just ended.
import { readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'

// What /proc answers about a process that has ended, is ending, or is none of our business (not root, hidepid); and a
// directory where a file was looked for. All other errors (EMFILE, ENFILE, ENOMEM) are about the reader: taken for
// "gone", they would get a running container cleaned away.
const NOTHING_TO_SEE = new Set([
  'ENOENT',
  'ESRCH',
  'ENOTDIR',
  'EISDIR',
  'EACCES',
  'EPERM',
  'EINVAL',
  'EIO',
  'ELOOP',
  'ENODEV',
])

/** The result of `read`, or undefined where there is nothing to see (any more). */
export function orGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (NOTHING_TO_SEE.has((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** The text of a file; undefined where it is gone. */
export const readText = (path: string): string | undefined => orGone(() => readFileSync(path, 'utf8'))

/** What comes from a descriptor to its end, but no more than `size` bytes: a device or a pipe may have no end. */
export function readUpTo(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let length = 0
  for (let n = -1; n !== 0 && length < size; length += n) n = readSync(fd, bytes, length, size - length, null)
  return bytes.subarray(0, length)
}

/** The text of a symbolic link, whole and undecoded; undefined where it is gone. */
export const readLink = (path: string): string | undefined => orGone(() => readlinkSync(path))

/** The names in a directory; none where it is gone. */
export const list = (path: string): string[] => orGone(() => readdirSync(path)) ?? []

/** `device:inode` of what a path leads to: equal for two paths where, and only where, they lead to the same file. */
export function identify(path: string): string | undefined {
  const found = orGone(() => statSync(path, { bigint: true }))
  return found && `${found.dev}:${found.ino}`
}
