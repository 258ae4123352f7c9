// A walk through a tree of files that somebody may be changing meanwhile. Directories are opened one in the other, and no
// link is followed; what a file is, is asked of the descriptor that is then read.
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statfsSync,
} from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { O } from '../../kernel/constants.ts'
import { ERRNO, errnoMeaning } from '../../kernel/errno.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { readUpTo } from '../../observe/read.ts'
import { cString, type Entry, type Piece, toText } from './entry.ts'
import { inside, pathOf } from './locate.ts'

const CHUNK = 1 << 20

/** Who an id of the file system is inside of the container. */
export interface Owners {
  readonly uid: (id: number) => number
  readonly gid: (id: number) => number
}

export interface Reading {
  readonly owners: Owners
  /** What the top is called in errors. */
  readonly from: string
  /** What the top says, where it is a symlink. */
  readonly symlink?: string | undefined
}

interface Walk extends Reading {
  /** Files with several names, by device and number: the path of the first. */
  readonly links: Map<string, string>
}

/**
 * The file or directory behind `fd` (O_PATH; stays the caller's) and all below it. Sockets are left out: nobody would
 * listen at a copy. Of file systems in which the kernel shows its own state only the empty directory is told where they
 * are mounted, unless the top is in one. Throws a UsageError (exit code 1) that names the path.
 */
export function* readTree(fd: number, reading: Reading): Generator<Entry> {
  yield* visit(fd, '', reading.symlink, undefined, { ...reading, links: new Map() })
}

/** What an action finds at a path; undefined where the file is gone meanwhile, and a process with its files in /proc. */
function look<T>(path: string, { from }: Reading, action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException
    if (errno === undefined) throw error
    if (errno === -ERRNO.ENOENT || errno === -ERRNO.ESRCH) return undefined
    const whole = path === '' ? from : `${from.replace(/\/+\.?$/, '')}/${path}`
    throw new UsageError(`${toText(whole)}: ${errnoMeaning(Math.abs(errno))}`, 1)
  }
}

// f_type of statfs(2): magic.h has them. No file of theirs is content, and many end while one looks.
const KERNELS_OWN: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x1cd1, // devpts
  0x19800202, // mqueue
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x6e736673, // nsfs
  0x73636673, // securityfs
  0x64626720, // debugfs
  0x74726163, // tracefs
  0xcafe4a11, // bpf
  0x62656570, // configfs
  0x42494e4d, // binfmt_misc
])

function* visit(
  fd: number,
  path: string,
  target: string | undefined,
  above: bigint | undefined,
  walk: Walk,
): Generator<Entry> {
  const found = look(path, walk, () => {
    const stat = fstatSync(fd, { bigint: true })
    const entry = entryOf(fd, stat, path, target, walk)
    const isTop = above === undefined
    const isKernels = (isTop || stat.dev !== above) && KERNELS_OWN.has(statfsSync(pathOf(fd)).type)
    return {
      entry: isTop && isKernels && entry?.kind === 'file' ? { ...entry, ...wholeOf(fd, walk) } : entry,
      device: stat.dev,
      isOpaque: !isTop && isKernels,
    }
  })
  if (!found?.entry) return
  yield found.entry
  if (found.entry.kind === 'directory' && !found.isOpaque) yield* children(fd, path, found.device, walk)
}

/** Undefined for a socket, and for a symlink that is gone. */
function entryOf(
  fd: number,
  stat: BigIntStats,
  path: string,
  target: string | undefined,
  walk: Walk,
): Entry | undefined {
  const about = {
    path,
    mode: Number(stat.mode),
    uid: walk.owners.uid(Number(stat.uid)),
    gid: walk.owners.gid(Number(stat.gid)),
    mtime: Number(stat.mtimeNs) / 1e9,
    size: 0,
    attributes: new Map<string, Buffer>(),
  }
  if (stat.isDirectory()) return { ...about, kind: 'directory', attributes: attributesOf(fd) }
  const first = stat.isFile() ? linkOf(stat, path, walk) : undefined
  if (first !== undefined) return { ...about, kind: 'link', target: first }
  if (target !== undefined) return target === '' ? undefined : { ...about, kind: 'symlink', target }
  if (stat.isFIFO()) return { ...about, kind: 'fifo' }
  if (stat.isCharacterDevice() || stat.isBlockDevice()) return { ...about, kind: 'device', device: Number(stat.rdev) }
  if (!stat.isFile()) return undefined
  const size = Number(stat.size)
  return { ...about, kind: 'file', size, attributes: attributesOf(fd), content: () => contentOf(fd, path, size, walk) }
}

/** The path of a file's first name, where this is another one. */
function linkOf({ nlink, dev, ino }: BigIntStats, path: string, { links }: Walk): string | undefined {
  if (nlink < 2n) return undefined
  const key = `${dev}:${ino}`
  const first = links.get(key)
  if (first === undefined) links.set(key, path)
  return first
}

function* children(fd: number, path: string, device: bigint, walk: Walk): Generator<Entry> {
  const names = look(path, walk, () => readdirSync(pathOf(fd), { encoding: 'buffer' })) ?? []
  for (const name of names.map(name => name.toString('latin1')).sort()) {
    const child = attempt('openat', [fd, cString(name), O.PATH + O.NOFOLLOW + O.CLOEXEC, 0])
    if (child < 0) continue // gone meanwhile
    try {
      const target = fstatSync(child).isSymbolicLink() ? textOf(fd, name) : undefined
      yield* visit(child, path === '' ? name : `${path}/${name}`, target, device, walk)
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

/** The content of a file that the kernel makes when it is read: only then it has a size. */
function wholeOf(fd: number, { from }: Reading): { size: number; content: () => Iterable<Piece> } {
  const open = openAgain(fd)
  try {
    const data = readUpTo(open, CHUNK)
    if (data.length === CHUNK)
      throw new UsageError(`${toText(from)}: the kernel makes more than 1 MiB of it; read it with cat`, 1)
    return { size: data.length, content: () => [data] }
  } finally {
    closeSync(open)
  }
}

const SEEK_DATA = 3
const SEEK_HOLE = 4

/** As many bytes as it had when we looked, however it grows or shrinks meanwhile. */
function* contentOf(fd: number, path: string, size: number, walk: Walk): Generator<Piece> {
  const open = look(path, walk, () => openAgain(fd))
  if (open === undefined) {
    yield size
    return
  }
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
        const n = look(path, walk, () => readSync(open, chunk, 0, chunk.length, at)) ?? 0
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
