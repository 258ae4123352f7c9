// The config.json that others take, against the words of the specification; what they make of it is in differential.test.ts.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse } from '../../toolkit/cli/options.ts'
import { wishes, wishOf } from '../../toolkit/cli/run.ts'
import { formatConfig, ociConfig } from '../../toolkit/engine/oci.ts'

beforeEach(() => void vi.stubEnv('TOOLKIT_NETWORK', 'none'))
afterEach(() => void vi.unstubAllEnvs())

const given = (...flags: string[]) => wishOf(parse({ usage: 'spec', summary: '', flags: wishes }, flags).flags)
const describeIt = (...flags: string[]) => ociConfig({ ...given(...flags), rootfs: '/', args: ['true'] })
const config = async (...flags: string[]) => (await describeIt(...flags)).config
const unsaid = async (...flags: string[]) => (await describeIt(...flags)).unsaid

type Shape = (value: unknown) => boolean

const text: Shape = value => typeof value === 'string' && value !== ''
const boolean: Shape = value => typeof value === 'boolean'
const integer: Shape = value => Number.isInteger(value)
const absolute: Shape = value => text(value) && (value as string).startsWith('/')
const oneOf =
  (...values: unknown[]): Shape =>
  value =>
    values.includes(value)
const like =
  (pattern: RegExp): Shape =>
  value =>
    typeof value === 'string' && pattern.test(value)
const list =
  (shape: Shape): Shape =>
  value =>
    Array.isArray(value) && value.every(shape)
const map =
  (shape: Shape): Shape =>
  value =>
    Object.values(value as object).every(shape)

/** An object with these properties, those with a ? perhaps, and no others. */
const object =
  (shapes: Record<string, Shape>): Shape =>
  value => {
    if (typeof value !== 'object' || value === null) return false
    const rest = Object.keys(value).filter(key => !(key in shapes) && !(`${key}?` in shapes))
    const wrong = Object.entries(shapes).filter(([name, shape]) => {
      const key = name.replace('?', '')
      return key in value ? !shape((value as Record<string, unknown>)[key]) : key === name
    })
    expect([rest, wrong.map(([name]) => name)]).toEqual([[], []])
    return true
  }

const capabilities = list(like(/^CAP_[A-Z_]+$/))
const throttles = list(object({ major: integer, minor: integer, rate: integer }))
const mappings = list(object({ containerID: integer, hostID: integer, size: integer }))

/** config.md and config-linux.md of the runtime specification 1.2, as far as we go. */
const CONFIG = object({
  ociVersion: like(/^1\.2\.\d+$/),
  process: object({
    terminal: boolean,
    args: list(text),
    env: list(like(/^[^=]+=/)),
    cwd: absolute,
    user: object({ uid: integer, gid: integer, umask: integer, additionalGids: list(integer) }),
    capabilities: object({
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
      inheritable: capabilities,
      ambient: capabilities,
    }),
    noNewPrivileges: boolean,
    rlimits: list(object({ type: like(/^RLIMIT_[A-Z]+$/), soft: integer, hard: integer })),
    'oomScoreAdj?': integer,
  }),
  root: object({ path: absolute, readonly: boolean }),
  'hostname?': text,
  'domainname?': text,
  'annotations?': map(text),
  mounts: list(object({ destination: absolute, type: text, source: text, options: list(text) })),
  linux: object({
    namespaces: list(
      object({
        type: oneOf('pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'),
        'path?': absolute,
      }),
    ),
    'uidMappings?': mappings,
    'gidMappings?': mappings,
    'cgroupsPath?': text,
    devices: list(
      object({
        type: oneOf('c', 'b', 'u', 'p'),
        path: absolute,
        'major?': integer,
        'minor?': integer,
        'fileMode?': integer,
        'uid?': integer,
        'gid?': integer,
      }),
    ),
    resources: object({
      devices: list(
        object({
          allow: boolean,
          'type?': oneOf('a', 'b', 'c'),
          'major?': integer,
          'minor?': integer,
          'access?': like(/^r?w?m?$/),
        }),
      ),
      'memory?': object({
        ...{ 'limit?': integer, 'swap?': integer, 'reservation?': integer },
        ...{ 'swappiness?': integer, 'disableOOMKiller?': boolean },
      }),
      'cpu?': object({
        ...{ 'shares?': integer, 'quota?': integer, 'period?': integer, 'cpus?': text, 'mems?': text },
        ...{ 'realtimePeriod?': integer, 'realtimeRuntime?': integer },
      }),
      pids: object({ limit: integer }),
      'blockIO?': object({
        'weight?': integer,
        'weightDevice?': list(object({ major: integer, minor: integer, weight: integer })),
        'throttleReadBpsDevice?': throttles,
        'throttleWriteBpsDevice?': throttles,
        'throttleReadIOPSDevice?': throttles,
        'throttleWriteIOPSDevice?': throttles,
      }),
    }),
    sysctl: map(text),
    'seccomp?': object({
      defaultAction: like(/^SCMP_ACT_/),
      'defaultErrnoRet?': integer,
      architectures: list(like(/^SCMP_ARCH_/)),
      'flags?': list(like(/^SECCOMP_FILTER_FLAG_/)),
      syscalls: list(
        object({
          names: list(text),
          action: like(/^SCMP_ACT_/),
          'errnoRet?': integer,
          'args?': list(object({ index: integer, value: integer, 'valueTwo?': integer, op: like(/^SCMP_CMP_/) })),
        }),
      ),
    }),
    rootfsPropagation: oneOf('shared', 'slave', 'private', 'unbindable'),
    maskedPaths: list(absolute),
    readonlyPaths: list(absolute),
  }),
})

describe('what the specification has, and nothing else', () => {
  test.each([
    ['plain', []],
    ['privileged, the host’s', ['--privileged', '--uts', 'host', '--ipc', 'host', '--cgroupns', 'host']],
    ['a user', ['-t', '-u', '7:8', '--group-add', '9', '--cap-add', 'SYS_CHROOT', '--oom-score-adj', '-5']],
    ['mounts', ['-v', '/usr:/mnt/usr:ro', '--tmpfs', '/x', '--shm-size', '1m', '--read-only', '-w', '/x']],
    ['limits', ['-m', '64m', '--cpus', '1', '--cpu-shares', '5', '--cpuset-cpus', '0', '--pids-limit', '-1']],
    ['more limits', ['--memory-swappiness', '5', '--oom-kill-disable', '--cpu-rt-period', '9', '--cgroup-parent', 'a']],
    ['words', ['--annotation', 'a=1', '--device-cgroup-rule', 'c 10:* rw', '--log-driver', 'none']],
    ['more', ['--device', '/dev/null', '--sysctl', 'net.ipv4.ip_forward=1', '--ulimit', 'core=0:-1']],
  ])('%s', async (_, flags) => {
    const written = JSON.parse(formatConfig(await config(...flags)))
    expect(CONFIG(written)).toBe(true)
    const types = (written as Awaited<ReturnType<typeof config>>).linux.namespaces.map(({ type }) => type)
    expect(new Set(types).size).toBe(types.length)
  })
})

describe('what nobody asks for is written out', () => {
  test('the limit of processes, and which devices work: first none', async () => {
    const { resources } = (await config()).linux
    expect(resources.pids).toEqual({ limit: 2048 })
    expect(resources.devices![0]).toEqual({ allow: false, access: 'rwm' })
    expect(resources.devices).toContainEqual({ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' })
    expect((await config('--pids-limit', '-1')).linux.resources.pids).toEqual({ limit: -1 })
  })

  test('as much swap as memory', async () => {
    const memory = async (...flags: string[]) => (await config(...flags)).linux.resources.memory
    expect(await memory('-m', '64m')).toEqual({ limit: 1 << 26, swap: 1 << 27 })
    expect(await memory('-m', '64m', '--memory-swap', '65m')).toEqual({ limit: 1 << 26, swap: 65 << 20 })
    expect(await memory('-m', '64m', '--memory-swap', '-1')).toEqual({ limit: 1 << 26, swap: -1 })
    expect(await memory('--memory-reservation', '64m')).toEqual({ reservation: 1 << 26 })
    expect(await memory()).toBeUndefined()
  })

  test('the filter, for these capabilities; none where none is wished for', async () => {
    const calls = async (...flags: string[]) =>
      (await config(...flags)).linux.seccomp?.syscalls?.flatMap(({ action, args, names }) =>
        action === 'SCMP_ACT_ALLOW' && !args ? names : [],
      )
    expect(await calls()).toContain('openat')
    expect(await calls()).not.toContain('mount')
    expect(await calls('--cap-add', 'SYS_ADMIN')).toContain('mount')
    expect(await calls('--security-opt', 'seccomp=unconfined')).toBeUndefined()
  })
})

describe('what we say shorter', () => {
  test('no limit is 2**64 - 1, with all its digits', async () => {
    const written = formatConfig(await config('--ulimit', 'core=0:-1'))
    expect(written).toMatch(/"type": "RLIMIT_CORE",\s+"soft": 0,\s+"hard": 18446744073709551615\s/)
  })

  test('a read-only volume is so in all that is mounted below it', async () => {
    const { mounts } = await config('-v', '/usr:/a:ro', '-v', '/usr:/b')
    const options = (path: string) => mounts.find(({ destination }) => destination === path)!.options
    expect(options('/a')).toEqual(['rbind', 'rprivate', 'ro', 'rro'])
    expect(options('/b')).toEqual(['rbind', 'rprivate'])
  })

  test('… but where only its top is to be; what another container shares is said to be missing', async () => {
    const only = 'type=bind,src=/usr,dst=/a,ro,bind-recursive=writable'
    const { mounts, linux } = await config('--mount', only, '--ipc', 'container:other')
    expect(mounts.find(({ destination }) => destination === '/a')!.options).toEqual(['rbind', 'rprivate', 'ro'])
    expect(linux.namespaces).toContainEqual({ type: 'ipc' })
    const { unsaid } = await ociConfig({ ...given('--pid', 'container:other'), rootfs: '/', args: ['true'] })
    expect(unsaid).toContain('the pid namespace of container other: it has a new one')
  })

  test('what is mounted in a directory of the host does not show up there', async () => {
    const { mounts } = await config('--ipc', 'host')
    expect(mounts.find(({ destination }) => destination === '/dev/shm')!.options).toEqual(['rbind', 'rprivate'])
  })

  test('a time namespace with the clocks of the host is left out', async () => {
    expect((await config()).linux.namespaces.map(({ type }) => type)).not.toContain('time')
    const { config: shifted } = await ociConfig({
      ...given(),
      rootfs: '/',
      args: ['true'],
      namespaces: { ...given().namespaces, time: { path: '/proc/self/ns/time' } },
    })
    expect(shifted.linux.namespaces).toContainEqual({ type: 'time', path: '/proc/self/ns/time' })
  })

  test('what lies below another mount comes after it, and /dev/shm once', async () => {
    const { mounts } = await config('-v', '/usr:/a/b/c', '--tmpfs', '/a', '--shm-size', '1m')
    const places = mounts.map(({ destination }) => destination)
    expect(places.indexOf('/a')).toBeLessThan(places.indexOf('/a/b/c'))
    expect(places.indexOf('/dev')).toBeLessThan(places.indexOf('/dev/shm'))
    expect(places.filter(path => path === '/dev/shm')).toHaveLength(1)
  })
})

test('what a spec cannot say is told', async () => {
  const always = [
    'the layer over /: whoever runs this writes into that directory',
    '/etc/hostname, /etc/hosts, /etc/resolv.conf: the image’s own are seen',
  ]
  expect(await unsaid()).toEqual(always)
  expect(await unsaid('--read-only', '-v', '/etc/hosts:/etc/hosts')).toEqual([
    '/etc/hostname, /etc/resolv.conf: the image’s own are seen',
  ])
  expect(await unsaid('--net', 'bridge', '-p', '8000-8001:80-81/udp', '--init', '-v', '/no/such:/x')).toEqual([
    ...always,
    '/no/such, the source of a volume: it is not there, and has to be made',
    'the bridge: the network namespace has a loopback and no way out',
    'the published port 8000-8001:80-81/udp',
    '--init: the command itself is PID 1',
  ])
})
