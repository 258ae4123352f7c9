import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  CONTROLLERS,
  type Controller,
  ioWeightOf,
  limitAction,
  type Resources,
  settings,
  weightOf,
} from '../../toolkit/primitives/limits.ts'

const G = 2 ** 30

/** What is written for all controllers, `file=value`; a ? where nobody asked for it. */
const written = (resources: Resources, version: 1 | 2): string[] =>
  CONTROLLERS.flatMap(controller => settings(controller, resources, version)).flatMap(({ writes, optional }) =>
    writes.map(({ file, value }) => `${file}=${value}${optional ? '?' : ''}`),
  )

describe('each limit has its files on v1 and on v2', () => {
  test.each<[string, Resources, string[], string[]]>([
    ['nothing', {}, [], []],
    [
      'memory, and as much swap',
      { memory: { limit: G } },
      ['memory.memsw.limit_in_bytes=-1?', `memory.limit_in_bytes=${G}`, `memory.memsw.limit_in_bytes=${2 * G}?`],
      [`memory.max=${G}`, `memory.swap.max=${G}?`],
    ],
    [
      'memory without swap',
      { memory: { limit: G, swap: G } },
      ['memory.memsw.limit_in_bytes=-1', `memory.limit_in_bytes=${G}`, `memory.memsw.limit_in_bytes=${G}`],
      [`memory.max=${G}`, 'memory.swap.max=0'],
    ],
    [
      'memory with any swap',
      { memory: { limit: G, swap: -1 } },
      ['memory.memsw.limit_in_bytes=-1', `memory.limit_in_bytes=${G}`],
      [`memory.max=${G}`, 'memory.swap.max=max'],
    ],
    [
      'no limit of memory any more',
      { memory: { limit: -1 } },
      ['memory.memsw.limit_in_bytes=-1?', 'memory.limit_in_bytes=-1'],
      ['memory.max=max'],
    ],
    ['a reservation', { memory: { reservation: G } }, [`memory.soft_limit_in_bytes=${G}`], [`memory.low=${G}`]],
    ['shares', { cpu: { shares: 512 } }, ['cpu.shares=512'], ['cpu.weight=59']],
    [
      'a quota and its period',
      { cpu: { quota: 5000, period: 10_000 } },
      ['cpu.cfs_period_us=10000', 'cpu.cfs_quota_us=5000'],
      ['cpu.max=5000 10000'],
    ],
    ['a quota', { cpu: { quota: 5000 } }, ['cpu.cfs_quota_us=5000'], ['cpu.max=5000 100000']],
    ['no quota', { cpu: { quota: -1 } }, ['cpu.cfs_quota_us=-1'], ['cpu.max=max 100000']],
    [
      'processors and nodes',
      { cpu: { cpus: '0-1', mems: '0' } },
      ['cpuset.cpus=0-1', 'cpuset.mems=0'],
      ['cpuset.cpus=0-1', 'cpuset.mems=0'],
    ],
    ['processes', { pids: { limit: 9 } }, ['pids.max=9'], ['pids.max=9']],
    ['any number of them', { pids: { limit: -1 } }, ['pids.max=max'], ['pids.max=max']],
    [
      'a weight for disks',
      { blockIO: { weight: 500 } },
      ['blkio.bfq.weight=500', 'blkio.weight=500'],
      ['io.bfq.weight=500', 'io.weight=default 4950'],
    ],
    [
      'the speed of disks',
      {
        blockIO: {
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 2 }],
          throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 3 }],
          throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 0 }],
        },
      },
      [
        'blkio.throttle.read_bps_device=8:0 1',
        'blkio.throttle.write_bps_device=8:0 2',
        'blkio.throttle.read_iops_device=8:0 3',
        'blkio.throttle.write_iops_device=8:16 0',
      ],
      ['io.max=8:0 rbps=1', 'io.max=8:0 wbps=2', 'io.max=8:0 riops=3', 'io.max=8:16 wiops=max'],
    ],
    [
      'huge pages',
      { hugepageLimits: [{ pageSize: '2MB', limit: G }] },
      [`hugetlb.2MB.limit_in_bytes=${G}`],
      [`hugetlb.2MB.max=${G}`],
    ],
  ])('%s', (_name, resources, v1, v2) => {
    expect(written(resources, 1)).toEqual(v1)
    expect(written(resources, 2)).toEqual(v2)
  })

  test.each(['../../x', '2 MB', '0MB', ''])('a page size of %j is refused', pageSize => {
    expect(() => settings('hugetlb', { hugepageLimits: [{ pageSize, limit: 1 }] }, 1)).toThrow(/no page size/)
  })

  test('a limit of memory and swap together without one of memory is refused', () => {
    expect(() => settings('memory', { memory: { swap: G } }, 2)).toThrow(/give --memory, too/)
  })

  test.each([
    [0, 1],
    [2, 1],
    [3, 2],
    [512, 59],
    [1024, 100],
    [2048, 174],
    [262_144, 10_000],
    [999_999, 10_000],
  ])('%i shares are a weight of %i', (shares, weight) => {
    expect(weightOf(shares)).toBe(weight)
  })

  test.each([
    [10, 1],
    [500, 4950],
    [1000, 10_000],
  ])('a weight of %i for disks is %i', (weight, io) => {
    expect(ioWeightOf(weight)).toBe(io)
  })
})

describe('a write', () => {
  const directory = mkdtempSync(join(tmpdir(), 'limits-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const apply = (controller: Controller, resources: Resources, version: 1 | 2) => {
    for (const setting of settings(controller, resources, version))
      limitAction(directory, controller, setting).apply({ descriptors: new Map() })
  }

  test('goes to the first of the files that is there', () => {
    writeFileSync(`${directory}/blkio.weight`, '')
    apply('io', { blockIO: { weight: 500 } }, 1)
    expect(readFileSync(`${directory}/blkio.weight`, 'utf8')).toBe('500')
  })

  test('to a file that is not there is an error that says what brings it, where somebody asked for it', () => {
    writeFileSync(`${directory}/memory.limit_in_bytes`, '')
    apply('memory', { memory: { limit: 4096 } }, 1)
    expect(readFileSync(`${directory}/memory.limit_in_bytes`, 'utf8')).toBe('4096')
    const swap = () => apply('memory', { memory: { limit: 4096, swap: 4096 } }, 1)
    expect(swap).toThrow(
      '--memory-swap: this kernel has no memory.memsw.limit_in_bytes: it does not account swap; start it with swapaccount=1',
    )
    expect(() => apply('cpu', { cpu: { quota: 5000 } }, 2)).toThrow(/--cpu-quota: .* cpu.max: .*CONFIG_CFS_BANDWIDTH/)
  })

  test('that fails names the flag, the value and the file', () => {
    mkdirSync(`${directory}/pids.max`)
    expect(() => apply('pids', { pids: { limit: 5 } }, 1)).toThrow(
      /^--pids-limit: the kernel does not take 5 in pids.max: is a/,
    )
  })

  test('is told as a person would type it', () => {
    const [setting] = settings('pids', { pids: { limit: 5 } }, 2)
    expect(limitAction('/g', 'pids', setting!)).toMatchObject({
      text: 'write("/g/pids.max", "5")',
      shell: 'echo 5 > /g/pids.max',
      lesson: '09-pids',
    })
  })
})
