// The flags that say how much a container may use, and which devices. Docker's words, units and limits.
import { readFileSync, type Stats, statSync } from 'node:fs'
import type { UsageError } from '../../kernel/usage-error.ts'
import { readCgroup } from '../../observe/cgroup-figures.ts'
import { directoriesOf } from '../../observe/cgroups.ts'
import { deviceNode } from '../../observe/devices.ts'
import type { DeviceRule } from '../../primitives/device-rules.ts'
import type { Device } from '../../primitives/devices.ts'
import type { Resources, Throttle } from '../../primitives/limits.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue, unreadable } from './refuse.ts'
import { withoutZeros } from './zeros.ts'

export const flags = {
  memory: { short: 'm', value: 'BYTES', help: 'the most memory that it may take, such as 512m' },
  'memory-swap': { value: 'BYTES', help: 'memory and swap together; -1: any amount of swap (default: twice --memory)' },
  'memory-reservation': { value: 'BYTES', help: 'memory that it keeps longest when the host runs short' },
  cpus: { value: 'NUMBER', help: 'processor time, in processors: 1.5' },
  'cpu-shares': {
    short: 'c',
    value: 'NUMBER',
    help: 'its share beside other busy containers, 2 to 262144 (default: 1024)',
  },
  'cpu-quota': { value: 'MICROSECONDS', help: 'processor time in each --cpu-period; -1: no limit' },
  'cpu-period': { value: 'MICROSECONDS', help: '1000 to 1000000 (default: 100000)' },
  'cpuset-cpus': { value: 'LIST', help: 'the processors that it may run on: 0-3,7' },
  'cpuset-mems': { value: 'LIST', help: 'the memory nodes that it may take from: 0,1' },
  'pids-limit': { value: 'NUMBER', help: 'the most processes and threads; 0 or -1: no limit (default: 2048)' },
  'blkio-weight': { value: 'NUMBER', help: 'its share of busy disks beside other containers, 10 to 1000' },
  'device-read-bps': { value: 'DISK:BYTES', many: true, help: 'the most it reads from a disk in a second' },
  'device-write-bps': { value: 'DISK:BYTES', many: true, help: 'the most it writes to a disk in a second' },
  'device-read-iops': { value: 'DISK:NUMBER', many: true, help: 'the most read operations on a disk in a second' },
  'device-write-iops': { value: 'DISK:NUMBER', many: true, help: 'the most write operations on a disk in a second' },
  device: {
    value: 'PATH[:PATH][:rwm]',
    many: true,
    help: 'a device of the host, under another name or with less rights',
  },
  cgroupns: {
    value: 'host|private',
    help: 'whether it sees the host’s cgroups or only its own (default: private)',
    blank: true,
  },
} satisfies Record<string, Flag>

export interface ResourceFlags {
  /** `linux.resources`. */
  readonly resources: Resources & { readonly devices: readonly DeviceRule[] }
  /** `linux.devices`. */
  readonly devices: readonly Device[]
  readonly cgroupns: 'host' | 'private'
}

type Given = Parsed['flags']
type Name = keyof typeof flags

const refuse: (flag: Name, value: string, allowed: string) => UsageError = refuseValue
/** By how what is no number, or none that may be, is refused. */
const refused = (number: number) => (Number.isNaN(number) ? unreadable : refuse)

const one = (given: Given, flag: Name) => given[flag] as string | undefined
const many = (given: Given, flag: Name) => (given[flag] ?? []) as readonly string[]

const AMOUNTS = Object.keys(flags).filter(flag => /^(memory|cpus$|cpu-|blkio)/.test(flag))

const UNITS = ['b', 'k', 'm', 'g', 't', 'p']

/** docker's go-units: 512m, 1.5g, 64MB, 1GiB; k is 1024. Undefined for anything else. */
function parseBytes(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/.exec(text.toLowerCase()) ?? []
  if (number === undefined) return undefined
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit || 'b'))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

const MINIMUM = 6 << 20 // bytes; with less the kernel kills the first program before it has begun

function bytes(given: Given, flag: Name, least = MINIMUM): number | undefined {
  const value = one(given, flag)
  if (value === undefined) return undefined
  const parsed = parseBytes(value)
  if (parsed === undefined) throw unreadable(flag, value, 'give a number of bytes, or with a unit b, k, m or g: 512m')
  if (parsed < least) throw refuse(flag, value, `give at least ${least === MINIMUM ? '6m' : least}`)
  return parsed
}

function integer(given: Given, flag: Name, least: number, most: number, unlimited = false): number | undefined {
  const value = one(given, flag)
  if (value === undefined || (unlimited && value === '-1')) return value === undefined ? undefined : -1
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`
  throw refused(number)(flag, value, `give a whole number, ${range}${unlimited ? ', or -1 for no limit' : ''}`)
}

function memory(given: Given): Resources['memory'] {
  const limit = bytes(given, 'memory')
  const reservation = bytes(given, 'memory-reservation')
  const value = one(given, 'memory-swap')
  const swap = value === '-1' ? -1 : bytes(given, 'memory-swap')
  if (value !== undefined && limit === undefined)
    throw refuse('memory-swap', value, 'it limits memory and swap together; give --memory, too')
  if (swap !== undefined && swap >= 0 && swap < limit!)
    throw refuse(
      'memory-swap',
      value!,
      `it is memory and swap together; give at least --memory ${one(given, 'memory')}`,
    )
  if (reservation !== undefined && limit !== undefined && reservation > limit)
    throw refuse(
      'memory-reservation',
      one(given, 'memory-reservation')!,
      `give no more than --memory ${one(given, 'memory')}`,
    )
  return defined({ limit, swap, reservation })
}

const PERIOD = 100_000 // microseconds; the kernel's own default

/** --cpus as a quota. */
function quotaOf(given: Given): number | undefined {
  const value = one(given, 'cpus')
  if (value === undefined) return undefined
  const other = (['cpu-quota', 'cpu-period'] as const).find(flag => given[flag] !== undefined)
  if (other) throw refuse('cpus', value, `it sets --${other} itself; give one of them`)
  const there = process.getBuiltinModule('node:os').availableParallelism() // loaded only here: most runs do not ask
  const cpus = /^\d{0,6}(\.\d+)?$/.test(value) ? Number(value || 'x') : Number.NaN
  if (!(cpus >= 0.01 && cpus <= there))
    throw refused(cpus)('cpus', value, `give a number from 0.01 to ${there}, the processors here`)
  return Math.round(cpus * PERIOD)
}

/** A list as the kernel reads it, cpuset(7): 0-3,7. Throws where a number is not in `available`. */
function cpuList(given: Given, flag: 'cpuset-cpus' | 'cpuset-mems', available: string): string | undefined {
  const value = one(given, flag)
  if (value === undefined) return undefined
  const wanted = parseList(value)
  if (!wanted) throw refuse(flag, value, 'give numbers and ranges: 0-3,7')
  const there = parseList(available)
  const absent = wanted.find(([first, last]) => !there?.some(([a, b]) => a <= first && last <= b))
  if (absent) throw refuse(flag, value, `there ${available.match(/[,-]/) ? 'are' : 'is'} only ${available} here`)
  return value
}

function parseList(text: string): [number, number][] | undefined {
  const ranges = text.split(',').map((part): [number, number] | undefined => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    return first === undefined || Number(last) < Number(first) ? undefined : [Number(first), Number(last)]
  })
  return ranges.every(range => range !== undefined) ? ranges : undefined
}

/** The processors and memory nodes that we have ourselves. */
function available(): { cpus: string; mems: string } {
  const online = (what: string) => {
    try {
      return readFileSync(`/sys/devices/system/${what}/online`, 'utf8').trim()
    } catch {
      return '0' // a kernel without NUMA
    }
  }
  return readCgroup(directoriesOf(process.pid)).cpuset ?? { cpus: online('cpu'), mems: online('node') }
}

function cpu(given: Given): Resources['cpu'] {
  const asks = given['cpuset-cpus'] !== undefined || given['cpuset-mems'] !== undefined
  const there = asks ? available() : { cpus: '', mems: '' }
  return defined({
    shares: integer(given, 'cpu-shares', 2, 262_144),
    quota: quotaOf(given) ?? integer(given, 'cpu-quota', 1000, Number.MAX_SAFE_INTEGER, true),
    period: given.cpus === undefined ? integer(given, 'cpu-period', 1000, 1_000_000) : PERIOD,
    cpus: cpuList(given, 'cpuset-cpus', there.cpus),
    mems: cpuList(given, 'cpuset-mems', there.mems),
  })
}

function find(flag: Name, value: string, path: string): Stats {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) throw refuse(flag, value, `there is no ${path || 'device without a name'} on this host`)
  return stat
}

function throttles(
  given: Given,
  flag: Name,
  rate: (text: string) => number | undefined,
): readonly Throttle[] | undefined {
  const list = many(given, flag).map(value => {
    const [, path, text] = /^(.*):([^:]*)$/s.exec(value) ?? []
    const limit = text === undefined ? undefined : rate(text)
    if (!path?.startsWith('/') || !limit)
      throw refuse(flag, value, `give ${flags[flag].value} such as /dev/sda:${flag.endsWith('bps') ? '10m' : '1000'}`)
    const node = deviceNode(path, find(flag, value, path))
    if (node?.type !== 'b') throw refuse(flag, value, `${path} is no disk; lsblk lists them`)
    return { major: node.major, minor: node.minor, rate: limit }
  })
  return list.length > 0 ? list : undefined
}

const count = (text: string): number | undefined => (/^\d{1,10}$/.test(text) ? Number(text) : undefined)

function blockIO(given: Given): Resources['blockIO'] {
  return defined({
    weight: integer(given, 'blkio-weight', 10, 1000),
    throttleReadBpsDevice: throttles(given, 'device-read-bps', parseBytes),
    throttleWriteBpsDevice: throttles(given, 'device-write-bps', parseBytes),
    throttleReadIOPSDevice: throttles(given, 'device-read-iops', count),
    throttleWriteIOPSDevice: throttles(given, 'device-write-iops', count),
  })
}

/** One --device: the node to make, and the rule that lets it work. */
function device(value: string): { node: Device; rule: DeviceRule } {
  const parts = value.split(':')
  const access = parts.length > 1 && !parts.at(-1)!.startsWith('/') ? parts.pop()! : 'rwm'
  const [source = '', path = source] = parts
  const plain = path.startsWith('/') && !/\/(\.{0,2})(\/|$)/.test(path)
  if (parts.length > 2 || !source.startsWith('/') || !plain || !/^(?!.*(.).*\1)[rwm]+$/.test(access))
    throw refuse(
      'device',
      value,
      'give PATH[:PATH_INSIDE][:rwm], both absolute, such as /dev/fuse or /dev/sdb:/dev/data:r',
    )
  const stat = find('device', value, source)
  const node = deviceNode(path, stat)
  if (!node)
    throw refuse('device', value, `${source} is no device${stat.isDirectory() ? '; name each device in it' : ''}`)
  const { type, major, minor } = node
  return { node, rule: { allow: true, type, major, minor, access } }
}

function cgroupns(given: Given): 'host' | 'private' {
  const value = one(given, 'cgroupns') ?? 'private'
  if (value === 'host' || value === 'private') return value
  throw refuse('cgroupns', value, 'give host or private')
}

/** Leaves out what is undefined, and itself where nothing is left. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T | undefined {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined)
  return entries.length > 0 ? (Object.fromEntries(entries) as T) : undefined
}

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function resources(all: Given): ResourceFlags {
  const given = withoutZeros(all, AMOUNTS)
  const pids = integer(given, 'pids-limit', 0, 4_194_304, true)
  const devices = many(given, 'device').map(device)
  return {
    resources: {
      ...defined<Resources>({
        memory: memory(given),
        cpu: cpu(given),
        blockIO: blockIO(given),
        pids: pids === undefined ? undefined : { limit: pids },
      } as Resources),
      devices: devices.map(({ rule }) => rule),
    },
    devices: devices.map(({ node }) => node),
    cgroupns: cgroupns(given),
  }
}
