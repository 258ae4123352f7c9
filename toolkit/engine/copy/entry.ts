// What is copied: a tree of files as a list, each directory before what is in it. A tar archive is such a list, and so is
// a walk through a tree; whoever takes one need not know which.
//
// Paths and names are bytes to the kernel, and not all of them are UTF-8. So here they are strings of one character a
// byte (latin1), which keep them all.

export interface Entry {
  /** From the top of what is copied, without a slash at either end; '' is the top itself. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'link' | 'device' | 'fifo'
  /** st_mode: the type, and twelve bits of rights. */
  readonly mode: number
  /** As those who see the tree from inside its user namespace count. */
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970. */
  readonly mtime: number
  /** Bytes of a file's content. */
  readonly size: number
  /** What a symlink says; of a link the path of an entry that came before. */
  readonly target?: string
  /** Of a device: as in st_rdev. */
  readonly device?: number
  readonly attributes: ReadonlyMap<string, Buffer>
  /** Of a file: exactly `size` bytes, in pieces; a number is so many zeros that take no space. Can be asked for once. */
  readonly content?: () => AsyncIterable<Piece> | Iterable<Piece>
}

export type Piece = Buffer | number

export type Entries = AsyncIterable<Entry> | Iterable<Entry>

/** As the kernel takes it. */
export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
export const cString = (text: string): Buffer => Buffer.from(`${text}\0`, 'latin1')
/** Of a text that a person wrote. */
export const fromText = (text: string): string => Buffer.from(text).toString('latin1')
/** For a person. */
export const toText = (path: string): string => bytes(path).toString('utf8')

/** The directory and the name in it; of a path without a slash the directory is ''. */
export function split(path: string): readonly [directory: string, name: string] {
  const at = path.lastIndexOf('/')
  return at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)]
}
