// Files that are named by their content: `blobs/sha256/…` of an OCI image layout. Whoever asks for a blob gives its digest
// and size, and gets these bytes or an error, never others. OCI image-spec, descriptor.md.
import { createHash, type Hash } from 'node:crypto'
import { closeSync, createReadStream, fstatSync, readSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { UsageError } from '../kernel/usage-error.ts'
import { openInside } from './inside.ts'
import type { Fields } from './json.ts'

/** How a file refers to another one: what it is, what it is called, and how long it is. */
export interface Descriptor {
  readonly mediaType: string
  /** `sha256:` and 64 hexadecimal digits, small letters. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

const DIGITS: Record<string, number> = { sha256: 64, sha512: 128 }

/** Takes a digest apart. Throws UsageError for what is none; so nothing else ever becomes part of a path. */
export function parseDigest(digest: string): { algorithm: string; hex: string } {
  const [, algorithm = '', hex = ''] = /^([a-z0-9]+):([0-9a-f]+)$/.exec(digest) ?? []
  if (!Object.hasOwn(DIGITS, algorithm) || hex.length !== DIGITS[algorithm])
    throw new UsageError(`${JSON.stringify(digest.slice(0, 200))} is no digest: 'sha256:' and 64 hexadecimal digits`)
  return { algorithm, hex }
}

export function toDescriptor(fields: Fields): Descriptor {
  const digest = fields.string('digest')
  parseDigest(digest)
  return { mediaType: fields.string('mediaType'), digest, size: fields.count('size') }
}

const pathOf = (digest: string): string => {
  const { algorithm, hex } = parseDigest(digest)
  return `blobs/${algorithm}/${hex}`
}

const differs = (digest: string, found: string): UsageError =>
  new UsageError(`the content of ${pathOf(digest)} is not what its name says: its digest is ${found}`)

/** Opens a blob of the layout `root`, a directory or a descriptor of one, if it is as long as it should be. */
function openBlob(root: string | number, { digest, size }: Descriptor): number {
  const path = pathOf(digest)
  const fd = openInside(root, path)
  if (fd === undefined) throw new UsageError(`there is no ${path}`)
  const { size: length } = fstatSync(fd)
  if (length === size) return fd
  closeSync(fd)
  throw new UsageError(`${path} has ${length} bytes, and whoever refers to it says ${size}`)
}

/** Hashes what is left to read of a file; at most `size` bytes, so that nobody keeps us busy by appending. */
function hashFile(fd: number, size: number, hash: Hash, keep?: Buffer[]): void {
  const chunk = Buffer.alloc(1 << 16)
  let length = 0
  for (let n = -1; n !== 0 && length <= size; length += n) {
    n = readSync(fd, chunk, 0, chunk.length, null)
    hash.update(chunk.subarray(0, n))
    if (n > 0) keep?.push(Buffer.from(chunk.subarray(0, n)))
  }
}

function checked(root: string | number, blob: Descriptor, keep?: Buffer[]): void {
  const { algorithm } = parseDigest(blob.digest)
  const fd = openBlob(root, blob)
  try {
    const hash = createHash(algorithm)
    hashFile(fd, blob.size, hash, keep)
    const found = `${algorithm}:${hash.digest('hex')}`
    if (found !== blob.digest) throw differs(blob.digest, found)
  } finally {
    closeSync(fd)
  }
}

/** Reads a blob, whole. Throws UsageError where it is not there, too large, or not what its name and size say. */
export function readBlob(root: string | number, blob: Descriptor, maxBytes: number): Buffer {
  if (blob.size > maxBytes)
    throw new UsageError(
      `${pathOf(blob.digest)} has ${blob.size} bytes; for this kind of file ${maxBytes} are the most`,
    )
  const chunks: Buffer[] = []
  checked(root, blob, chunks)
  return Buffer.concat(chunks)
}

/** Reads a blob of any size and keeps nothing of it. Throws UsageError as `readBlob` does. */
export const verifyBlob = (root: string | number, blob: Descriptor): void => checked(root, blob)

/** How the tar of a layer is packed. */
export type Compression = 'none' | 'gzip' | 'zstd'

const unpacker = { none: () => new PassThrough(), gzip: createGunzip, zstd: createZstdDecompress }

/**
 * The digest of what a blob holds when it is unpacked, as `algorithm:hex`: to compare with a diff_id. Throws UsageError
 * for what cannot be unpacked, and where that has more than `maxBytes`.
 */
export async function contentDigest(
  root: string | number,
  blob: Descriptor,
  compression: Compression,
  { algorithm = 'sha256', maxBytes = 2 ** 36 } = {},
): Promise<string> {
  const hash = createHash(algorithm)
  let length = 0
  const bounded = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      length += chunk.length
      if (length > maxBytes) throw new UsageError(`${pathOf(blob.digest)} unpacks to more than ${maxBytes} bytes`)
      hash.update(chunk)
    }
  }
  const packed = createReadStream('', { fd: openBlob(root, blob), highWaterMark: 1 << 18 })
  try {
    await pipeline(packed, unpacker[compression](), bounded)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${pathOf(blob.digest)} is no ${compression}: ${(error as Error).message}`)
  }
  return `${algorithm}:${hash.digest('hex')}`
}
