import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { oomKills, readCgroup } from '../../toolkit/observe/cgroup-figures.ts'
import {
  controllerState,
  directoriesOf,
  hierarchyOf,
  parseLayout,
  processesIn,
  readLayout,
} from '../../toolkit/observe/cgroups.ts'

const mount = (root: string, point: string, type: string, options: string, own = 'rw') =>
  `30 20 0:30 ${root} ${point} ${own},nosuid shared:1 - ${type} ${type} ${options}`
const parse = (mounts: string[], cgroup: string[], controllers: string[] = []) =>
  parseLayout([...mounts, ''].join('\n'), [...cgroup, ''].join('\n'), () => controllers)

describe('the layout', () => {
  test('v2 under systemd', () => {
    const { layout, hierarchies } = parse(
      [mount('/', '/', 'ext4', 'rw'), mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate')],
      ['0::/user.slice/user-0.slice/session-1.scope'],
      ['memory', 'pids'],
    )
    expect(layout).toBe('v2')
    expect(hierarchies).toEqual([
      {
        version: 2,
        controllers: ['memory', 'pids'],
        path: '/user.slice/user-0.slice/session-1.scope',
        mountPoint: '/sys/fs/cgroup',
        directory: '/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope',
        writable: true,
      },
    ])
  })

  test('v1, two controllers in one hierarchy, one hierarchy not mounted', () => {
    const found = parse(
      [mount('/', '/c/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'), mount('/', '/c/memory', 'cgroup', 'rw,memory')],
      ['3:cpu,cpuacct:/', '2:memory:/a:b/c', '1:net_cls:/'],
    )
    expect(found.layout).toBe('v1')
    expect(found.hierarchies.map(({ directory }) => directory)).toEqual([
      '/c/cpu,cpuacct',
      '/c/memory/a:b/c',
      undefined,
    ])
    expect(hierarchyOf(found, 'cpuacct')?.directory).toBe('/c/cpu,cpuacct')
    expect(hierarchyOf(found, 'net_cls')).toBeUndefined()
    expect(hierarchyOf(found, 'pids')).toBeUndefined()
  })

  test('hybrid; a v2 machine with only a named v1 hierarchy is none', () => {
    const unified = mount('/', '/c/unified', 'cgroup2', 'rw')
    const named = mount('/', '/c/systemd', 'cgroup', 'rw,xattr,name=systemd')
    const lines = ['2:pids:/', '1:name=systemd:/', '0::/']
    expect(parse([mount('/', '/c/pids', 'cgroup', 'rw,pids'), named, unified], lines).layout).toBe('hybrid')
    expect(parse([named, unified], lines.slice(1)).layout).toBe('v2')
  })

  test('in a container whose mounts begin at its own cgroup, the path on the host is left off', () => {
    const own = '/docker/0123'
    const { hierarchies } = parse(
      [mount(own, '/sys/fs/cgroup/pids', 'cgroup', 'rw,pids', 'ro')],
      [`1:pids:${own}/below`, `0::${own}`],
    )
    expect(hierarchies[0]).toMatchObject({ directory: '/sys/fs/cgroup/pids/below', writable: false })
    expect(hierarchies[1]).toMatchObject({ mountPoint: undefined, directory: undefined, writable: false })
  })

  test('in a cgroup namespace, what lies outside of it is not shown', () => {
    const mounts = [mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw')]
    expect(parse(mounts, ['0::/']).hierarchies[0]?.directory).toBe('/sys/fs/cgroup')
    expect(parse(mounts, ['0::/../other']).hierarchies[0]?.directory).toBe('/sys/fs/cgroup/../other')
    const above = [mount('/..', '/sys/fs/cgroup', 'cgroup2', 'rw')]
    expect(parse(above, ['0::/']).hierarchies[0]?.directory).toBeUndefined()
    expect(parse(above, ['0::/../other']).hierarchies[0]?.directory).toBe('/sys/fs/cgroup/other')
  })

  test('of two mounts the one that can be written to', () => {
    const [read, write] = ['/read', '/write'].map((at, i) => mount('/', at, 'cgroup2', 'rw', i === 0 ? 'ro' : 'rw'))
    for (const mounts of [
      [read!, write!],
      [write!, read!],
    ])
      expect(parse(mounts, ['0::/x']).hierarchies[0]?.directory).toBe('/write/x')
  })

  test('of this process: it is in every group that is found', () => {
    const found = readLayout(process.pid)!
    expect(found.hierarchies.length).toBeGreaterThan(0)
    const directories = directoriesOf(process.pid)
    for (const directory of directories) expect(processesIn(directory)).toContain(process.pid)
    expect(readLayout(0x7fffffff)).toBeUndefined()
    expect(directoriesOf(0x7fffffff)).toEqual([])
  })

  test('what the kernel says of a controller', () => {
    expect(controllerState('no-such')).toBe('absent')
    const rows = readFileSync('/proc/cgroups', 'utf8').split('\n').slice(1, -1)
    for (const [name, hierarchy, , enabled] of rows.map(row => row.split('\t')))
      expect(controllerState(name!)).toBe(enabled !== '1' ? 'disabled' : hierarchy === '0' ? 'unmounted' : 'mounted')
  })
})

describe('the figures', () => {
  const tree = mkdtempSync(join(tmpdir(), 'figures-'))
  afterAll(() => rmSync(tree, { recursive: true }))
  const fill = (directory: string, files: Record<string, string>): string => {
    mkdirSync(`${tree}/${directory}`, { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(`${tree}/${directory}/${name}`, `${text}\n`)
    return `${tree}/${directory}`
  }
  let v1: string[]
  let v2: string[]
  beforeAll(() => {
    v1 = [
      fill('memory', {
        'memory.usage_in_bytes': '5000',
        'memory.max_usage_in_bytes': '6000',
        'memory.limit_in_bytes': '8192',
        'memory.failcnt': '9',
        'memory.memsw.limit_in_bytes': '12288',
        'memory.stat': 'cache 1\ntotal_swap 300\ntotal_inactive_file 200',
        'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2',
        'cgroup.procs': '7\n8',
      }),
      fill('cpu', {
        'cpu.cfs_quota_us': '5000',
        'cpu.cfs_period_us': '100000',
        'cpu.shares': '512',
        'cpu.stat': 'nr_periods 4\nnr_throttled 3\nthrottled_time 2000000',
      }),
      fill('cpuacct', { 'cpuacct.usage': '9000000', 'cpuacct.usage_user': '5000000', 'cpuacct.usage_sys': '4000000' }),
      fill('pids', { 'pids.current': '2', 'pids.max': 'max', 'pids.events': 'max 6', 'cgroup.procs': '7\n8' }),
      fill('blkio', {
        'blkio.throttle.io_service_bytes_recursive': '8:0 Read 10\n8:0 Write 20\n8:0 Discard 0\n8:0 Total 30\nTotal 30',
        'blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3',
      }),
      fill('cpuset', { 'cpuset.effective_cpus': '0-1', 'cpuset.effective_mems': '0' }),
      fill('freezer', { 'freezer.state': 'FROZEN' }),
      fill('unified', {
        'cpu.stat': 'usage_usec 1\nuser_usec 1\nsystem_usec 0',
        'cgroup.events': 'populated 1\nfrozen 0',
      }),
    ]
    fill('memory/below', { 'memory.oom_control': 'oom_kill 3', 'cgroup.procs': '9' })
    v2 = [
      fill('v2', {
        'memory.current': '5000',
        'memory.peak': '6000',
        'memory.max': '8192',
        'memory.swap.current': '300',
        'memory.swap.max': '4096',
        'memory.stat': 'anon 1\ninactive_file 200',
        'memory.events': 'max 9\noom 5\noom_kill 5',
        'cpu.stat':
          'usage_usec 9000\nuser_usec 5000\nsystem_usec 4000\nnr_periods 4\nnr_throttled 3\nthrottled_usec 2000',
        'cpu.max': '5000 100000',
        'cpu.weight': '60',
        'pids.current': '2',
        'pids.max': 'max',
        'pids.events': 'max 6',
        'io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0',
        'cpuset.cpus.effective': '0-1',
        'cpuset.mems.effective': '0',
        'cgroup.events': 'populated 1\nfrozen 1',
        'cgroup.procs': '7\n8',
      }),
    ]
    fill('v2/below', { 'cgroup.procs': '9' })
  })

  test('are the same on v1 and v2', () => {
    const expected = {
      memory: {
        current: 5000,
        peak: 6000,
        limit: 8192,
        swap: { current: 300, limit: 4096 },
        inactiveFile: 200,
        limitHits: 9,
        oomKills: 5,
      },
      cpu: { usage: 9000, user: 5000, system: 4000, quota: 5000, period: 100_000, periods: 4, throttledPeriods: 3 },
      pids: { current: 2, limit: Number.POSITIVE_INFINITY, peak: undefined, refused: 6 },
      io: [{ device: '8:0', readBytes: 10, writeBytes: 20, reads: 1, writes: 2 }],
      cpuset: { cpus: '0-1', mems: '0' },
      frozen: true,
      processes: [7, 8, 9],
    }
    const [one, two] = [readCgroup(v1), readCgroup(v2)]
    expect(one).toMatchObject(expected)
    expect(two).toMatchObject(expected)
    expect([oomKills(v1), oomKills(v2), oomKills([])]).toEqual([5, 5, undefined])
    expect(one.cpu).toMatchObject({ throttled: 2000, shares: 512, weight: undefined })
    expect(two.cpu).toMatchObject({ throttled: 2000, shares: undefined, weight: 60 })
  })

  test('no limit is Infinity, however the kernel writes it', () => {
    const directory = fill('unlimited', {
      'memory.usage_in_bytes': '1',
      'memory.limit_in_bytes': '9223372036854771712',
      'memory.memsw.limit_in_bytes': '9223372036854771712',
      'memory.oom_control': 'oom_kill_disable 0',
      'cpu.shares': '1024',
      'cpu.cfs_quota_us': '-1',
    })
    const { memory, cpu } = readCgroup([directory])
    expect(memory?.limit).toBe(Number.POSITIVE_INFINITY)
    expect(memory?.swap?.limit).toBe(Number.POSITIVE_INFINITY)
    expect(memory?.oomKills).toBeUndefined()
    expect(cpu?.quota).toBe(Number.POSITIVE_INFINITY)
  })

  test('what is not there is undefined', () => {
    const nothing = { memory: undefined, cpu: undefined, pids: undefined, io: [], cpuset: undefined, frozen: undefined }
    expect(readCgroup([])).toEqual({ ...nothing, processes: [] })
    expect(readCgroup([`${tree}/gone`])).toEqual({ ...nothing, processes: [] })
  })
})
