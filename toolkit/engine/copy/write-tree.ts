// Entries become files below a directory. Nothing that is there already is followed: links are replaced, a directory never
// becomes a file, and rights are changed through descriptors of what was just made.
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  openSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { attempt, invoke } from '../../kernel/call.ts'
import { O } from '../../kernel/constants.ts'
import { ERRNO } from '../../kernel/errno.ts'
import { KernelError } from '../../kernel/error.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { bytes, cString, type Entries, type Entry, type Piece, split, toText } from './entry.ts'
import { inside, pathOf } from './locate.ts'

/** How the copies are made. */
export interface Making {
  /** Opens a directory of the destination by its path from the top; undefined where there is none. The caller closes it. */
  readonly directory: (path: string) => number | undefined
  /** Where the top entry goes; '' for: into what is there. */
  readonly rename: (path: string) => string
  readonly owner: (entry: Entry) => readonly [uid: number, gid: number]
  /** The rights that it gets of those that it had. */
  readonly rights: number
  /** Devices are made; where they are not, `leftOut` is told. */
  readonly devices: boolean
  readonly leftOut?: (path: string) => void
  /** Attributes are copied. */
  readonly attributes: (name: string) => boolean
  /** Directories that are missing on the way are made: of an archive, which need not list them. */
  readonly makeParents: boolean
}

const refuse = (path: string, why: string): UsageError => new UsageError(`${toText(path)}: ${why}`, 1)

/** Makes all of them. Returns the bytes of their contents. Throws UsageError (exit code 1), KernelError, errors of node:fs. */
export async function writeTree(entries: Entries, making: Making): Promise<number> {
  const mask = process.umask(0)
  const made: { entry: Entry; path: string }[] = [] // directories, which get their rights when they are full
  let size = 0
  try {
    for await (const entry of entries) {
      const path = making.rename(entry.path)
      if (path === '' && entry.kind === 'directory') continue // it is there, and stays as it is
      if (entry.kind === 'device' && !making.devices) {
        making.leftOut?.(toText(path))
        continue
      }
      const [above, name] = split(path)
      const directory = openParent(above, making)
      try {
        if (entry.kind !== 'directory') size += await write(entry, directory, name, path, making)
        else if (makeDirectory(directory, name, path, making)) made.push({ entry, path })
      } finally {
        closeSync(directory)
      }
    }
    for (const { entry, path } of made.reverse()) finishDirectory(entry, path, making)
  } finally {
    process.umask(mask)
  }
  return size
}

function openParent(path: string, making: Making): number {
  const found = making.directory(path)
  if (found !== undefined) return found
  if (!making.makeParents || path === '') throw refuse(path, 'there is no such directory')
  const [above, name] = split(path)
  const parent = openParent(above, making)
  try {
    const result = attempt('mkdirat', [parent, cString(name), 0o755])
    if (result < 0 && result !== -ERRNO.EEXIST) throw new KernelError('mkdirat', [parent, toText(path), 0o755], -result)
  } finally {
    closeSync(parent)
  }
  const made = making.directory(path)
  if (made === undefined) throw refuse(path, 'is not a directory')
  return made
}

const look = (path: Buffer): Stats | undefined => lstatSync(path, { throwIfNoEntry: false })

/** False where there is one: that keeps its owner and rights. */
function makeDirectory(directory: number, name: string, path: string, making: Making): boolean {
  const there = look(inside(directory, name))
  if (!there) invoke('mkdirat', [directory, cString(name), 0o700])
  else if (!there.isDirectory() && !(there.isSymbolicLink() && leadsToDirectory(path, making)))
    throw refuse(path, 'cannot overwrite a file with a directory')
  return !there
}

/** Makes one thing that is no directory. Returns the bytes of its content. */
async function write(entry: Entry, directory: number, name: string, path: string, making: Making): Promise<number> {
  const at = inside(directory, name)
  const there = look(at)
  if (there?.isDirectory()) throw refuse(path, 'cannot overwrite a directory with a file')
  const taken = there !== undefined && !remove(at)
  if (taken && (entry.kind !== 'file' || !there.isFile()))
    throw refuse(path, 'something is mounted there, and only files can be written into')
  if (entry.kind === 'file') return writeFile(entry, directory, name, taken, making)
  if (entry.kind === 'link') {
    link(making.rename(entry.target!), at, making)
    return 0
  }
  if (entry.kind === 'symlink') symlinkSync(bytes(entry.target!), at)
  else invoke('mknodat', [directory, cString(name), entry.mode & ~0o7777, entry.device ?? 0])
  lchownSync(at, ...making.owner(entry))
  if (entry.kind !== 'symlink') withFile(directory, name, fd => chmodPath(fd, entry.mode & making.rights))
  lutimesSync(at, entry.mtime, entry.mtime)
  return 0
}

/** An archive may have a directory where the tree has a link to one: /var/run. In a container the link leads inside. */
function leadsToDirectory(path: string, { directory, makeParents }: Making): boolean {
  if (!makeParents) return false
  const found = directory(path)
  if (found !== undefined) closeSync(found)
  return found !== undefined
}

/** False where it is busy: something is mounted there. */
function remove(at: Buffer): boolean {
  try {
    unlinkSync(at)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
    throw error
  }
}

async function writeFile(
  entry: Entry,
  directory: number,
  name: string,
  taken: boolean,
  making: Making,
): Promise<number> {
  const flags = O.WRONLY + O.NOFOLLOW + O.CLOEXEC + O.NONBLOCK + (taken ? O.TRUNC : O.CREAT + O.EXCL)
  const fd = invoke('openat', [directory, cString(name), flags, 0o600])
  let whole = false
  try {
    if (!fstatSync(fd).isFile()) throw refuse(name, 'has become something else meanwhile')
    await writeContent(fd, entry)
    if (!taken) {
      fchownSync(fd, ...making.owner(entry))
      setAttributes(fd, entry, making) // after the owner: a new one takes the rights of a program away
      fchmodSync(fd, entry.mode & making.rights)
      futimesSync(fd, entry.mtime, entry.mtime)
    }
    whole = true
  } finally {
    closeSync(fd)
    if (!whole && !taken) attempt('unlinkat', [directory, cString(name), 0])
  }
  return entry.size
}

const PAGE = 4096
const ZEROS = Buffer.alloc(1 << 20)

const isHole = (piece: Piece): boolean =>
  typeof piece === 'number' ||
  (piece.length >= PAGE && piece.length <= ZEROS.length && piece.equals(ZEROS.subarray(0, piece.length)))

async function writeContent(fd: number, { content, size }: Entry): Promise<void> {
  let at = 0
  for await (const piece of content?.() ?? []) {
    const length = typeof piece === 'number' ? piece : piece.length
    if (!isHole(piece))
      for (let done = 0; done < length; ) done += writeSync(fd, piece as Buffer, done, length - done, at + done)
    at += length
  }
  ftruncateSync(fd, size) // holes at the end
}

function setAttributes(fd: number, { attributes }: Entry, making: Making): void {
  for (const [name, value] of attributes)
    if (making.attributes(name)) attempt('fsetxattr', [fd, cString(name), value, value.length, 0]) // where they can be
}

/** A second name for a file that was just copied: it is looked up as it was made, so it is none outside. */
function link(target: string, at: Buffer, making: Making): void {
  const [above, name] = split(target)
  const directory = making.directory(above)
  if (directory === undefined) throw refuse(target, 'a link leads to it, and it is not there')
  try {
    linkSync(inside(directory, name), at) // link(2) follows no symlink at the end
  } finally {
    closeSync(directory)
  }
}

function withFile(directory: number, name: string, action: (fd: number) => void): void {
  const fd = invoke('openat', [directory, cString(name), O.PATH + O.NOFOLLOW + O.CLOEXEC, 0])
  try {
    action(fd)
  } finally {
    closeSync(fd)
  }
}

/** fchmod(2) takes no descriptor without access; by this path the kernel means the same file. */
function chmodPath(fd: number, mode: number): void {
  if (fstatSync(fd).isSymbolicLink()) return // exchanged meanwhile
  invoke('fchmodat', [-1, pathOf(fd), mode])
}

function finishDirectory(entry: Entry, path: string, making: Making): void {
  const found = making.directory(path)
  if (found === undefined) return // gone meanwhile
  const fd = openSync(pathOf(found), O.RDONLY + O.DIRECTORY + O.CLOEXEC)
  closeSync(found)
  try {
    fchownSync(fd, ...making.owner(entry))
    setAttributes(fd, entry, making)
    fchmodSync(fd, entry.mode & making.rights)
    futimesSync(fd, entry.mtime, entry.mtime)
  } finally {
    closeSync(fd)
  }
}
