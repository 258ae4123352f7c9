// A tar archive becomes entries: POSIX's (ustar, pax) and GNU's, packed by gzip or zstd or not. It comes from a stranger.
// So no path of it leads up, nothing that it says makes us keep more than a little in memory, and what is cut off or
// garbled is said.
import { Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { makedev } from '../../kernel/device-number.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import type { Entry } from './entry.ts'

const BLOCK = 512
const LONGEST = 1 << 20 // bytes of an extended header
const refuse = (why: string): UsageError => new UsageError(`the tar archive ${why}`, 1)

/** Pieces of any length, taken in those that one wants. */
class Source {
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** The next bytes, `most` at most, one at least; undefined at the end. */
  async some(most: number): Promise<Buffer | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done) return undefined
      this.#rest = value
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  /** Exactly so many bytes; undefined where the end comes first, and nothing before it. */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing)
      if (!part && missing === length) return undefined
      if (!part) throw refuse('ends in the middle')
      parts.push(part)
      missing -= part.length
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  async *content(length: number): AsyncGenerator<Buffer> {
    for (let missing = length; missing > 0; ) {
      const part = await this.some(missing)
      if (!part) throw refuse('ends in the middle of a file')
      missing -= part.length
      yield part
    }
  }
}

/** A text up to its first NUL. */
function text(block: Buffer, at: number, length: number): string {
  const field = block.toString('latin1', at, at + length)
  const end = field.indexOf('\0')
  return end < 0 ? field : field.slice(0, end)
}

/** Octal digits; or, of GNU, a number in binary where the first bit is set. */
function number(block: Buffer, at: number, length: number): number {
  if ((block[at]! & 0x80) !== 0) {
    let value = block[at]! & 0x7f
    for (const byte of block.subarray(at + 1, at + length)) value = value * 256 + byte
    if (!Number.isSafeInteger(value)) throw refuse('has a number in it that is too large')
    return value
  }
  const digits = text(block, at, length).trim()
  if (!/^[0-7]*$/.test(digits)) throw refuse('has a header in it that is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function checkSum(block: Buffer): void {
  let sum = 8 * 32 // its own field counts as blanks
  for (const [i, byte] of block.entries()) if (i < 148 || i >= 156) sum += byte
  if (number(block, 148, 8) !== sum) throw refuse('has a header in it that is none')
}

/** Lines of LENGTH KEY=VALUE; a value may hold line ends. */
function readRecords(body: Buffer): Map<string, string> {
  const found = new Map<string, string>()
  const all = body.toString('latin1')
  for (let at = 0; at < all.length; ) {
    const [head, digits] = /^(\d{1,7}) /.exec(all.slice(at, at + 10)) ?? []
    const length = Number(digits)
    const equals = all.indexOf('=', at)
    if (head === undefined || length <= head.length || at + length > all.length || equals < 0 || equals >= at + length)
      throw refuse('has an extended header in it that is none')
    found.set(all.slice(at + head.length, equals), all.slice(equals + 1, at + length - 1))
    at += length
  }
  return found
}

/** A path below the top, without `.`; throws for one that leads up. */
function belowTop(path: string): string {
  const words = path.split('/').filter(word => word !== '' && word !== '.')
  if (words.includes('..')) throw refuse(`has a path in it that leads out: ${JSON.stringify(path.slice(0, 200))}`)
  return words.join('/')
}

const KINDS: Readonly<Record<string, Entry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
}
const FORMATS: Partial<Record<Entry['kind'], number>> = {
  file: 0o100000,
  link: 0o100000,
  symlink: 0o120000,
  directory: 0o040000,
  fifo: 0o010000,
}

const decimal = (value: string | undefined): number | undefined => {
  if (value === undefined) return undefined
  if (!/^-?\d+(\.\d*)?$/.test(value)) throw refuse('has an extended header in it that is none')
  return Number(value)
}

function toEntry(block: Buffer, more: ReadonlyMap<string, string>): Entry {
  const type = text(block, 156, 1) || '\0'
  const prefix = text(block, 257, 6) === 'ustar' ? text(block, 345, 155) : ''
  const short = text(block, 0, 100)
  const written = more.get('path') ?? (prefix ? `${prefix}/${short}` : short)
  const kind = KINDS[type] === 'file' && written.endsWith('/') ? 'directory' : KINDS[type]
  if (!kind) throw refuse(`has a kind of file in it that is not known: ${JSON.stringify(type)}`)
  const target = more.get('linkpath') ?? text(block, 157, 100)
  const size = decimal(more.get('size')) ?? number(block, 124, 12)
  const format = FORMATS[kind] ?? (type === '4' ? 0o060000 : 0o020000)
  return {
    path: belowTop(written),
    kind,
    mode: format | (number(block, 100, 8) & 0o7777),
    uid: decimal(more.get('uid')) ?? number(block, 108, 8),
    gid: decimal(more.get('gid')) ?? number(block, 116, 8),
    mtime: decimal(more.get('mtime')) ?? number(block, 136, 12),
    size: kind === 'file' ? size : 0,
    ...(kind === 'link' && { target: belowTop(target) }),
    ...(kind === 'symlink' && { target }),
    ...(kind === 'device' && { device: makedev(number(block, 329, 8), number(block, 337, 8)) }),
    attributes: new Map(
      [...more].flatMap(([key, value]) =>
        key.startsWith('SCHILY.xattr.') ? [[key.slice(13), Buffer.from(value, 'latin1')] as const] : [],
      ),
    ),
  }
}

const GZIP = Buffer.of(0x1f, 0x8b)
const ZSTD = Buffer.of(0x28, 0xb5, 0x2f, 0xfd)

/** Unpacks what is packed. */
async function* unpacked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = new Source(pieces)
  const first = await source.some(BLOCK)
  if (!first) throw refuse('is empty')
  async function* whole() {
    yield first!
    for (let next = await source.some(1 << 20); next; next = await source.some(1 << 20)) yield next
  }
  const is = (magic: Buffer) => first.subarray(0, magic.length).equals(magic)
  if (!is(GZIP) && !is(ZSTD)) return yield* whole()
  const unpacker = is(GZIP) ? createGunzip() : createZstdDecompress()
  const packed = Readable.from(whole())
  packed.on('error', error => unpacker.destroy(error))
  try {
    yield* packed.pipe(unpacker)
  } catch (error) {
    throw refuse(`cannot be unpacked: ${(error as Error).message}`)
  }
}

/** The entries of an archive. Whoever takes one reads its content before the next, or it is passed over. */
export async function* readTar(pieces: AsyncIterable<Buffer>): AsyncGenerator<Entry> {
  const source = new Source(unpacked(pieces))
  let more = new Map<string, string>()
  for (let block = await source.take(BLOCK); block; block = await source.take(BLOCK)) {
    if (block.every(byte => byte === 0)) break
    checkSum(block)
    const type = text(block, 156, 1)
    const length = number(block, 124, 12)
    if ('xgLK'.includes(type) && type !== '') {
      if (length > LONGEST) throw refuse('has an extended header in it that is too long')
      const body = (await source.take(length)) ?? Buffer.alloc(0)
      await source.take((BLOCK - (length % BLOCK)) % BLOCK)
      if (type === 'x') more = new Map([...more, ...readRecords(body)])
      else if (type !== 'g') more.set(type === 'L' ? 'path' : 'linkpath', text(body, 0, body.length))
      continue
    }
    const entry = toEntry(block, more)
    more = new Map()
    let read = 0
    const content = async function* () {
      for await (const piece of source.content(entry.size)) {
        read += piece.length
        yield piece
      }
    }
    yield entry.kind === 'file' ? { ...entry, content } : entry
    const rest = entry.kind === 'file' ? entry.size - read : length
    for await (const _ of source.content(rest)) {
    }
    const stored = entry.kind === 'file' ? entry.size : length
    await source.take((BLOCK - (stored % BLOCK)) % BLOCK)
  }
  for (let rest = await source.some(1 << 20); rest; rest = await source.some(1 << 20)) {} // who writes it shall get to its end
}
