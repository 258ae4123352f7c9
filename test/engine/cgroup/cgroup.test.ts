// Which groups a container gets on which layout: on trees of ordinary files, since a machine has but one layout. What the
// groups do is in test/primitives/cgroups.test.ts.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type AllResources, planCgroup, prepareCgroup, removeCgroup } from '../../../toolkit/engine/cgroup/cgroup.ts'
import { attempt } from '../../../toolkit/kernel/call.ts'
import type { CgroupLayout, Hierarchy } from '../../../toolkit/observe/cgroups.ts'

const tree = mkdtempSync(join(tmpdir(), 'cgroup-'))
afterAll(() => rmSync(tree, { recursive: true }))
const id = '0123456789abcdef'
const short = id.slice(0, 12)

interface Fake {
  readonly controllers: string
  readonly passed?: string
  readonly processes?: string
}

/** Makes a v2 hierarchy of ordinary files; the first directory is its root, as seen from outside any container. */
function v2(name: string, groups: Record<string, Fake>, root: 'root' | 'namespace' = 'root'): string {
  for (const [i, [path, { controllers, passed = '', processes = '' }]] of Object.entries(groups).entries()) {
    const directory = `${tree}/${name}${path}`
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${directory}/cgroup.controllers`, `${controllers}\n`)
    writeFileSync(`${directory}/cgroup.subtree_control`, `${passed}\n`)
    writeFileSync(`${directory}/cgroup.procs`, processes)
    if (i > 0 || root === 'namespace') writeFileSync(`${directory}/cgroup.events`, 'populated 1\n')
  }
  return `${tree}/${name}`
}

const hierarchy = (version: 1 | 2, controllers: string[], mountPoint: string, path: string, more = {}): Hierarchy => ({
  version,
  controllers,
  path,
  mountPoint,
  directory: `${mountPoint}${path}`,
  writable: true,
  ...more,
})

const prepare = (resources: AllResources, layout: CgroupLayout, more = {}) =>
  prepareCgroup({ id, resources, privateNamespace: true, ...more }, layout)

/** What is written, without the tree's own path. */
const texts = ({ before }: ReturnType<typeof prepare>): string[] => before.map(({ text }) => text.replaceAll(tree, ''))

const ALL = 'cpuset cpu io memory hugetlb pids'

describe('on v2', () => {
  const systemd = (): CgroupLayout => {
    const top = v2('systemd', {
      '': { controllers: ALL, passed: 'memory pids' },
      '/system.slice': { controllers: 'memory pids', passed: 'pids' },
      '/system.slice/job.service': { controllers: 'pids', processes: '1\n2\n' },
    })
    return { layout: 'v2', hierarchies: [hierarchy(2, ['pids'], top, '/system.slice/job.service')] }
  }

  test('cgroupsPath: below that place, or from the top; what is missing above goes with it', () => {
    const below = prepare({}, systemd(), { path: `a/${short}` })
    expect(below.directories).toEqual([`${tree}/systemd/system.slice/a/${short}`])
    expect(below.above).toEqual([`${tree}/systemd/system.slice/a`])
    const top = prepare({}, systemd(), { path: `/system.slice/a/b/${short}` })
    expect(top.directories).toEqual([`${tree}/systemd/system.slice/a/b/${short}`])
    expect(top.above).toEqual([`${tree}/systemd/system.slice/a/b`, `${tree}/systemd/system.slice/a`])
    expect(prepare({}, systemd()).above).toEqual([])
  })

  test('the place is the nearest group above that holds no processes; it passes on what is there', () => {
    const prepared = prepare({}, systemd())
    expect(prepared.directories).toEqual([`${tree}/systemd/system.slice/toolkit/${short}`])
    expect(texts(prepared).slice(0, 3)).toEqual([
      `mkdir("/systemd/system.slice/toolkit/${short}", 0755)`,
      'write("/systemd/system.slice/cgroup.subtree_control", "+memory")',
      'write("/systemd/system.slice/toolkit/cgroup.subtree_control", "+memory +pids")',
    ])
    expect(texts(prepared).join()).toContain('pids.max", "2048"')
    expect(prepared.cgroup).toEqual({ descriptor: 'cgroup' })
    expect(prepared.steps.map(({ call }) => call)).toEqual(['unshare'])
  })

  test('what is asked for is passed on from as far up as need be', () => {
    const prepared = prepare({ cpu: { quota: 5000, cpus: '0' } }, systemd())
    expect(texts(prepared).filter(text => text.includes('subtree_control'))).toEqual([
      'write("/systemd/cgroup.subtree_control", "+cpu +cpuset")',
      'write("/systemd/system.slice/cgroup.subtree_control", "+memory +cpu +cpuset")',
      'write("/systemd/system.slice/toolkit/cgroup.subtree_control", "+memory +pids +cpu +cpuset")',
    ])
    expect(texts(prepared).join()).toContain(`toolkit/${short}/cpu.max", "5000 100000"`)
  })

  test('at the root of all the root is the place', () => {
    const top = v2('bare', { '': { controllers: ALL, processes: '1\n' } })
    const { directories } = prepare({}, { layout: 'v2', hierarchies: [hierarchy(2, ALL.split(' '), top, '')] })
    expect(directories).toEqual([`${top}/toolkit/${short}`])
  })

  test('where every group holds processes, as in a container, these are moved out of the topmost', () => {
    const top = v2(
      'crowded',
      { '': { controllers: ALL, processes: '1\n' }, '/x': { controllers: '', processes: '2\n' } },
      'namespace',
    )
    const prepared = prepare({}, { layout: 'v2', hierarchies: [hierarchy(2, [], top, '/x')] })
    expect(prepared.directories).toEqual([`${top}/toolkit/${short}`])
    expect(texts(prepared).slice(0, 4)).toEqual([
      `mkdir("/crowded/toolkit/${short}", 0755)`,
      'mkdir("/crowded/supervisor", 0755), write("/crowded/supervisor/cgroup.procs", each of /crowded/cgroup.procs)',
      'write("/crowded/cgroup.subtree_control", "+memory +pids +io")',
      'write("/crowded/toolkit/cgroup.subtree_control", "+memory +pids +io")',
    ])
  })

  test('nothing is done above a group that systemd delegates', () => {
    const top = v2('delegated', {
      '': { controllers: ALL },
      '/slice': { controllers: ALL },
      '/slice/unit': { controllers: 'memory cpu', processes: '1\n' },
    })
    const set = attempt('lsetxattr', [`${top}/slice/unit`, 'trusted.delegate', Buffer.from('1'), 1, 0])
    expect(set, 'a file system with extended attributes').toBe(0)
    const layout: CgroupLayout = { layout: 'v2', hierarchies: [hierarchy(2, [], top, '/slice/unit')] }
    const prepared = prepare({ cpu: { quota: 5000 } }, layout)
    expect(prepared.directories).toEqual([`${top}/slice/unit/toolkit/${short}`])
    expect(texts(prepared).filter(text => text.includes('subtree_control'))).toEqual([
      'write("/delegated/slice/unit/cgroup.subtree_control", "+memory +cpu")',
      'write("/delegated/slice/unit/toolkit/cgroup.subtree_control", "+memory +cpu")',
    ])
    expect(() => prepare({ pids: { limit: 5 } }, layout)).toThrow(
      /^--pids-limit: there is no cgroup controller pids here/,
    )
  })

  test('a controller that is not there is an error that names it', () => {
    const top = v2('poor', { '': { controllers: 'memory pids' } })
    const layout: CgroupLayout = { layout: 'v2', hierarchies: [hierarchy(2, ['memory', 'pids'], top, '')] }
    expect(() => prepare({ blockIO: { weight: 10 } }, layout)).toThrow(
      /^--blkio-weight: there is no cgroup controller io here/,
    )
  })

  test('what the container finds is the hierarchy itself', () => {
    const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] }
    const found = { ...mount, type: 'cgroup2', source: 'cgroup2' }
    expect(prepare({}, systemd()).view(mount)).toEqual([found])
    expect(prepare({}, systemd(), { privateNamespace: false }).view(mount)).toEqual([found])
  })
})

describe('on v1', () => {
  const names = ['pids', 'memory', 'cpu,cpuacct', 'cpuset', 'devices', 'freezer', 'net_cls', 'name=systemd']
  const layout = (more = {}): CgroupLayout => ({
    layout: 'v1',
    hierarchies: names.map(name => hierarchy(1, name.split(','), `${tree}/v1/${name}`, '/own', more)),
  })
  const groups = (prepared: ReturnType<typeof prepare>) =>
    prepared.directories.map(path => path.slice(`${tree}/v1/`.length))

  test('a group in each hierarchy, below our own: a namespace that begins higher would show the host’s groups', () => {
    const prepared = prepare({}, layout())
    expect(groups(prepared)).toEqual(names.map(name => `${name}/own/toolkit/${short}`))
    expect(prepared.cgroup).toBeUndefined()
    const opened = prepared.steps.filter(({ call }) => call === 'openat').map(({ args }) => args[1])
    expect(opened).toEqual(prepared.directories.map(directory => `${directory}/tasks`))
    expect(prepared.steps.at(-1)?.call).toBe('unshare')
  })

  test('without a namespace of its own: only where there is something to do', () => {
    const shared = { privateNamespace: false }
    const used = ['pids', 'memory', 'cpu,cpuacct', 'devices', 'freezer']
    expect(groups(prepare({}, layout(), shared))).toEqual(used.map(name => `${name}/own/toolkit/${short}`))
    expect(groups(prepare({ cpu: { cpus: '0' } }, layout(), shared))).toContain(`cpuset/own/toolkit/${short}`)
  })

  test('cgroupsPath: below our own group, or from the top', () => {
    expect(groups(prepare({}, layout(), { path: 'a/b' }))[0]).toBe('pids/own/a/b')
    expect(groups(prepare({}, layout(), { path: '/a/b' }))[0]).toBe('pids/a/b')
    for (const path of ['', '/', '../x', 'a/../b']) expect(() => prepare({}, layout(), { path })).toThrow(/cgroupsPath/)
  })

  test('without limits a machine whose cgroups cannot be written to is as good', () => {
    for (const poor of [layout({ writable: false }), layout({ directory: undefined, mountPoint: undefined })]) {
      const prepared = prepare({}, poor)
      expect(prepared).toMatchObject({ before: [], directories: [], cgroup: undefined })
      expect(() => prepare({ pids: { limit: 5 } }, poor)).toThrow(
        /^--pids-limit: there is no cgroup controller pids here/,
      )
      expect(() => prepare({ memory: { swappiness: 5 } }, poor)).toThrow(/^--memory-swappiness: there is no/)
      expect(() => prepare({}, poor, { path: 'a/b' })).toThrow(/^run: --cgroup-parent a: there is no cgroup here/)
    }
  })

  test('what the container finds is a tmpfs with its own hierarchies, read-only at last', () => {
    const mount = { destination: '/c', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] }
    const own = prepare({}, layout()).view(mount)
    expect(own[0]).toEqual({ destination: '/c', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] })
    expect(own[3]).toEqual({
      destination: '/c/cpu,cpuacct',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'ro', 'cpu', 'cpuacct'],
    })
    expect(own.slice(1, -1).map(({ destination }) => destination.slice(3))).toEqual([...names.slice(0, -1), 'systemd'])
    expect(own.at(-1)).toMatchObject({ type: 'tmpfs', options: ['remount', 'nosuid', 'ro', 'mode=755'] })
    const host = prepare({}, layout(), { privateNamespace: false }).view(mount)
    expect(host).toHaveLength(names.length + 2)
    expect(host.at(-2)).toMatchObject({ destination: '/c/systemd', options: ['nosuid', 'ro', 'none', 'name=systemd'] })
  })
})

test('hybrid: a v2 group besides, only for a controller that v1 does not have', () => {
  const top = v2('hybrid', { '': { controllers: 'hugetlb' } })
  const layout: CgroupLayout = {
    layout: 'hybrid',
    hierarchies: [hierarchy(1, ['pids'], `${tree}/h/pids`, ''), hierarchy(2, ['hugetlb'], top, '')],
  }
  expect(prepare({}, layout).cgroup).toBeUndefined()
  const { cgroup, directories } = prepare({ hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }, layout)
  expect(cgroup).toBeDefined()
  expect(directories).toEqual([`${tree}/h/pids/toolkit/${short}`, `${tree}/hybrid/toolkit/${short}`])
})

test('a refusal says as much as the doctor', async () => {
  const top = v2('lacking', { '': { controllers: '' } })
  const layout: CgroupLayout = { layout: 'v2', hierarchies: [hierarchy(2, [], top, '')] }
  const wish = { id, resources: { memory: { limit: 1 << 30 } }, privateNamespace: true }
  await expect(planCgroup(wish, layout)).rejects.toThrow(
    /^run: --memory: there is no cgroup controller memory here \(not passed on to us\); try: .*Delegate=yes/,
  )
  expect((await planCgroup({ ...wish, resources: {} }, layout)).directories).toHaveLength(1)
})

test('the group that containers share goes with the last of them, and no other', () => {
  const [a, b, other] = [`${tree}/r/toolkit/a`, `${tree}/r/toolkit/b`, `${tree}/r/mine/c`] as const
  for (const directory of [a, b, other]) mkdirSync(directory, { recursive: true })
  removeCgroup([a])
  expect(existsSync(b)).toBe(true)
  removeCgroup([b])
  expect(existsSync(`${tree}/r/toolkit`)).toBe(false)
  removeCgroup([other])
  expect(existsSync(`${tree}/r/mine`)).toBe(true)
})
