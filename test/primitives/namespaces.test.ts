import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Context } from '../../toolkit/kernel/action.ts'
import { join, type NamespaceType } from '../../toolkit/primitives/namespaces.ts'
import * as user from '../../toolkit/primitives/user.ts'
import { shell } from '../kernel/plans.ts'
import { script } from '../observe/helpers.ts'
import { carryOut } from './carry-out.ts'
import { scratch } from './container.ts'

const FILES: Record<NamespaceType, string> = {
  user: 'user',
  pid: 'pid',
  uts: 'uts',
  ipc: 'ipc',
  network: 'net',
  cgroup: 'cgroup',
  time: 'time',
  mount: 'mnt',
}
const isRoot = process.getuid!() === 0

test('only entries with a path are joined; user first, mount last, the pid namespace by birth', () => {
  const path = '/x'
  const { before, first, steps, pid } = join([
    { type: 'mount', path },
    { type: 'uts' },
    { type: 'network', path },
    { type: 'pid', path },
    { type: 'user', path },
  ])
  expect(before).toHaveLength(4)
  expect(first.map(({ shell }) => shell)).toEqual(['nsenter --user=/x'])
  expect(steps.map(({ shell }) => shell)).toEqual(['nsenter --net=/x', 'nsenter --mount=/x'])
  expect(pid).toEqual({ descriptor: 'namespace-pid' })
  expect(join([{ type: 'uts' }])).toEqual({ before: [], first: [], steps: [], pid: undefined })
})

describe.skipIf(!isRoot)('joining (needs root)', () => {
  const all = ['mount', 'uts', 'ipc', 'network', 'cgroup', 'time'] as const

  test('each type, and all at once', async () => {
    const other = await script('echo ready; read x', 'unshare', '-muinCT', '--fork', '--kill-child')
    const child = Number(readFileSync(`/proc/${other}/task/${other}/children`, 'utf8').trim().split(' ')[0])
    const of = (types: readonly NamespaceType[]) =>
      join(types.map(type => ({ type, path: `/proc/${child}/ns/${FILES[type]}` })))
    const list = (types: readonly NamespaceType[]) =>
      shell(types.map(type => `readlink /proc/self/ns/${FILES[type]}`).join(';'))
    for (const types of [...all.map(type => [type]), all]) {
      const { before, steps } = of(types)
      const { output } = await carryOut({ before, namespaces: [], steps: [...steps, list(types)] })
      expect(output.trim().split('\n')).toEqual(types.map(type => readlinkSync(`/proc/${child}/ns/${FILES[type]}`)))
    }
  })

  test('a pid namespace: born in it', async () => {
    const other = await script('echo ready; read x', 'unshare', '--pid', '--fork', '--kill-child')
    const { before, pid } = join([{ type: 'pid', path: `/proc/${other}/ns/pid_for_children` }])
    const steps = [shell('echo $$; readlink /proc/self/ns/pid')]
    const { output } = await carryOut({ before, namespaces: [], pidNamespace: pid!, steps })
    const [number, id] = output.split('\n')
    expect(Number(number)).toBeLessThan(100)
    expect(id).toBe(readlinkSync(`/proc/${other}/ns/pid_for_children`))
  })

  test('a user namespace, and another one that it owns', async () => {
    const other = await script('echo ready; read x', 'unshare', '--user', '--map-root-user', '--uts')
    const { before, first, steps } = join(
      (['uts', 'user'] as const).map(type => ({ type, path: `/proc/${other}/ns/${type}` })),
    )
    const { output } = await carryOut({
      before,
      namespaces: [],
      first: [...first, ...user.becomeRoot()],
      steps: [...steps, shell('id -u; hostname inside && hostname')],
    })
    expect(output).toBe('0\ninside\n')
  })

  test.each<[NamespaceType, string, RegExp]>([
    ['uts', '/proc/self/ns/net', /^\/proc\/self\/ns\/net is no uts namespace: it is one of type network$/],
    ['network', '/proc/self/ns/mnt', /is no network namespace: it is one of type mount$/],
    ['ipc', '/etc/passwd', /^\/etc\/passwd is no ipc namespace, but another file; namespaces are in \/proc\/PID\/ns$/],
    ['ipc', '/proc/self/status', /but another file/],
    ['ipc', '/proc/self/ns/none', /ENOENT/],
  ])('%s from %s is refused, and nothing stays open', (type, path, why) => {
    const before = readdirSync('/proc/self/fd').length
    const context: Context = { descriptors: new Map() }
    expect(() => join([{ type, path }]).before[0]!.apply(context)).toThrow(why)
    expect(readdirSync('/proc/self/fd')).toHaveLength(before)
    expect(context.descriptors.size).toBe(0)
  })

  test('a fifo does not hold us up', () => {
    const path = `${scratch()}/fifo`
    execFileSync('mkfifo', [path])
    expect(() => join([{ type: 'ipc', path }]).before[0]!.apply({ descriptors: new Map() })).toThrow('but another file')
  })
})
