// A walk through a tree of files that somebody may be changing meanwhile. Directories are opened one in the other, and no
// link is followed; what a file is, is asked of the descriptor that is then read.
import { type BigIntStats, closeSync, fstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { O } from '../../kernel/constants.ts'
import { ERRNO } from '../../kernel/errno.ts'
import { cString, type Entry, type Piece } from './entry.ts'
import { inside, pathOf } from './locate.ts'

const CHUNK = 1 << 20

/** Who an id of the file system is inside of the container. */
export interface Owners {
  readonly uid: (id: number) => number
  readonly gid: (id: number) => number
}

interface Walk {
  readonly owners: Owners
  /** Files with several names, by device and number: the path of the first. */
  readonly links: Map<string, string>
}

/**
 * The file or directory behind `fd` (O_PATH; stays the caller's) and all below it. `symlink`: what it says, where it is
 * one. Sockets are left out: nobody would listen at a copy.
 */
export function* readTree(fd: number, owners: Owners, symlink?: string): Generator<Entry> {
  yield* visit(fd, '', symlink, { owners, links: new Map() })
}

function* visit(fd: number, path: string, target: string | undefined, walk: Walk): Generator<Entry> {
  const stat = fstatSync(fd, { bigint: true })
  const about = {
    path,
    mode: Number(stat.mode),
    uid: walk.owners.uid(Number(stat.uid)),
    gid: walk.owners.gid(Number(stat.gid)),
    mtime: Number(stat.mtimeNs) / 1e9,
    size: 0,
    attributes: new Map<string, Buffer>(),
  }
  if (stat.isDirectory()) {
    yield { ...about, kind: 'directory', attributes: attributesOf(fd) }
    yield* children(fd, path, walk)
    return
  }
  const first = stat.isFile() ? linkOf(stat, path, walk) : undefined
  if (first !== undefined) yield { ...about, kind: 'link', target: first }
  else if (target !== undefined) yield { ...about, kind: 'symlink', target }
  else if (stat.isFIFO()) yield { ...about, kind: 'fifo' }
  else if (stat.isCharacterDevice() || stat.isBlockDevice())
    yield { ...about, kind: 'device', device: Number(stat.rdev) }
  else if (stat.isFile()) {
    const size = Number(stat.size)
    yield { ...about, kind: 'file', size, attributes: attributesOf(fd), content: () => contentOf(fd, size) }
  }
}

/** The path of a file's first name, where this is another one. */
function linkOf({ nlink, dev, ino }: BigIntStats, path: string, { links }: Walk): string | undefined {
  if (nlink < 2n) return undefined
  const key = `${dev}:${ino}`
  const first = links.get(key)
  if (first === undefined) links.set(key, path)
  return first
}

function* children(fd: number, path: string, walk: Walk): Generator<Entry> {
  const names = readdirSync(pathOf(fd), { encoding: 'buffer' }).map(name => name.toString('latin1'))
  for (const name of names.sort()) {
    const child = attempt('openat', [fd, cString(name), O.PATH + O.NOFOLLOW + O.CLOEXEC, 0])
    if (child < 0) continue // gone meanwhile
    try {
      const target = fstatSync(child).isSymbolicLink() ? textOf(fd, name) : undefined
      yield* visit(child, path === '' ? name : `${path}/${name}`, target, walk)
    } finally {
      closeSync(child)
    }
  }
}

/** What a symlink says; '' where it is none any more, which no symlink can say. */
export function textOf(directory: number, name: string): string {
  try {
    return readlinkSync(inside(directory, name), { encoding: 'buffer' }).toString('latin1')
  } catch {
    return ''
  }
}

/** Opens what is behind a descriptor without access: for reading, and never a FIFO or device, which could keep us. */
const openAgain = (fd: number): number => openSync(pathOf(fd), O.RDONLY + O.NONBLOCK + O.CLOEXEC)

/** Those that mean something in another tree: the user's own, and the rights of programs. */
const isKept = (name: string): boolean => name.startsWith('user.') || name === 'security.capability'
const MOST = 65536 // XATTR_LIST_MAX, XATTR_SIZE_MAX

function attributesOf(fd: number): Map<string, Buffer> {
  const open = openAgain(fd)
  try {
    const value = Buffer.alloc(MOST)
    const length = attempt('flistxattr', [open, value, MOST])
    const names = value.toString('latin1', 0, Math.max(0, length)).split('\0').filter(isKept)
    return new Map(
      names.flatMap(name => {
        const size = attempt('fgetxattr', [open, cString(name), value, MOST])
        return size < 0 ? [] : [[name, Buffer.from(value.subarray(0, size))] as const]
      }),
    )
  } finally {
    closeSync(open)
  }
}

const SEEK_DATA = 3
const SEEK_HOLE = 4

/** As many bytes as it had when we looked, however it grows or shrinks meanwhile. */
function* contentOf(fd: number, size: number): Generator<Piece> {
  const open = openAgain(fd)
  try {
    let at = 0
    while (at < size) {
      const data = attempt('lseek', [open, at, SEEK_DATA])
      const next = data < 0 ? (data === -ERRNO.ENXIO ? size : at) : Math.min(data, size) // ENXIO: only a hole is left
      if (next > at) yield next - at
      at = next
      if (at >= size) break
      const hole = attempt('lseek', [open, at, SEEK_HOLE])
      const end = hole <= at ? size : Math.min(hole, size)
      while (at < end) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
        const n = readSync(open, chunk, 0, chunk.length, at)
        if (n === 0) {
          yield size - at // it has been cut off meanwhile
          return
        }
        yield chunk.subarray(0, n)
        at += n
      }
    }
  } finally {
    closeSync(open)
  }
}
