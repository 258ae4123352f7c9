import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { resolveUser } from '../../toolkit/image/users.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'

const directory = mkdtempSync('/tmp/users-')
afterAll(() => rmSync(directory, { recursive: true }))

function image(name: string, passwd: string | undefined, group: string | undefined): string {
  const root = `${directory}/${name}`
  mkdirSync(`${root}/etc`, { recursive: true })
  if (passwd !== undefined) writeFileSync(`${root}/etc/passwd`, passwd)
  if (group !== undefined) writeFileSync(`${root}/etc/group`, group)
  return root
}

const usual = image(
  'usual',
  [
    'root:x:0:0:root:/root:/bin/sh',
    '# a comment',
    'alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh',
    'homeless:x:1001:1001',
    'big:x:4294967296:0::/:/bin/sh',
    'minus:x:-1:0::/:/bin/sh',
    'hex:x:0x0:0::/:/bin/sh',
    'empty:x::0::/:/bin/sh',
    'badgroup:x:1002:4294967296::/:/bin/sh',
    '1234:x:99:99::/:/bin/sh',
    '0:x:1003:1003::/:/bin/sh',
    '55:x:55:55::/fifty-five:/bin/sh',
    '',
  ].join('\n'),
  'root:x:0:\nalice:x:1000:\naudio:x:29:alice,root\nvideo:x:44:bob,alice\nodd:x:no:alice\n12:x:13:\n',
)
const bare = image('bare', undefined, undefined)
const empty = image('empty', '', '')

const resolve = (user: string | undefined, root = usual, groupAdd: string[] = []) => {
  const { uid, gid, additionalGids, home } = resolveUser(root, { user, groupAdd })
  return [uid, gid, additionalGids.join(' '), home]
}

describe('resolveUser', () => {
  test.each([
    ['alice', [1000, 1000, '1000 29 44', '/home/alice']],
    ['1000', [1000, 1000, '1000 29 44', '/home/alice']],
    ['alice:audio', [1000, 29, '29', '/home/alice']],
    ['alice:7', [1000, 7, '7', '/home/alice']],
    ['1000:0', [1000, 0, '0', '/home/alice']],
    ['2000', [2000, 0, '0', '/']],
    ['2147483647', [2147483647, 0, '0', '/']],
    ['homeless', [1001, 1001, '1001', '/']],
    ['55', [55, 55, '55', '/fifty-five']],
    ['root', [0, 0, '0 29', '/root']],
  ] as const)('--user %s', (user, expected) => {
    expect(resolve(user)).toEqual(expected)
  })

  test('nothing said is root, with the image’s home and groups', () => {
    const root = image('plain', 'root:x:0:0::/root:/bin/sh\n', 'root:x:0:\nwheel:x:10:root\n')
    expect(resolve(undefined, root)).toEqual([0, 0, '0 10', '/root'])
    expect(resolve(undefined, bare)).toEqual([0, 0, '0', '/'])
  })

  test('--group-add: names and numbers, each once', () => {
    expect(resolve('alice:7', usual, ['audio', '29', '33', '7'])).toEqual([1000, 7, '7 29 33', '/home/alice'])
    expect(() => resolve('alice', usual, ['nosuch'])).toThrow('run: --group-add nosuch: no such group')
  })

  // CVE-2024-40635, CVE-2026-30892: what is no id must never end up as 0.
  test.each([
    '4294967296',
    '4294967295',
    '2147483648',
    '99999999999999999999',
    '-1',
    '+0',
    '0x0',
    '1000abc',
    ' 0',
    '0\n',
    '0.0',
    'nosuch',
    'big',
    'minus',
    'hex',
    'empty',
    'badgroup',
    'constructor',
    '',
    ':',
    ':0',
    'alice:',
    'alice:audio:x',
    'alice:4294967296',
    'alice:-1',
    'alice:nosuch',
    'alice:odd',
    'alice:12', // the group *named* 12 is 13
    '0', // here a user *named* 0 is 1003
    '1234', // the user *named* 1234 is 99
  ])('--user %j is refused, in one line', user => {
    const attempt = () => resolve(user)
    expect(attempt).toThrow(UsageError)
    expect(attempt).toThrow(/^run: --user [^\n]*$/)
  })

  test.each(['root', 'alice', '0x0', '-1', '1000abc'])('with an empty or no passwd %j is nobody, not root', user => {
    expect(() => resolve(user, empty)).toThrow(/no such user in \/etc\/passwd of the image/)
    expect(() => resolve(user, bare)).toThrow(/no such user in \/etc\/passwd of the image/)
  })

  test('numbers need no files', () => {
    expect(resolve('5:6', bare)).toEqual([5, 6, '6', '/'])
  })

  test('a passwd that leads to the host is none', () => {
    const root = image('link', undefined, undefined)
    symlinkSync('/../../../../../../etc/passwd', `${root}/etc/passwd`) // in the image: itself
    expect(() => resolve('root', root)).toThrow(/links that lead in a circle/)
    symlinkSync(`${directory}/usual/etc/group`, `${root}/etc/group`)
    expect(() => resolve('5:audio', image('link2', '', undefined))).toThrow(/user 5:audio: no such group/)
  })
})
