import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { invoke } from '../../toolkit/kernel/call.ts'
import { formatName, parseName, plan, type Whiteout } from '../../toolkit/primitives/whiteout.ts'
import { scratch } from './container.ts'

const whiteouts: [string, Whiteout][] = [
  ['.wh.passwd', { hides: 'name', name: 'passwd' }],
  ['.wh..hidden', { hides: 'name', name: '.hidden' }],
  ['.wh....', { hides: 'name', name: '...' }],
  ['.wh. ', { hides: 'name', name: ' ' }],
  ['.wh..wh..opq', { hides: 'directory' }],
]

test.each(whiteouts)('%s, to and fro', (name, whiteout) => {
  expect(parseName(name)).toEqual(whiteout)
  expect(formatName(whiteout)).toBe(name)
})

test.each(['wh.x', '.wh', 'x.wh.y', '.whx', ''])('%j is an ordinary name', name => {
  expect(parseName(name)).toBeUndefined()
})

test.each(['.wh.', '.wh..', '.wh...', '.wh..wh.', '.wh..wh.x', '.wh..wh..wh..opq', '.wh.a/b', '.wh./'])(
  'row 44: %j is malformed',
  name => {
    expect(() => parseName(name)).toThrow('the layer has a malformed whiteout')
  },
)

test.each(['', '.', '..', 'a/b', '.wh.x', '.wh..opq'])('no whiteout can hide %j', name => {
  expect(() => formatName({ hides: 'name', name })).toThrow('malformed')
})

describe.skipIf(process.getuid!() !== 0)('on disk (needs root)', () => {
  test('hides what the layers below have, as the kernel sees it', () => {
    const at = scratch()
    for (const name of ['top/dir', 'bottom/dir', 'merged']) mkdirSync(`${at}/${name}`, { recursive: true })
    for (const name of ['bottom/gone', 'bottom/stays', 'bottom/dir/gone', 'top/dir/stays'])
      writeFileSync(`${at}/${name}`, '')
    const steps = [
      ...plan(`${at}/top`, { hides: 'name', name: 'gone' }),
      ...plan(`${at}/top/dir`, { hides: 'directory' }),
    ]
    for (const { call, args } of steps) invoke(call, args)
    const script = `mount -t overlay overlay -o lowerdir=${at}/top:${at}/bottom ${at}/merged; cd ${at}/merged; find . | sort`
    const seen = execFileSync('unshare', ['-m', 'sh', '-c', script], { encoding: 'utf8' })
    expect(seen).toBe('.\n./dir\n./dir/stays\n./stays\n')
  })
})
