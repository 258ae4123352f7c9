// What lies in image/blobs/sha256, as the checks of tasks 3 to 6 see it.
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { orGone } from '../../toolkit/observe/read.ts'
import type { Scene } from '../lesson.ts'
import { find, isFound, readBytes } from '../look.ts'
import { readTar, type TarEntry } from './tar.ts'

export const BLOBS = '/lab/image/blobs/sha256'
const MOST = 40
export const MAX_BYTES = 16 << 20

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export interface Blob {
  /** Its file name. */
  readonly name: string
  /** The digest of its content: the same, if the name is right. */
  readonly digest: string
  readonly bytes: Buffer
}

/** A blob that is a tar packed by gzip. */
export interface PackedLayer extends Blob {
  readonly diffId: string
  readonly entries: readonly TarEntry[]
}

/** All regular files there; undefined without that directory. */
export function readBlobs(scene: Scene): Blob[] | undefined {
  const directory = find(scene, BLOBS)
  if (!isFound(directory)) return undefined
  const names = orGone(() => readdirSync(directory.hostPath).sort()) ?? []
  return names.slice(0, MOST).flatMap(name => {
    const bytes = readBytes(scene, `${BLOBS}/${name}`, MAX_BYTES)
    return bytes ? [{ name, bytes, digest: sha256(bytes) }] : []
  })
}

const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** What gzip has packed; undefined for what it has not. */
export function unpack(bytes: Buffer): Buffer | undefined {
  if (!isGzip(bytes)) return undefined
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES })
  } catch {
    return undefined // cut off, or much too large
  }
}

const MOST_KNOWN = 20
// By digest: a check looks twice a second, and the same bytes unpack to the same.
const known = new Map<string, Pick<PackedLayer, 'diffId' | 'entries'> | undefined>()

function toLayer(blob: Blob): PackedLayer | undefined {
  if (!known.has(blob.digest)) {
    const tar = unpack(blob.bytes)
    const entries = tar && readTar(tar)
    if (known.size >= MOST_KNOWN) known.clear()
    known.set(blob.digest, tar && entries && { diffId: sha256(tar), entries })
  }
  const found = known.get(blob.digest)
  return found && { ...blob, ...found }
}

export const hasName = (entries: readonly TarEntry[], name: string): boolean =>
  entries.some(entry => entry.name === name)

/** The two layers among the blobs, each told by a file that only it has. */
export function findLayers(scene: Scene, blobs: readonly Blob[]) {
  const layers = blobs.map(toLayer).filter(layer => layer !== undefined)
  const whiteout = `etc/.wh.${scene.values.secret}`
  return {
    base: layers.find(({ entries }) => hasName(entries, 'bin/busybox')),
    changes: layers.find(({ entries }) => hasName(entries, whiteout)),
  }
}
