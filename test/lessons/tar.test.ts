// The checks of lesson 13 read what tar has written, in each of its formats.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { readTar } from '../../lessons/13-layers/tar.ts'

const top = mkdtempSync(`${tmpdir()}/tar-`)
afterAll(() => rmSync(top, { recursive: true }))
const long = `${'directory-'.repeat(12)}/${'name-'.repeat(40)}`
mkdirSync(`${top}/etc`)
mkdirSync(`${top}/${long.split('/')[0]}`)
writeFileSync(`${top}/etc/motd`, 'hello')
writeFileSync(`${top}/etc/ünïcode`, '')
symlinkSync('motd', `${top}/etc/link`)
writeFileSync(`${top}/${long}`, 'x'.repeat(513))

const tar = (...words: string[]) => execFileSync('tar', ['-C', top, '-cf', '-', ...words], { maxBuffer: 1 << 24 })

describe.each(['gnu', 'oldgnu', 'posix'])('a tar archive in the format %s', format => {
  test('is listed', () => {
    const entries = readTar(tar('--format', format, '--sort=name', './etc', `./${long.split('/')[0]}`))
    expect(entries).toEqual([
      { name: 'etc', kind: 'directory', size: 0 },
      { name: 'etc/link', kind: 'symlink', size: 0 },
      { name: 'etc/motd', kind: 'file', size: 5 },
      { name: 'etc/ünïcode', kind: 'file', size: 0 },
      { name: long.split('/')[0], kind: 'directory', size: 0 },
      { name: long, kind: 'file', size: 513 },
    ])
  })
})

test('a device', () => {
  const entries = readTar(execFileSync('tar', ['-cf', '-', '-C', '/dev', 'null']))
  expect(entries).toEqual([{ name: 'null', kind: 'character device', size: 0 }])
})

test('what is none', () => {
  expect(readTar(Buffer.from('hello'))).toBeUndefined()
  expect(readTar(Buffer.alloc(10_240))).toBeUndefined()
  expect(readTar(Buffer.alloc(10_240, 'x'))).toBeUndefined()
  const cut = tar('./etc')
  cut[0]! ^= 1
  expect(readTar(cut)).toBeUndefined()
})
