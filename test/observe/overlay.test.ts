// The layers of an overlay, read from lines as the kernel writes them and from a real mount.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import { parseMount } from '../../toolkit/observe/mounts.ts'
import { overlayLayers } from '../../toolkit/observe/overlay.ts'

const line = (type: string, options: string) =>
  parseMount(`47 1 0:66 / /seen rw,relatime - ${type} overlay ${options}`)!

describe('the layers of an overlay', () => {
  test.each([
    ['rw,lowerdir=a:/b,upperdir=u,workdir=w,uuid=on', { lower: ['a', '/b'], upper: 'u', work: 'w' }],
    ['ro,lowerdir=/a:/b', { lower: ['/a', '/b'], upper: undefined, work: undefined }],
    ['rw,lowerdir+=/a:1,lowerdir+=/b', { lower: ['/a:1', '/b'], upper: undefined, work: undefined }],
    [String.raw`rw,lowerdir=/x\134:y\054z:/b`, { lower: ['/x:y,z', '/b'], upper: undefined, work: undefined }],
    ['rw,lowerdir=/a:/b::/data', { lower: ['/a', '/b'], upper: undefined, work: undefined }],
  ])('of %s', (options, layers) => {
    expect(overlayLayers(line('overlay', options))).toEqual(layers)
  })

  test('another file system has none', () => {
    expect(overlayLayers(line('tmpfs', 'rw,lowerdir=/a'))).toBeUndefined()
  })
})

describe.runIf(process.getuid?.() === 0)('a real overlay', () => {
  let directory: string | undefined
  afterEach(() => directory && rmSync(directory, { recursive: true }))

  test('with odd names', () => {
    directory = mkdtempSync(`${tmpdir()}/overlay-`)
    const script = `mount -t tmpfs tmpfs "$1"; cd "$1"; mkdir b a:c u w seen
mount -t overlay overlay -o 'lowerdir=b:a\\:c,upperdir=u,workdir=w' seen; grep ' - overlay ' /proc/self/mountinfo`
    const lines = execFileSync('unshare', ['-m', 'sh', '-ec', script, 'sh', directory], { encoding: 'utf8' }).split(
      '\n',
    )
    const mount = lines.map(parseMount).find(found => found?.mountPoint === `${directory}/seen`)
    expect(overlayLayers(mount!)).toEqual({ lower: ['b', 'a:c'], upper: 'u', work: 'w' })
  })
})
