import { describe, expect, test } from 'vitest'
import { MS } from '../../toolkit/kernel/constants.ts'
import { makePrivate } from '../../toolkit/primitives/mount.ts'
import { check, defaults, type Own, plan } from '../../toolkit/primitives/sysctl.ts'
import { call, namespaces, shell } from '../kernel/plans.ts'
import { carryOut, failure } from './carry-out.ts'

const own: Own = { ipc: true, network: true, user: false }

describe('check', () => {
  test.each([
    'kernel.msgmax',
    'kernel.msgmnb',
    'kernel.msgmni',
    'kernel.sem',
    'kernel.shmall',
    'kernel.shmmax',
    'kernel.shmmni',
    'kernel.shm_rmid_forced',
    'fs.mqueue.msg_max',
    'net.ipv4.ip_forward',
    'net.ipv4.conf.eth0.rp_filter',
  ])('%s is a container’s', name => {
    expect(() => check({ [name]: '1' }, own)).not.toThrow()
  })

  test.each([
    'kernel.core_pattern',
    'kernel.hostname',
    'kernel.shmmax.x',
    'kernel.msgmax/../core_pattern',
    'vm.swappiness',
    'fs.file-max',
    'fs.mqueue',
    'net',
    'net.',
    'net..x',
    'net...kernel.core_pattern',
    'net./kernel/core_pattern',
    'net/ipv4/ip_forward',
    '../x',
    '',
    'net.ipv4\n',
    'NET.ipv4.ip_forward',
  ])('%j is not', name => {
    expect(() => check({ [name]: 'v' }, own)).toThrow(/^run: --sysctl .*: not a setting of a container; allowed: net/s)
  })

  test('only with a namespace of its own', () => {
    expect(() => check({ 'kernel.shmmax': '1' }, { ...own, ipc: false })).toThrow(/kernel.shmmax=1: .* --ipc host/)
    expect(() => check({ 'net.core.somaxconn': '1' }, { ...own, network: false })).toThrow(/somaxconn=1: .* --net host/)
  })
})

test('defaults: where the network is its own, and its ids are not mapped', () => {
  expect(Object.keys(defaults(own))).toHaveLength(2)
  expect(defaults({ ...own, network: false })).toEqual({})
  expect(defaults({ ...own, user: true })).toEqual({})
})

describe.skipIf(process.getuid!() !== 0)('in the kernel (needs root)', () => {
  const proc = [...makePrivate(), call('mount', 'proc', '/proc', 'proc', MS.NOSUID | MS.NODEV | MS.NOEXEC, null)]
  const settings = { 'kernel.shmmax': '4711', 'net.ipv4.ip_default_ttl': '77', ...defaults(own) }
  const names = Object.keys(settings).map(name => `/proc/sys/${name.replaceAll('.', '/')}`)

  test('the namespaces of the container are set, ours are not', async () => {
    const script = `cat ${names.join(' ')}`
    const { output } = await carryOut({ namespaces, steps: [...proc, ...plan({ sysctl: settings }), shell(script)] })
    expect(output).toBe('4711\n77\n0\t2147483647\n0\n')
    const ours = await carryOut({ namespaces: [], steps: [shell(script)] })
    expect(ours.output).not.toMatch(/^4711$|^77$/m)
  })

  test('a name that the kernel does not know', async () => {
    const steps = [...proc, ...plan({ sysctl: { 'net.nosuch': '1' } }), shell('true')]
    expect(await failure(carryOut({ namespaces, steps }))).toMatchObject({
      call: 'openat',
      code: 'ENOENT',
      cause: expect.stringContaining('no such setting'),
    })
  })

  test('a value that the kernel does not take', async () => {
    const steps = [...proc, ...plan({ sysctl: { 'net.ipv4.ip_forward': 'perhaps' } }), shell('true')]
    expect(await failure(carryOut({ namespaces, steps }))).toMatchObject({ call: 'write', code: 'EINVAL' })
  })
})
