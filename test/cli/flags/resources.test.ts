import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type ResourceFlags, resources } from '../../../toolkit/cli/flags/resources.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const G = 2 ** 30
const cpus = Number(execFileSync('nproc', { env: { PATH: process.env.PATH } })) // it has a variable that says otherwise
type Given = Parameters<typeof resources>[0]

test('without any of them there is nothing but the defaults', () => {
  expect(resources({})).toEqual({ resources: { devices: [] }, devices: [], cgroupns: 'private' })
})

describe('good values', () => {
  test.each<[Given, Partial<ResourceFlags['resources']>]>([
    [{ memory: '1g' }, { memory: { limit: G } }],
    [{ memory: '6291456' }, { memory: { limit: 6 << 20 } }],
    [{ memory: '1.5GiB', 'memory-swap': '-1' }, { memory: { limit: 1.5 * G, swap: -1 } }],
    [{ memory: '64M', 'memory-swap': '64mb' }, { memory: { limit: 64 << 20, swap: 64 << 20 } }],
    [{ memory: '65536K', 'memory-reservation': '32m' }, { memory: { limit: 64 << 20, reservation: 32 << 20 } }],
    [{ cpus: '0.5' }, { cpu: { quota: 50_000, period: 100_000 } }],
    [{ cpus: '.25' }, { cpu: { quota: 25_000, period: 100_000 } }],
    [{ cpus: String(cpus) }, { cpu: { quota: cpus * 100_000, period: 100_000 } }],
    [{ 'cpu-shares': '512' }, { cpu: { shares: 512 } }],
    [{ 'cpu-quota': '5000', 'cpu-period': '10000' }, { cpu: { quota: 5000, period: 10_000 } }],
    [{ 'cpu-quota': '-1' }, { cpu: { quota: -1 } }],
    [{ 'cpuset-cpus': '0', 'cpuset-mems': '0' }, { cpu: { cpus: '0', mems: '0' } }],
    [{ 'pids-limit': '100' }, { pids: { limit: 100 } }],
    [{ 'pids-limit': '-1' }, { pids: { limit: -1 } }],
    [{ 'pids-limit': '0' }, { pids: { limit: 0 } }],
    [{ cpus: '0', memory: '0', 'memory-swap': '0m', 'cpu-shares': '0', 'cpu-quota': '0', 'blkio-weight': '0' }, {}],
    [{ cpus: '0.0', 'cpu-period': '5000', 'cpu-quota': '0' }, { cpu: { period: 5000 } }],
    [{ 'blkio-weight': '500' }, { blockIO: { weight: 500 } }],
  ])('%j', (given, expected) => {
    expect(resources(given).resources).toEqual({ ...expected, devices: [] })
  })

  test.each<[string, object, object]>([
    ['/dev/null', { path: '/dev/null', fileMode: 0o666 }, { access: 'rwm' }],
    ['/dev/null:/dev/other', { path: '/dev/other' }, { access: 'rwm' }],
    ['/dev/null:r', { path: '/dev/null' }, { access: 'r' }],
    ['/dev/null:/dev/deep/er:wm', { path: '/dev/deep/er' }, { access: 'wm' }],
  ])('--device %s', (value, node, rule) => {
    const found = resources({ device: [value] })
    expect(found.devices).toEqual([{ type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0, ...node }])
    expect(found.resources.devices).toEqual([{ allow: true, type: 'c', major: 1, minor: 3, ...rule }])
  })

  const disk = ['/dev/vda', '/dev/sda', '/dev/nvme0n1'].find(path => existsSync(path))
  test.skipIf(!disk)(`limits for a disk${disk ? '' : ' (skipped: no disk here)'}`, () => {
    const { blockIO } = resources({
      'device-read-bps': [`${disk}:10m`],
      'device-write-bps': [`${disk}:1`],
      'device-read-iops': [`${disk}:7`],
      'device-write-iops': [`${disk}:8`],
    }).resources
    const [read] = blockIO!.throttleReadBpsDevice!
    expect(read).toMatchObject({ rate: 10 << 20 })
    expect(blockIO!.throttleWriteBpsDevice).toEqual([{ ...read, rate: 1 }])
    expect(blockIO!.throttleReadIOPSDevice).toEqual([{ ...read, rate: 7 }])
    expect(blockIO!.throttleWriteIOPSDevice).toEqual([{ ...read, rate: 8 }])
  })

  test.each(['host', 'private'] as const)('--cgroupns %s', cgroupns => {
    expect(resources({ cgroupns }).cgroupns).toBe(cgroupns)
  })
})

describe('bad values are refused in one line that names flag, value and what is allowed', () => {
  test.each<[Given, RegExp]>([
    [{ memory: 'lots' }, /^run: --memory lots: .*512m$/],
    [{ memory: '-1' }, /^run: --memory -1: /],
    [{ memory: '' }, /^run: --memory "": /],
    [{ memory: '1e9' }, /^run: --memory 1e9: /],
    [{ memory: '99999999p' }, /^run: --memory 99999999p: /],
    [{ memory: '5m' }, /^run: --memory 5m: give at least 6m$/],
    [{ 'memory-swap': '1g' }, /^run: --memory-swap 1g: .*--memory/],
    [{ 'memory-swap': '-1' }, /^run: --memory-swap -1: .*--memory/],
    [{ memory: '64m', 'memory-swap': '32m' }, /^run: --memory-swap 32m: .*at least --memory 64m/],
    [{ memory: '64m', 'memory-reservation': '65m' }, /^run: --memory-reservation 65m: .*--memory 64m/],
    [{ 'memory-reservation': '1m' }, /^run: --memory-reservation 1m: give at least 6m/],
    [{ cpus: 'two' }, /^run: --cpus two: /],
    [{ cpus: '' }, /^run: --cpus "": /],
    [{ cpus: '-1' }, /^run: --cpus -1: /],
    [{ cpus: String(cpus + 1) }, new RegExp(`^run: --cpus ${cpus + 1}: .* to ${cpus}`)],
    [{ cpus: '1', 'cpu-quota': '5000' }, /^run: --cpus 1: it sets --cpu-quota itself/],
    [{ cpus: '1', 'cpu-period': '5000' }, /^run: --cpus 1: it sets --cpu-period itself/],
    [{ 'cpu-shares': '1' }, /^run: --cpu-shares 1: .*from 2 to 262144/],
    [{ 'cpu-shares': '1k' }, /^run: --cpu-shares 1k: /],
    [{ 'cpu-quota': '999' }, /^run: --cpu-quota 999: .*1000 or more, or -1/],
    [{ 'cpu-period': '999' }, /^run: --cpu-period 999: .*from 1000 to 1000000/],
    [{ 'cpu-period': '1000001' }, /^run: --cpu-period 1000001: /],
    [{ 'cpuset-cpus': '0-' }, /^run: --cpuset-cpus 0-: .*0-3,7/],
    [{ 'cpuset-cpus': '1-0' }, /^run: --cpuset-cpus 1-0: /],
    [{ 'cpuset-cpus': 'a' }, /^run: --cpuset-cpus a: /],
    [{ 'cpuset-cpus': '' }, /^run: --cpuset-cpus "": /],
    [{ 'cpuset-cpus': '0,9999' }, /^run: --cpuset-cpus 0,9999: there (is|are) only [\d,-]+ here/],
    [{ 'cpuset-mems': '77' }, /^run: --cpuset-mems 77: there (is|are) only/],
    [{ 'pids-limit': '-2' }, /^run: --pids-limit -2: .*from 0 to 4194304, or -1/],
    [{ 'pids-limit': '1.5' }, /^run: --pids-limit 1.5: /],
    [{ 'pids-limit': '4194305' }, /^run: --pids-limit 4194305: /],
    [{ 'blkio-weight': '9' }, /^run: --blkio-weight 9: .*from 10 to 1000/],
    [{ 'blkio-weight': '1001' }, /^run: --blkio-weight 1001: /],
    [{ 'device-read-bps': ['/dev/vda'] }, /^run: --device-read-bps \/dev\/vda: .*DISK:BYTES/],
    [{ 'device-write-bps': ['/dev/vda:0'] }, /^run: --device-write-bps \/dev\/vda:0: /],
    [{ 'device-read-iops': ['/dev/vda:1m'] }, /^run: --device-read-iops \/dev\/vda:1m: .*DISK:NUMBER/],
    [{ 'device-write-iops': ['vda:1'] }, /^run: --device-write-iops vda:1: /],
    [{ 'device-read-bps': ['/dev/nowhere:1m'] }, /^run: --device-read-bps .*there is no \/dev\/nowhere/],
    [{ 'device-read-bps': ['/dev/null:1m'] }, /^run: --device-read-bps .*\/dev\/null is no disk/],
    [{ device: ['null'] }, /^run: --device null: .*\/dev\/fuse/],
    [{ device: [''] }, /^run: --device "": /],
    [{ device: ['/dev/null:x'] }, /^run: --device \/dev\/null:x: /],
    [{ device: ['/dev/null:rr'] }, /^run: --device \/dev\/null:rr: /],
    [{ device: ['/dev/null:'] }, /^run: --device \/dev\/null:: /],
    [{ device: ['/dev/null:/dev/../etc/x'] }, /^run: --device /],
    [{ device: ['/dev/null:/a:/b:r'] }, /^run: --device /],
    [{ device: ['/dev/nowhere'] }, /^run: --device \/dev\/nowhere: there is no \/dev\/nowhere on this host/],
    [{ device: ['/etc/passwd'] }, /^run: --device \/etc\/passwd: \/etc\/passwd is no device$/],
    [{ device: ['/dev/pts'] }, /is no device; name each device in it/],
    [{ device: ['/dev/null:/dev/x', '/dev/zero:/dev/x'] }, /^run: --device \/dev\/zero:\/dev\/x: another device is/],
    [{ device: ['/dev/null:/dev/pts/9'] }, /^run: --device \/dev\/null:\/dev\/pts\/9: .*; give a place in \/dev$/],
    [{ device: ['/dev/null:/dev/mqueue/x'] }, /no device can be in \/dev\/mqueue/],
    [{ device: ['/dev/null:/proc/x'] }, /no device can be in \/proc/],
    [{ device: ['/dev/null:/sys'] }, /no device can be in \/sys/],
    [{ device: ['/dev/null:/dev/ptmx'] }, /something else in every container; give another place in \/dev$/],
    [{ device: ['/dev/null:/dev/stdin'] }, /something else in every container/],
    [{ device: ['/dev/null:/dev'] }, /something else in every container/],
    [{ device: ['/dev/null:/dev/shm'] }, /no device can be in \/dev\/shm/],
    [{ device: ['/dev/null:/dev/shm/x'] }, /no device can be in \/dev\/shm/],
    [{ device: [`/dev/null:/dev/${'x'.repeat(256)}`] }, /a name has at most 255 bytes/],
    [{ cgroupns: 'shared' }, /^run: --cgroupns shared: give host or private/],
  ])('%j', (given, message) => {
    const refused = () => resources(given)
    expect(refused).toThrow(UsageError)
    expect(refused).toThrow(message)
    expect(refused).not.toThrow(/\n/)
  })
})
