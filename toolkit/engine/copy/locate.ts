// From a path to a file, in the root of a container. Whoever is in there may rename directories and exchange links while
// we look: so the kernel does the looking, with the container's root as the root for every link on the way, openat2(2).
// What is found is a descriptor without access (O_PATH): whatever happens to the name, it means this file.
import { attempt } from '../../kernel/call.ts'
import { O, RESOLVE } from '../../kernel/constants.ts'
import { ERRNO } from '../../kernel/errno.ts'
import { KernelError } from '../../kernel/error.ts'
import { openHow } from '../../kernel/mount-structs.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { cString, toText } from './entry.ts'

/** How a path is looked up: in a container, from a directory down without any link, or as any program of the host does. */
export type Within = 'root' | 'beneath' | 'host'

const RULES: Record<Within, number> = {
  root: RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS,
  beneath: RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS,
  host: 0,
}

const TRIES = 64 // EAGAIN: somebody renamed a directory on the way

export interface Wish {
  readonly within: Within
  /** Only a directory will do. */
  readonly directory?: boolean
  /** A symlink at the end is what is meant, not what it leads to. */
  readonly noFollow?: boolean
}

/**
 * Opens a path below `root` as a mere name; undefined where there is none, or no directory where one is wished for. The
 * caller closes it. Throws a UsageError (exit code 1) for links in a circle and ways out, and KernelError.
 */
export function locate(
  root: number,
  path: string,
  { within, directory = false, noFollow = false }: Wish,
): number | undefined {
  const flags = O.PATH + O.CLOEXEC + (directory ? O.DIRECTORY : 0) + (noFollow ? O.NOFOLLOW : 0)
  const how = openHow(flags, RULES[within])
  const args = [root, cString(path === '' ? '.' : path), how, how.bytes.length]
  let result = -ERRNO.EAGAIN
  for (let i = 0; i < TRIES && result === -ERRNO.EAGAIN; i++) result = attempt('openat2', args)
  if (result >= 0) return result
  if (result === -ERRNO.ENOENT || result === -ERRNO.ENOTDIR) return undefined
  if (result === -ERRNO.ELOOP || result === -ERRNO.EXDEV || result === -ERRNO.EAGAIN)
    throw new UsageError(`${toText(path)}: its links lead in a circle, out of the tree, or keep changing`, 1)
  throw new KernelError('openat2', [root, toText(path), how, how.bytes.length], -result)
}

/** A path by which node:fs reaches the file behind a descriptor, whatever its name is by now. */
export const pathOf = (fd: number): string => `/proc/self/fd/${fd}`
/** A name in the directory behind a descriptor. */
export const inside = (fd: number, name: string): Buffer => Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1')
