// Reading a file of an image. What an image contains is somebody else's: /etc/passwd may be a link to the host's shadow
// file, a FIFO that never answers, a device, or five gigabytes of nothing.
import { closeSync, fstatSync, openSync } from 'node:fs'
import { attempt } from '../kernel/call.ts'
import { O, RESOLVE } from '../kernel/constants.ts'
import { ERRNO } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { openHow } from '../kernel/mount-structs.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { readUpTo } from '../observe/read.ts'

const TRIES = 16 // EAGAIN: somebody renamed a directory on the way while the kernel followed a '..'

/** `root` is the root directory for the path and for every link on its way; magic links lead nowhere. */
const how = openHow(O.PATH | O.CLOEXEC, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS)

const refuse = (path: string, what: string): UsageError =>
  new UsageError(`${path} of the image is ${what}, so it is not read`)

/** Opens a path below `root` as a mere name, O_PATH: that has no effect on whatever it is. -1: there is none. */
function locate(root: number, path: string): number {
  const args = [root, path, how, how.bytes.length]
  let result = 0
  for (let i = 0; i < TRIES; i++) {
    result = attempt('openat2', args)
    if (result !== -ERRNO.EAGAIN) break
  }
  if (result >= 0) return result
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return -1
  if (result === -ERRNO.ELOOP)
    throw refuse(path, 'behind links that lead in a circle, or through /proc to another file')
  throw new KernelError('openat2', args, -result)
}

/** A located file's content behind a new descriptor, if it is a regular file of a bearable size. */
function openLocated(found: number, path: string, maxBytes: number): number {
  const stat = fstatSync(found)
  if (!stat.isFile()) throw refuse(path, 'not a regular file')
  if (stat.size > maxBytes) throw refuse(path, `larger than ${maxBytes} bytes`)
  return openSync(`/proc/self/fd/${found}`, O.RDONLY | O.NONBLOCK) // the very same file, now with its content
}

/**
 * Opens a file for reading as a process with the root directory `root` (a path, or a descriptor) would find it; undefined
 * where there is none. Symbolic links are followed and stay inside. Throws a UsageError where it is not a regular file
 * that can be found, or larger than `maxBytes`, and a KernelError where the kernel refuses, as before Linux 5.6. The
 * caller closes the descriptor.
 */
export function openInside(
  root: string | number,
  path: string,
  maxBytes = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const directory = typeof root === 'number' ? root : openSync(root, O.PATH | O.DIRECTORY)
  try {
    const found = locate(directory, path)
    if (found < 0) return undefined
    try {
      return openLocated(found, path, maxBytes)
    } finally {
      closeSync(found)
    }
  } finally {
    if (typeof root === 'string') closeSync(directory)
  }
}

/** What a file of `openInside` holds. */
export function readInside(root: string | number, path: string, maxBytes = 1 << 20): Buffer | undefined {
  const fd = openInside(root, path, maxBytes)
  if (fd === undefined) return undefined
  try {
    return readUpTo(fd, Math.min(fstatSync(fd).size, maxBytes))
  } finally {
    closeSync(fd)
  }
}

/**
 * A directory as a process with this root directory would find it, opened as a mere name (O_PATH); undefined where there
 * is none. Links on the way stay inside. The caller closes it.
 */
export function openDirectoryInside(root: string, path: string): number | undefined {
  const directory = openSync(root, O.PATH | O.DIRECTORY)
  try {
    const found = locate(directory, path)
    if (found < 0) return undefined
    if (fstatSync(found).isDirectory()) return found
    closeSync(found)
    return undefined
  } finally {
    closeSync(directory)
  }
}
