// An image as a directory: the OCI image layout. Three kinds of small JSON files and the layers, each but two named by its
// content. Reads and verifies; unpacks nothing. OCI image-spec 1.1: image-layout.md, image-index.md, manifest.md, config.md.
//
//   oci-layout     the version of all this
//   index.json     which manifests there are
//   blobs/sha256/  manifest → config and layers
//
// An image comes from a stranger. So no name in it becomes a path but digests, links stay inside the directory, each file
// has a largest size, and bytes that are not those of their digest are never parsed.
import { closeSync, openSync } from 'node:fs'
import { O } from '../kernel/constants.ts'
import { UsageError } from '../kernel/usage-error.ts'
import {
  type Compression,
  contentDigest,
  type Descriptor,
  parseDigest,
  readBlob,
  toDescriptor,
  verifyBlob,
} from './blobs.ts'
import { readInside } from './inside.ts'
import { type Fields, parseObject } from './json.ts'

/** A layer: a tar archive of changes, packed or not. */
export interface Layer extends Descriptor {
  readonly compression: Compression
  /** The digest of the tar itself, when it is unpacked. */
  readonly diffId: string
}

/** What the program of an image needs to be told. */
export interface ImageConfig {
  readonly architecture: string
  readonly os: string
  /** NAME=value. */
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  /** Empty where the image does not say. */
  readonly workingDir: string
  readonly user: string
}

export interface Image {
  /** `org.opencontainers.image.ref.name` of its line in index.json; undefined where that has none. */
  readonly name: string | undefined
  readonly manifest: Descriptor
  readonly config: ImageConfig
  /** The lowest first, as the manifest lists them. An overlay wants them the other way round. */
  readonly layers: readonly Layer[]
}

const INDEX = 'application/vnd.oci.image.index.v1+json'
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYERS: Record<string, Compression> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zstd',
}

const MAX_JSON = 4 << 20 // bytes; what registries take for a manifest
const MAX_IMAGES = 1000
const MAX_DEPTH = 4 // of an index in an index

/**
 * Reads all images of a layout and verifies every blob that they refer to: its size and its digest. What the layers
 * unpack to is for `verifyContent`. Throws a UsageError that names the file and what is wrong with it.
 */
export function readLayout(directory: string): Image[] {
  const root = openLayout(directory)
  try {
    const version = parseObject(file(root, 'oci-layout'), 'oci-layout').string('imageLayoutVersion')
    if (!/^1\./.test(version))
      throw new UsageError(`oci-layout: the version is ${JSON.stringify(version)}; 1.0.0 can be read`)
    const images = imagesOf(root, parseObject(file(root, 'index.json'), 'index.json'), 0, new Set())
    const layers = new Map(images.flatMap(image => image.layers.map(layer => [`${layer.digest} ${layer.size}`, layer])))
    for (const layer of layers.values()) verifyBlob(root, layer) // once, however many images share it
    return images
  } finally {
    closeSync(root)
  }
}

/**
 * Unpacks each layer of an image in memory, piece by piece, and compares its digest with the config's diff_id. Throws
 * UsageError for the first that differs.
 */
export async function verifyContent(directory: string, { layers }: Image): Promise<void> {
  for (const layer of layers) {
    const { algorithm } = parseDigest(layer.diffId)
    const root = openLayout(directory)
    try {
      const found = await contentDigest(root, layer, layer.compression, { algorithm })
      if (found !== layer.diffId)
        throw new UsageError(`the layer ${layer.digest} unpacks to ${found}; the config says ${layer.diffId}`)
    } finally {
      closeSync(root)
    }
  }
}

/** Held open, so that all files are of the same directory, whatever becomes of its name. */
function openLayout(directory: string): number {
  try {
    return openSync(directory, O.PATH | O.DIRECTORY)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    throw new UsageError(`there is no directory ${directory}`)
  }
}

function file(root: number, name: string): Buffer {
  const bytes = readInside(root, name, MAX_JSON)
  if (!bytes) throw new UsageError(`there is no ${name}; an OCI image layout has one`)
  return bytes
}

/** The small file that a descriptor leads to, if it says of itself what the descriptor says. */
function document(root: number, { mediaType, digest, size }: Descriptor): Fields {
  const fields = parseObject(readBlob(root, { mediaType, digest, size }, MAX_JSON), digest)
  const own = mediaType === CONFIG ? undefined : fields.optionalString('mediaType')
  if (own !== undefined && own !== mediaType)
    fields.refuse(`it calls itself ${own}, and whoever refers to it says ${mediaType}`)
  return fields
}

/** An index or a manifest begins with a version, and is one of the two: not both (CVE-2021-41190). */
function checkKind(fields: Fields, wanted: 'manifests' | 'layers'): void {
  if (fields.count('schemaVersion') !== 2) fields.refuse('schemaVersion is not 2')
  const foreign = wanted === 'manifests' ? ['layers', 'config'] : ['manifests']
  const other = foreign.find(key => fields.has(key))
  if (other) fields.refuse(`it has both ${wanted} and ${other}, and could be taken for something else`)
}

function imagesOf(root: number, index: Fields, depth: number, seen: Set<string>): Image[] {
  checkKind(index, 'manifests')
  if (depth > MAX_DEPTH) index.refuse(`more than ${MAX_DEPTH} of them lie one in the other`)
  const own = index.optionalString('mediaType')
  if (own !== undefined && own !== INDEX) index.refuse(`its mediaType is ${own}, not ${INDEX}`)
  return index.objects('manifests').flatMap(entry => {
    const descriptor = toDescriptor(entry)
    const name = entry.optionalObject('annotations')?.optionalString('org.opencontainers.image.ref.name')
    if (descriptor.mediaType === INDEX) {
      if (seen.has(descriptor.digest)) return [] // in an index twice; in itself it cannot be, it would know its own digest
      seen.add(descriptor.digest)
      return imagesOf(root, document(root, descriptor), depth + 1, seen)
    }
    if (descriptor.mediaType !== MANIFEST) return [] // something else than an image may be kept here, too
    if (seen.size >= MAX_IMAGES) index.refuse(`it has more than ${MAX_IMAGES} images`)
    seen.add(`${descriptor.digest} ${name}`)
    return [imageOf(root, descriptor, name)]
  })
}

function imageOf(root: number, manifest: Descriptor, name: string | undefined): Image {
  const fields = document(root, manifest)
  checkKind(fields, 'layers')
  const about = toDescriptor(fields.object('config'))
  if (about.mediaType !== CONFIG) fields.refuse(`its config is a ${about.mediaType}, so this is no image to run`)
  const config = document(root, about)
  const rootfs = config.object('rootfs')
  if (rootfs.string('type') !== 'layers') rootfs.refuse('type is not layers')
  const diffIds = rootfs.strings('diff_ids')
  const layers = fields.objects('layers')
  if (layers.length !== diffIds.length)
    fields.refuse(`it has ${layers.length} layers, and its config ${diffIds.length} diff_ids`)
  return { name, manifest, config: configOf(config), layers: layers.map((layer, i) => layerOf(layer, diffIds[i]!)) }
}

function layerOf(fields: Fields, diffId: string): Layer {
  const descriptor = toDescriptor(fields)
  const { mediaType } = descriptor
  if (!Object.hasOwn(LAYERS, mediaType))
    fields.refuse(`mediaType is ${JSON.stringify(mediaType)}, no layer that is known`)
  const compression = LAYERS[mediaType]!
  const [packed, unpacked] = [parseDigest(descriptor.digest), parseDigest(diffId)]
  if (compression === 'none' && packed.algorithm === unpacked.algorithm && packed.hex !== unpacked.hex)
    fields.refuse(`it is not packed, so its digest should be the diff_id of the config, ${diffId}`)
  return { ...descriptor, compression, diffId }
}

function configOf(fields: Fields): ImageConfig {
  const run = fields.optionalObject('config')
  return {
    architecture: fields.string('architecture'),
    os: fields.string('os'),
    env: run?.optionalStrings('Env') ?? [],
    entrypoint: run?.optionalStrings('Entrypoint') ?? [],
    cmd: run?.optionalStrings('Cmd') ?? [],
    workingDir: run?.optionalString('WorkingDir') ?? '',
    user: run?.optionalString('User') ?? '',
  }
}
