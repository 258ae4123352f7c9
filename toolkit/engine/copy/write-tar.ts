// Entries become a tar archive, as pax(1) writes it: a header of 512 bytes, the content, zeros up to the next 512. What
// does not fit a header (long paths, large numbers, attributes) stands in a header of its own before it. POSIX.1-2001.
import { deviceNumber } from '../../kernel/device-number.ts'
import { bytes, type Entries, type Entry, type Piece, split } from './entry.ts'

const BLOCK = 512
const TYPES = { file: '0', link: '1', symlink: '2', directory: '5', fifo: '6' } as const
const S_IFMT = 0o170000
const S_IFBLK = 0o060000

const typeOf = ({ kind, mode }: Entry): string =>
  kind === 'device' ? ((mode & S_IFMT) === S_IFBLK ? '4' : '3') : TYPES[kind]

interface Header {
  readonly path: string
  readonly target: string
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly device?: number
}

const fits = (number: number, digits: number): boolean =>
  Number.isInteger(number) && number >= 0 && number < 8 ** digits

function encodeHeader({ path, target, type, mode, uid, gid, size, mtime, device = 0 }: Header): Buffer {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, digits: number) =>
    void block.write((fits(value, digits) ? value : 0).toString(8).padStart(digits, '0'), at, 'latin1')
  block.write(path.slice(0, 100), 0, 'latin1')
  octal(mode & 0o7777, 100, 7)
  octal(uid, 108, 7)
  octal(gid, 116, 7)
  octal(size, 124, 11)
  octal(Math.floor(mtime), 136, 11)
  block.write(type, 156, 'latin1')
  block.write(target.slice(0, 100), 157, 'latin1')
  block.write('ustar\u000000', 257, 'latin1')
  const { major, minor } = deviceNumber(device)
  octal(major, 329, 7)
  octal(minor, 337, 7)
  block.fill(' ', 148, 156) // the sum is made as if it were blanks
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  )
  block[154] = 0
  return block
}

/** A line of an extended header says its own length, in which that number is counted, too. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return `${length}${rest}`
}

const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text)

/** What its header cannot say. Paths are bytes there; an extended header has UTF-8, and those that are none as they are. */
function extended(header: Header, { attributes, mtime }: Entry): string {
  const { path, target, uid, gid, size } = header
  const lines: [string, string][] = [
    ...(path.length > 100 || !isAscii(path) ? [['path', path] as [string, string]] : []),
    ...(target.length > 100 || !isAscii(target) ? [['linkpath', target] as [string, string]] : []),
    ...(fits(uid, 7) ? [] : [['uid', String(uid)] as [string, string]]),
    ...(fits(gid, 7) ? [] : [['gid', String(gid)] as [string, string]]),
    ...(fits(size, 11) ? [] : [['size', String(size)] as [string, string]]),
    ...(Number.isInteger(mtime) ? [] : [['mtime', mtime.toFixed(9)] as [string, string]]),
    ...[...attributes].map(([name, value]): [string, string] => [`SCHILY.xattr.${name}`, value.toString('latin1')]),
  ]
  return lines.map(([key, value]) => record(key, value)).join('')
}

const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)

function* headersOf(entry: Entry, name: (path: string) => string): Generator<Buffer> {
  const { kind, mode, uid, gid, size, mtime, device } = entry
  const path = `${name(entry.path)}${kind === 'directory' ? '/' : ''}`
  const target = kind === 'link' ? name(entry.target!) : (entry.target ?? '')
  const header: Header = { path, target, type: typeOf(entry), mode, uid, gid, size, mtime, ...(device && { device }) }
  const more = bytes(extended(header, entry))
  if (more.length > 0) {
    const about = { path: `PaxHeaders/${split(path.replace(/\/$/, ''))[1]}`, target: '', type: 'x', mode: 0o644 }
    yield encodeHeader({ ...about, uid: 0, gid: 0, size: more.length, mtime: 0 })
    yield more
    yield padding(more.length)
  }
  yield encodeHeader(header)
}

const ZEROS = Buffer.alloc(1 << 20)

function* spell(piece: Piece): Generator<Buffer> {
  if (typeof piece !== 'number') yield piece
  else for (let left = piece; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length))
}

/** The archive in pieces. `name`: what an entry is called in it. */
export async function* writeTar(entries: Entries, name: (path: string) => string): AsyncGenerator<Buffer> {
  for await (const entry of entries) {
    yield* headersOf(entry, name)
    for await (const piece of entry.content?.() ?? []) yield* spell(piece)
    if (entry.size > 0) yield padding(entry.size)
  }
  yield Buffer.alloc(2 * BLOCK)
}
