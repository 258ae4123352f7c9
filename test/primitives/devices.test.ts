import { describe, expect, test } from 'vitest'
import { AT, S } from '../../toolkit/kernel/constants.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import { type Device, plan } from '../../toolkit/primitives/devices.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import { call, shell } from '../kernel/plans.ts'

const kmsg: Device = { type: 'c', path: '/dev/deep/er/log', major: 1, minor: 11, fileMode: 0o640, uid: 7, gid: 8 }

describe('devices that are asked for', () => {
  test('are made with mode and owner, in directories that are made, too', () => {
    const calls = plan([kmsg]).slice(plan().length)
    expect(calls.map(({ call, args }) => [call, ...args.slice(1)])).toEqual([
      ['mkdirat', '/dev/deep', 0o755],
      ['mkdirat', '/dev/deep/er', 0o755],
      ['mknodat', '/dev/deep/er/log', S.IFCHR | 0o640, 0x10b],
      ['fchownat', '/dev/deep/er/log', 7, 8, AT.SYMLINK_NOFOLLOW],
    ])
  })

  test('of the same name as a usual one take its place', () => {
    const nodes = plan([{ type: 'c', path: '/dev/null', major: 1, minor: 5 }]).filter(
      ({ args }) => args[1] === '/dev/null',
    )
    expect(nodes.map(({ args }) => args[3])).toEqual([0x105])
  })

  test.each<[Device['type'], number]>([
    ['b', S.IFBLK],
    ['c', S.IFCHR],
    ['u', S.IFCHR],
    ['p', S.IFIFO],
  ])('of type %s', (type, fileType) => {
    const node = plan([{ type, path: '/dev/x', major: 1, minor: 2 }]).at(-1)!
    expect((node.args[2] as number) & S.IFMT).toBe(fileType)
  })

  test.each(['dev/x', '/dev/../x', '/dev//x', '/dev/x/', '/', '', '/dev/./x', '/dev/a\0b'])('not at %j', path => {
    expect(() => plan([{ ...kmsg, path }])).toThrow(/plain absolute path/)
  })

  test.each([
    [4096, 0],
    [1, 2 ** 20],
    [-1, 0],
    [1.5, 0],
  ])('not with the numbers %d:%d', (major, minor) => {
    expect(() => plan([{ ...kmsg, major, minor }])).toThrow(/no device number/)
  })

  const reason = process.getuid!() === 0 ? '' : ' (skipped: needs root)'
  test.skipIf(reason)(`are there, as stat shows them${reason}`, () => {
    const dev = { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] }
    const check = `[ "$(stat -c '%F %a %u %g %t:%T' /dev/deep/er/log)" = 'character special file 640 7 8 1:b' ] && [ -p /dev/fifo ]`
    const steps = [
      ...mount.makePrivate(),
      ...mount.plan({ mounts: [dev] }),
      call('umask', 0),
      ...plan([kmsg, { type: 'p', path: '/dev/fifo' }]),
      shell(check),
    ]
    const process = start({ namespaces: [mount.namespace], steps })
    process.next()
    expect(waitSync(process.pid).code).toBe(0)
    process.close()
  })
})
