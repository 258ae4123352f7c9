// An image layout of ours, and what a stranger can do to one.
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { parseDigest, readBlob } from '../../toolkit/image/blobs.ts'
import { readLayout, verifyContent } from '../../toolkit/image/layout.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'

const top = mkdtempSync(`${tmpdir()}/layout-`)
afterAll(() => rmSync(top, { recursive: true }))

const sha256 = (bytes: Uint8Array | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const V1 = 'application/vnd.oci.image'
const TAR = `${V1}.layer.v1.tar`

/** What the three kinds of documents have, between them. */
interface Parts {
  readonly manifests: readonly object[]
  readonly layers: readonly object[]
  readonly config: object
  readonly rootfs: { readonly diff_ids: readonly string[] }
}

let count = 0

/** A layout with one image of two layers. Each part can be changed before it is written, and its digest follows. */
function make(change: { [part in 'config' | 'manifest' | 'index']?: (value: Parts) => unknown } = {}) {
  const directory = `${top}/${++count}`
  mkdirSync(`${directory}/blobs/sha256`, { recursive: true })
  const pathOf = (digest: string) => `${directory}/blobs/sha256/${digest.slice(7)}`
  const put = (mediaType: string, bytes: Uint8Array) => {
    const digest = sha256(bytes)
    writeFileSync(pathOf(digest), bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const json = (part: keyof typeof change, value: unknown) =>
    Buffer.from(JSON.stringify(change[part] ? change[part](value as Parts) : value))
  const tars = [Buffer.alloc(200_000, 'lower'), Buffer.alloc(10_240, 'upper')]
  const layers = [put(TAR, tars[0]!), put(`${TAR}+gzip`, gzipSync(tars[1]!))]
  const config = put(
    `${V1}.config.v1+json`,
    json('config', {
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['A=b'], Cmd: ['/bin/sh'] },
      rootfs: { type: 'layers', diff_ids: tars.map(sha256) },
    }),
  )
  const manifest = put(`${V1}.manifest.v1+json`, json('manifest', { schemaVersion: 2, config, layers }))
  const annotations = { 'org.opencontainers.image.ref.name': 'hello' }
  writeFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(
    `${directory}/index.json`,
    json('index', { schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  )
  return { directory, manifest, config, layers, pathOf, put, tars }
}

/** What `readLayout` says about a broken one. */
function complaint(directory: string): string {
  try {
    readLayout(directory)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'no complaint'
}

describe('an image layout', () => {
  test('is read', async () => {
    const { directory, manifest, layers, tars } = make()
    const [image] = readLayout(directory)
    expect(image).toEqual({
      name: 'hello',
      manifest,
      config: {
        architecture: 'amd64',
        os: 'linux',
        env: ['A=b'],
        entrypoint: [],
        cmd: ['/bin/sh'],
        workingDir: '',
        user: '',
      },
      layers: [
        { ...layers[0], compression: 'none', diffId: sha256(tars[0]!) },
        { ...layers[1], compression: 'gzip', diffId: sha256(tars[1]!) },
      ],
    })
    await expect(verifyContent(directory, image!)).resolves.toBeUndefined()
  })

  test('a layer that unpacks to something else is found', async () => {
    const other = sha256('something else')
    const { directory } = make({
      config: config => ({ ...config, rootfs: { type: 'layers', diff_ids: [config.rootfs.diff_ids[0], other] } }),
    })
    const [image] = readLayout(directory)
    await expect(verifyContent(directory, image!)).rejects.toThrow(`the config says ${other}`)
  })

  test('a layer that is not packed as it says is found', async () => {
    const { directory } = make({
      manifest: manifest => ({
        ...manifest,
        layers: [manifest.layers[0], { ...manifest.layers[1], mediaType: `${TAR}+zstd` }],
      }),
    })
    const [image] = readLayout(directory)
    await expect(verifyContent(directory, image!)).rejects.toThrow('is no zstd')
  })

  test('zstd, and an index in an index', async () => {
    const { directory, put, tars, config } = make()
    const layer = put(`${TAR}+zstd`, zstdCompressSync(tars[1]!))
    const plain = put(TAR, tars[0]!)
    const entry = (value: object, kind: string) => put(`${V1}.${kind}.v1+json`, Buffer.from(JSON.stringify(value)))
    const manifest = entry({ schemaVersion: 2, config, layers: [plain, layer] }, 'manifest')
    const inner = entry({ schemaVersion: 2, manifests: [manifest] }, 'index')
    writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [inner, inner] }))
    const images = readLayout(directory)
    expect(images.map(({ name, layers }) => [name, layers.map(({ compression }) => compression)])).toEqual([
      [undefined, ['none', 'zstd']],
    ])
    await verifyContent(directory, images[0]!)
  })

  test('a key called __proto__ is only a key', () => {
    const { directory } = make({
      config: config =>
        JSON.parse(
          JSON.stringify({ ...config, config: {} }).replace('"config":{}', '"config":{"__proto__":{"Cmd":["evil"]}}'),
        ),
    })
    expect(readLayout(directory)[0]?.config.cmd).toEqual([])
  })
})

describe('refused:', () => {
  test('one byte changed, in any blob', () => {
    for (const which of ['manifest', 'config', 'lower', 'upper'] as const) {
      const image = make()
      const { digest } = { ...image, lower: image.layers[0]!, upper: image.layers[1]! }[which]
      const bytes = readFileSync(image.pathOf(digest))
      bytes[bytes.length >> 1]! ^= 1
      writeFileSync(image.pathOf(digest), bytes)
      expect(complaint(image.directory), which).toBe(
        `the content of blobs/sha256/${digest.slice(7)} is not what its name says: its digest is ${sha256(bytes)}`,
      )
    }
  })

  test('a byte too many, and a blob that is missing', () => {
    const image = make()
    const path = image.pathOf(image.layers[0]!.digest)
    appendFileSync(path, 'x')
    expect(complaint(image.directory)).toContain('has 200001 bytes, and whoever refers to it says 200000')
    rmSync(path)
    expect(complaint(image.directory)).toBe(`there is no blobs/sha256/${image.layers[0]!.digest.slice(7)}`)
  })

  test('a link that leads out', () => {
    const { directory, layers, pathOf } = make()
    const path = pathOf(layers[0]!.digest)
    const outside = `${top}/outside`
    renameSync(path, outside) // the right bytes, but not in the layout
    symlinkSync(outside, path)
    expect(complaint(directory)).toMatch(/^there is no blobs/)
    rmSync(path)
    symlinkSync('/proc/self/exe', path)
    expect(complaint(directory)).toMatch(/^there is no blobs/)
  })

  test.each([
    ['sha256:../../../../etc/passwd'],
    [`sha256:${'a'.repeat(63)}`],
    [`sha256:${'a'.repeat(65)}`],
    [`sha256:${'A'.repeat(64)}`],
    [`md5:${'a'.repeat(32)}`],
    [`__proto__:${'a'.repeat(64)}`],
    [`sha256:${'a'.repeat(64)}\n`],
    [''],
  ])('%j as a digest', digest => {
    expect(() => parseDigest(digest)).toThrow('is no digest')
    const { directory } = make({ index: index => ({ ...index, manifests: [{ ...index.manifests[0], digest }] }) })
    expect(complaint(directory)).toContain('is no digest')
  })

  test.each([
    ['both an index and a manifest', 'index', (value: object) => ({ ...value, layers: [] }), 'has both'],
    ['both a manifest and an index', 'manifest', (value: object) => ({ ...value, manifests: [] }), 'has both'],
    ['another version', 'index', (value: object) => ({ ...value, schemaVersion: 1 }), 'schemaVersion is not 2'],
    ['a list instead of an object', 'index', () => [], 'index.json is a list, not an object'],
    ['null for the layers', 'manifest', (value: object) => ({ ...value, layers: null }), 'layers is null, not a list'],
    ['a number for a name', 'config', (value: object) => ({ ...value, os: 7 }), 'os is 7, not a string'],
    [
      'a manifest that calls itself an index',
      'manifest',
      (value: object) => ({ ...value, mediaType: `${V1}.index.v1+json` }),
      'it calls itself',
    ],
    [
      'fewer diff_ids than layers',
      'config',
      (value: object) => ({ ...value, rootfs: { type: 'layers', diff_ids: [] } }),
      '2 layers, and its config 0 diff_ids',
    ],
    [
      'a negative size',
      'index',
      (value: Parts) => ({ ...value, manifests: [{ ...value.manifests[0], size: -1 }] }),
      'size is -1, not a whole number',
    ],
    [
      'a layer of an unknown kind',
      'manifest',
      (value: Parts) => ({ ...value, layers: [value.layers[0], { ...value.layers[1], mediaType: 'text/plain' }] }),
      'no layer that is known',
    ],
    [
      'a tar with another diff_id',
      'config',
      (value: Parts) => ({ ...value, rootfs: { type: 'layers', diff_ids: value.rootfs.diff_ids.toReversed() } }),
      'it is not packed',
    ],
    [
      'a config that is no image’s',
      'manifest',
      (value: Parts) => ({ ...value, config: { ...value.config, mediaType: 'text/plain' } }),
      'this is no image to run',
    ],
  ] as const)('%s', (_, part, change, expected) => {
    expect(complaint(make({ [part]: change }).directory)).toContain(expected)
  })

  test('an index in an index in an index …', () => {
    const { directory, put } = make()
    let entry = JSON.parse(readFileSync(`${directory}/index.json`, 'utf8')).manifests[0]
    for (let i = 0; i < 100; i++)
      entry = put(`${V1}.index.v1+json`, Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry] })))
    writeFileSync(`${directory}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [entry] }))
    expect(complaint(directory)).toContain('lie one in the other')
  })

  test('what is no layout', () => {
    expect(complaint(`${top}/none`)).toBe(`there is no directory ${top}/none`)
    const empty = `${top}/empty`
    mkdirSync(empty)
    expect(complaint(empty)).toBe('there is no oci-layout; an OCI image layout has one')
    writeFileSync(`${empty}/oci-layout`, '{"imageLayoutVersion":"2.0.0"}')
    expect(complaint(empty)).toContain('the version is "2.0.0"')
    writeFileSync(`${empty}/oci-layout`, Buffer.from([0xff, 0xfe]))
    expect(complaint(empty)).toContain('oci-layout is no JSON')
  })

  test('a file of JSON that is too large', () => {
    const { directory, put } = make()
    const blob = put('text/plain', Buffer.alloc(5 << 20))
    expect(() => readBlob(directory, blob, 4 << 20)).toThrow('4194304 are the most')
    writeFileSync(`${directory}/index.json`, Buffer.alloc(5 << 20, ' '))
    expect(complaint(directory)).toContain('larger than')
  })
})
