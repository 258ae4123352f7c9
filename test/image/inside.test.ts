// What an image can put at the place of a file that we read, and what we make of it.
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { readInside } from '../../toolkit/image/inside.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'

const host = mkdtempSync('/tmp/host-')
const root = `${host}/root`
mkdirSync(`${root}/etc`, { recursive: true })
afterAll(() => rmSync(host, { recursive: true }))
writeFileSync(`${host}/witness`, 'secret')
writeFileSync(`${root}/etc/passwd`, 'root:x:0:0::/:/bin/sh\n')
writeFileSync(`${root}/witness`, 'the image’s own')

const read = (path: string, maxBytes?: number) => readInside(root, path, maxBytes)?.toString()
const link = (target: string, name: string) => symlinkSync(target, `${root}/${name}`)

describe('readInside', () => {
  test('a file, a missing one, and one below a file', () => {
    expect(read('/etc/passwd')).toBe('root:x:0:0::/:/bin/sh\n')
    expect(read('etc/passwd')).toBe('root:x:0:0::/:/bin/sh\n')
    expect(read('/etc/nosuch')).toBeUndefined()
    expect(read('/etc/passwd/x')).toBeUndefined()
  })

  test('a root that is given as a descriptor is used and stays open', () => {
    const fd = openSync(root, 'r')
    expect(readInside(fd, '/witness')?.toString()).toBe('the image’s own')
    expect(readInside(fd, '/witness')?.toString()).toBe('the image’s own')
    closeSync(fd)
  })

  test('no link leads out', () => {
    link('../../witness', 'up')
    link(`${host}/witness`, 'absolute')
    link('/witness', 'inside')
    link('../../..', 'etc/above')
    expect(read('/up')).toBe('the image’s own') // .. of the root is the root
    expect(read('/absolute')).toBeUndefined()
    expect(read('/inside')).toBe('the image’s own')
    expect(read('/etc/above/witness')).toBe('the image’s own')
    expect(read('/../../witness')).toBe('the image’s own')
  })

  test('links in a circle', () => {
    link('circle', 'circle')
    expect(() => read('/circle')).toThrow(/^\/.* of the image is behind links that lead in a circle/)
  })

  test('magic links lead nowhere, where the image shows /proc', () => {
    for (const path of ['/proc/self/root/etc/passwd', '/proc/self/cwd/package.json', '/proc/self/exe'])
      expect(() => readInside('/', path)).toThrow(/^\/.* of the image is behind links that lead in a circle/)
  })

  test('a directory, a FIFO, a device: refused at once', () => {
    mkdirSync(`${root}/directory`)
    expect(spawnSync('mkfifo', [`${root}/fifo`]).status).toBe(0)
    for (const path of ['/directory', '/fifo'])
      expect(() => read(path)).toThrow(new UsageError(`${path} of the image is not a regular file, so it is not read`))
    expect(() => readInside('/dev', '/zero')).toThrow(/not a regular file/)
  })

  test('five gigabytes of nothing are not read', () => {
    writeFileSync(`${root}/sparse`, '')
    truncateSync(`${root}/sparse`, 5 * 2 ** 30)
    expect(() => read('/sparse')).toThrow('/sparse of the image is larger than 1048576 bytes, so it is not read')
    writeFileSync(`${root}/ten`, '0123456789')
    linkSync(`${root}/ten`, `${root}/same`)
    expect(read('/same', 10)).toBe('0123456789')
    expect(() => read('/same', 9)).toThrow(UsageError)
  })

  test('leaves no descriptor open', () => {
    const count = () => readdirSync('/proc/self/fd').length
    const before = count()
    for (const path of ['/etc/passwd', '/nosuch', '/fifo', '/circle', '/sparse'])
      try {
        read(path)
      } catch {}
    expect(count()).toBe(before)
  })
})
