import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readElf } from '../../toolkit/observe/elf.ts'
import { missingIn, resolveIn } from '../../toolkit/observe/libraries.ts'

const directory = mkdtempSync(join(tmpdir(), 'elf-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const noReadelf = spawnSync('readelf', ['--version']).status !== 0

describe('readElf', () => {
  test.skipIf(noReadelf)('reads what readelf reads (binutils needed)', () => {
    const programs = readdirSync('/usr/bin')
      .slice(0, 150)
      .map(name => `/usr/bin/${name}`)
    let compared = 0
    for (const path of [...programs, '/sbin/ldconfig', process.execPath, '/lib64/ld-linux-x86-64.so.2']) {
      const found = spawnSync('readelf', ['-lWd', path], { encoding: 'utf8' })
      const isElf = found.stdout.includes('Elf file type')
      expect(readElf(path) !== undefined, path).toBe(isElf)
      if (!isElf) continue
      compared++
      const needed = [...found.stdout.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
      const interpreter = /program interpreter: (.*)\]/.exec(found.stdout)?.[1]
      expect(readElf(path), path).toEqual({
        bits: 64,
        machine: process.arch,
        interpreter,
        needed,
        isStatic: !interpreter && needed.length === 0,
      })
    }
    expect(compared).toBeGreaterThan(20)
  })

  test('what is no ELF file is undefined', () => {
    writeFileSync(`${directory}/script`, '#!/bin/sh\n')
    writeFileSync(`${directory}/empty`, '')
    writeFileSync(`${directory}/header`, '\x7fELF\x02\x01\x01')
    execFileSync('mkfifo', [`${directory}/fifo`]) // nobody writes to it: must not wait
    for (const name of ['script', 'empty', 'header', 'fifo', 'nowhere', '.'])
      expect(readElf(`${directory}/${name}`)).toBeUndefined()
    expect(readElf('/dev/null')).toBeUndefined()
    expect(readElf('/dev/zero')).toBeUndefined()
  })

  // A damaged file may still say something, but never throws.
  test('cut short anywhere, or with any byte changed', () => {
    const program = readFileSync('/bin/true')
    const path = `${directory}/damaged`
    const fds = readdirSync('/proc/self/fd').length
    for (let length = 0; length < program.length; length += length < 4096 ? 7 : 509) {
      writeFileSync(path, program.subarray(0, length))
      readElf(path)
    }
    for (let i = 0; i < 4096; i += 1) {
      const copy = Buffer.from(program.subarray(0, 24576))
      copy[i % 1024] = (i * 7919) & 0xff
      copy[(i * 31) % copy.length] = 0xff
      writeFileSync(path, copy)
      readElf(path)
    }
    expect(readdirSync('/proc/self/fd').length).toBe(fds)
  })
})

describe('resolveIn', () => {
  const root = join(directory, 'links')
  mkdirSync(`${root}/usr/lib/deep`, { recursive: true })
  writeFileSync(`${root}/usr/lib/file`, '')
  symlinkSync('usr/lib', `${root}/lib`)
  symlinkSync('/usr/lib/file', `${root}/absolute`)
  symlinkSync('../../../../etc/passwd', `${root}/usr/out`)
  symlinkSync('circle', `${root}/circle`)
  symlinkSync('..', `${root}/usr/lib/deep/up`)

  test.each([
    ['/lib/file', '/usr/lib/file'],
    ['/absolute', '/usr/lib/file'],
    ['lib/./deep/up/file', '/usr/lib/file'],
    ['/../../usr', '/usr'],
    ['/usr/out', undefined], // leads to /etc/passwd of the root, never to the host's
    ['/circle', undefined],
    ['/nowhere', undefined],
    ['/', ''],
  ])('%s', (path, expected) => {
    const found = resolveIn(root, path)
    expect(found === undefined ? undefined : found.slice(root.length).replace(/\/$/, '')).toBe(expected)
  })
})

describe('missingIn', () => {
  const root = join(directory, 'root')
  const copy = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    copyFileSync(path, join(root, path))
  }
  const byLdd = [...execFileSync('ldd', ['/bin/bash'], { encoding: 'utf8' }).matchAll(/(?:=> )?(\/\S+) \(/g)].map(
    ([, path]) => path!,
  )

  test('tells one after another what a shell needs, and it starts when nothing is missing', () => {
    mkdirSync(root)
    const start = () => spawnSync('chroot', [root, '/bin/bash', '-c', 'echo it runs'], { encoding: 'utf8' })
    expect(missingIn(root, '/bin/bash')).toEqual(['/bin/bash'])
    copy('/bin/bash')
    expect(missingIn(root, '/bin/bash')).toEqual([
      byLdd.find(path => path.includes('ld-')),
      'libtinfo.so.6',
      'libc.so.6',
    ])
    expect(start().status).not.toBe(0)
    for (const path of byLdd) {
      const before = missingIn(root, '/bin/bash')
      copy(path)
      expect(missingIn(root, '/bin/bash')).toHaveLength(before.length - 1)
      expect(start().stdout === 'it runs\n').toBe(missingIn(root, '/bin/bash').length === 0)
    }
    expect(missingIn(root, '/bin/bash')).toEqual([])
    expect(start().stdout).toBe('it runs\n')
  })

  test('nothing, for what runs here', () => {
    const programs = ['/bin/bash', '/usr/bin/env', '/bin/mount', '/sbin/ip', '/usr/bin/ssh', '/usr/bin/git'].filter(
      existsSync,
    )
    for (const path of programs) expect(missingIn('/', path), path).toEqual([])
  })
})
