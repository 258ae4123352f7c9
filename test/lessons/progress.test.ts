import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openProgress, progressFile } from '../../lessons/progress.ts'

let directory: string
let file: string
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(tmpdir(), 'progress-'))
  file = path.join(directory, 'state/toolkit/progress.json')
})
afterEach(() => fs.rmSync(directory, { recursive: true }))

test('survives a restart', () => {
  const first = openProgress(file)
  first.markDone('01-chroot', 'a')
  first.goTo('01-chroot', 'b')
  const second = openProgress(file)
  expect(second.isDone('01-chroot', 'a')).toBe(true)
  expect(second.isDone('01-chroot', 'b')).toBe(false)
  expect(second.place).toEqual({ lesson: '01-chroot', task: 'b' })
  expect(second.warning).toBeUndefined()
})

test('can be taken back', () => {
  const progress = openProgress(file)
  progress.markDone('01-chroot', 'a')
  progress.markDone('02-uts', 'a')
  progress.forget('01-chroot')
  expect(openProgress(file).isDone('01-chroot', 'a')).toBe(false)
  expect(openProgress(file).isDone('02-uts', 'a')).toBe(true)
})

test('two tutors at once keep what both have done', () => {
  const [one, other] = [openProgress(file), openProgress(file)]
  one.markDone('01-chroot', 'a')
  other.markDone('01-chroot', 'b')
  one.goTo('02-uts', 'a')
  other.forget('03-ipc')
  one.markDone('02-uts', 'a')
  const later = openProgress(file)
  expect(later.isDone('01-chroot', 'a')).toBe(true)
  expect(later.isDone('01-chroot', 'b')).toBe(true)
  expect(later.isDone('02-uts', 'a')).toBe(true)
  expect(later.place).toEqual({ lesson: '02-uts', task: 'a' })
})

test('what cannot be written is known until the end', () => {
  const progress = openProgress(file)
  progress.markDone('01-chroot', 'a')
  const write = vi.spyOn(fs, 'writeFileSync').mockImplementation(() => {
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  })
  progress.markDone('01-chroot', 'b')
  progress.markDone('01-chroot', 'c')
  write.mockRestore()
  expect(progress.isDone('01-chroot', 'b')).toBe(true)
  expect(progress.warning).toMatch(/ENOSPC/)
  progress.goTo('01-chroot', 'd')
  expect(openProgress(file).isDone('01-chroot', 'b')).toBe(true)
})

test('reading alone writes nothing', () => {
  openProgress(file).isDone('01-chroot', 'a')
  expect(fs.readdirSync(directory)).toEqual([])
})

test('leaves one file and no temporary one', () => {
  const progress = openProgress(file)
  for (let i = 0; i < 20; i++) progress.markDone('01-chroot', String(i))
  expect(fs.readdirSync(path.dirname(file))).toEqual(['progress.json'])
})

test.each(['', '{', '[]', 'null', '{"done": 1}', '{"done": {"a": [1]}}'])('a damaged file is kept aside: %j', text => {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
  const progress = openProgress(file)
  expect(progress.warning).toMatch(/^progress begins anew: the old file is damaged, and kept as .*\.damaged-/)
  expect(progress.isDone('01-chroot', 'a')).toBe(false)
  const [aside] = fs.readdirSync(path.dirname(file))
  expect(fs.readFileSync(path.join(path.dirname(file), aside!), 'utf8')).toBe(text)
})

describe('where it cannot be kept', () => {
  test.each([
    ['in a file instead of a directory', () => path.join(file, 'below/progress.json')],
    ['in /proc, which takes no files, not even from root', () => '/proc/toolkit/progress.json'],
  ])('%s: one warning, and the course goes on', (_, where) => {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, '{"done": {}}')
    const progress = openProgress(where())
    progress.markDone('01-chroot', 'a')
    expect(progress.warning).toMatch(/^progress is not kept: [^\n]+$/)
    expect(progress.isDone('01-chroot', 'a')).toBe(true)
  })
})

test('without a home: one warning, and the course goes on', () => {
  for (const name of ['HOME', 'XDG_STATE_HOME', 'SUDO_UID']) vi.stubEnv(name, undefined)
  const progress = openProgress()
  vi.unstubAllEnvs()
  progress.markDone('01-chroot', 'a')
  expect(progress.warning).toMatch(/^progress is not kept: there is no home directory/)
  expect(progress.isDone('01-chroot', 'a')).toBe(true)
})

describe('the place', () => {
  const passwd = 'root:x:0:0::/root:/bin/sh\nann:x:1001:1001::/home/ann:/bin/sh\n'
  test.each([
    ['HOME', { HOME: '/home/ann' }, '/home/ann/.local/state/toolkit/progress.json'],
    ['XDG_STATE_HOME', { HOME: '/home/ann', XDG_STATE_HOME: '/state' }, '/state/toolkit/progress.json'],
    ['a relative one is none', { HOME: '.' }, undefined],
    ['none', {}, undefined],
  ])('%s', (_, env, expected) => {
    expect(progressFile(env, passwd)).toBe(expected)
  })

  test.skipIf(process.getuid?.() !== 0)('under sudo: the home of who called it', () => {
    const env = { HOME: '/root', SUDO_UID: '1001', SUDO_GID: '1001' }
    expect(progressFile(env, passwd)).toBe('/home/ann/.local/state/toolkit/progress.json')
  })
})
