// What a cgroup may use: `linux.resources` of an OCI config.json as files and what to write into them. Each limit has one
// file on v2 (admin-guide/cgroup-v2 in the kernel's documentation) and others on v1 (admin-guide/cgroup-v1).
import type { Action } from '../kernel/action.ts'
import { attempt } from '../kernel/call.ts'
import { AT, O } from '../kernel/constants.ts'
import { ERRNO, errnoMeaning } from '../kernel/errno.ts'
import type { LessonName } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

/** A block device and its limit in bytes, or operations, per second. */
export interface Throttle {
  readonly major: number
  readonly minor: number
  readonly rate: number
}

/** A block device and its weight, 10 to 1000. */
export interface DiskWeight {
  readonly major: number
  readonly minor: number
  readonly weight: number
}

/** `linux.resources`, but for the devices, see device-rules.ts. -1 is no limit. */
export interface Resources {
  /** Bytes. `swap` is memory and swap together; without it as much swap as memory, where the kernel accounts it. */
  readonly memory?: {
    readonly limit?: number
    readonly swap?: number
    readonly reservation?: number
    /** v1: 0 to 100. v2 has none, and it is left out. */
    readonly swappiness?: number
    /** v1: who takes more waits for memory instead of being killed. As before of v2. */
    readonly disableOOMKiller?: boolean
  }
  /** `quota` microseconds of processor time in each `period`; `cpus` and `mems` are lists such as 0-3,7. */
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    /** v1: microseconds for real-time programs, and their period. */
    readonly realtimeRuntime?: number
    readonly realtimePeriod?: number
    readonly cpus?: string
    readonly mems?: string
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: {
    /** 10 to 1000. */
    readonly weight?: number
    readonly weightDevice?: readonly DiskWeight[]
    readonly throttleReadBpsDevice?: readonly Throttle[]
    readonly throttleWriteBpsDevice?: readonly Throttle[]
    readonly throttleReadIOPSDevice?: readonly Throttle[]
    readonly throttleWriteIOPSDevice?: readonly Throttle[]
  }
  /** `pageSize` as in 2MB. */
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[]
}

/** By its name on v2; v1 calls io blkio. */
export const CONTROLLERS = ['memory', 'cpu', 'cpuset', 'pids', 'io', 'hugetlb'] as const
export type Controller = (typeof CONTROLLERS)[number]

/** One limit. */
export interface Setting {
  /** The flag of `run` that asks for it. */
  readonly flag: string
  /** The files that it can be written to; the first that is there counts. */
  readonly writes: readonly { readonly file: string; readonly value: string }[]
  /** Nobody asked for it: a kernel without such a file is as good. */
  readonly optional?: true
}

const one = (flag: string, file: string, value: string | number): Setting => ({
  flag,
  writes: [{ file, value: String(value) }],
})
const given = (setting: false | Setting): Setting[] => (setting === false ? [] : [setting])
const max = (limit: number): string => (limit < 0 ? 'max' : String(limit))

/**
 * cpu.shares (2 … 262144, 1024 unless set) as cpu.weight (1 … 10000, 100 unless set): the curve of runc and crun since
 * 2025, which meets both ends and the middle; crun(1), section "cgroup v2".
 */
export function weightOf(shares: number): number {
  if (shares <= 2) return 1
  if (shares >= 262_144) return 10_000
  const l = Math.log2(shares)
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34))
}

/** The weight of --blkio-weight (10 … 1000) as io.weight (1 … 10000), linearly, as runc and crun have it. */
export const ioWeightOf = (weight: number): number => Math.trunc(1 + ((weight - 10) * 9999) / 990)

type Version = 1 | 2

function memory({ memory = {} }: Resources, version: Version): Setting[] {
  const { limit = -1, reservation } = memory
  const unasked = memory.swap === undefined
  const swap = memory.swap ?? (limit > 0 ? 2 * limit : -1)
  const soft = reservation === undefined ? [] : [reservation]
  if (!unasked && swap >= 0 && limit < 0)
    throw new UsageError('--memory-swap: it limits memory and swap together; give --memory, too')
  const optional = (setting: Setting): Setting => (unasked ? { ...setting, optional: true } : setting)
  if (version === 2)
    return [
      ...given(memory.limit !== undefined && one('--memory', 'memory.max', max(limit))),
      ...given(swap >= 0 && optional(one('--memory-swap', 'memory.swap.max', swap - limit))),
      ...given(!unasked && swap < 0 && one('--memory-swap', 'memory.swap.max', 'max')),
      ...soft.map(bytes => one('--memory-reservation', 'memory.low', max(bytes))),
    ]
  // v1 limits the sum of memory and swap, which may at no time be below the limit of memory alone. So the sum's limit
  // is lifted first: then the order is right whether the new values are larger than the old or smaller.
  const sum = 'memory.memsw.limit_in_bytes'
  return [
    ...given((memory.limit !== undefined || !unasked) && optional(one('--memory-swap', sum, -1))),
    ...given(memory.limit !== undefined && one('--memory', 'memory.limit_in_bytes', limit)),
    ...given(swap >= 0 && optional(one('--memory-swap', sum, swap))),
    ...soft.map(bytes => one('--memory-reservation', 'memory.soft_limit_in_bytes', bytes)),
    ...given(memory.swappiness !== undefined && one('--memory-swappiness', 'memory.swappiness', memory.swappiness)),
    ...given(memory.disableOOMKiller === true && one('--oom-kill-disable', 'memory.oom_control', 1)),
  ]
}

function cpu({ cpu = {} }: Resources, version: Version): Setting[] {
  const { shares, quota, period, realtimePeriod, realtimeRuntime } = cpu
  const realtime = [
    ...given(realtimePeriod !== undefined && one('--cpu-rt-period', 'cpu.rt_period_us', realtimePeriod)),
    ...given(realtimeRuntime !== undefined && one('--cpu-rt-runtime', 'cpu.rt_runtime_us', realtimeRuntime)),
  ]
  const flag = quota === undefined ? '--cpu-period' : '--cpus or --cpu-quota'
  if (version === 2)
    return [
      ...given(!!shares && one('--cpu-shares', 'cpu.weight', weightOf(shares))),
      ...given(
        (quota !== undefined || period !== undefined) &&
          one(flag, 'cpu.max', `${quota === undefined || quota <= 0 ? 'max' : quota} ${period ?? 100_000}`),
      ),
      ...realtime, // of v1 only: whoever asks for it is told so
    ]
  return [
    ...given(!!shares && one('--cpu-shares', 'cpu.shares', shares)),
    ...given(period !== undefined && one(flag, 'cpu.cfs_period_us', period)),
    ...given(quota !== undefined && one(flag, 'cpu.cfs_quota_us', quota <= 0 ? -1 : quota)),
    ...realtime,
  ]
}

const cpuset = ({ cpu = {} }: Resources): Setting[] => [
  ...given(!!cpu.cpus && one('--cpuset-cpus', 'cpuset.cpus', cpu.cpus)),
  ...given(!!cpu.mems && one('--cpuset-mems', 'cpuset.mems', cpu.mems)),
]

const pids = ({ pids }: Resources): Setting[] =>
  given(pids !== undefined && one('--pids-limit', 'pids.max', pids.limit > 0 ? pids.limit : 'max'))

const THROTTLES = [
  ['throttleReadBpsDevice', '--device-read-bps', 'read_bps', 'rbps'],
  ['throttleWriteBpsDevice', '--device-write-bps', 'write_bps', 'wbps'],
  ['throttleReadIOPSDevice', '--device-read-iops', 'read_iops', 'riops'],
  ['throttleWriteIOPSDevice', '--device-write-iops', 'write_iops', 'wiops'],
] as const

/** The weight works only where the BFQ scheduler serves the disk (on v2 also with blk-iocost), and has its file then. */
function io({ blockIO = {} }: Resources, version: Version): Setting[] {
  const { weight, weightDevice = [] } = blockIO
  const prefix = version === 2 ? 'io' : 'blkio'
  const general = version === 2 ? `default ${ioWeightOf(weight ?? 10)}` : String(weight)
  return [
    ...given(
      !!weight && {
        flag: '--blkio-weight',
        writes: [
          { file: `${prefix}.bfq.weight`, value: String(weight) },
          { file: `${prefix}.weight`, value: general },
        ],
      },
    ),
    ...weightDevice.map(({ major, minor, weight }) => ({
      flag: '--blkio-weight-device',
      writes:
        version === 2
          ? [
              { file: 'io.bfq.weight', value: `${major}:${minor} ${weight}` },
              { file: 'io.weight', value: `${major}:${minor} ${ioWeightOf(weight)}` },
            ]
          : ['blkio.bfq.weight_device', 'blkio.weight_device'].map(file => ({
              file,
              value: `${major}:${minor} ${weight}`,
            })),
    })),
    ...THROTTLES.flatMap(([field, flag, v1, v2]) =>
      (blockIO[field] ?? []).map(({ major, minor, rate }) =>
        version === 2
          ? one(flag, 'io.max', `${major}:${minor} ${v2}=${rate > 0 ? rate : 'max'}`)
          : one(flag, `blkio.throttle.${v1}_device`, `${major}:${minor} ${rate}`),
      ),
    ),
  ]
}

function hugetlb({ hugepageLimits = [] }: Resources, version: Version): Setting[] {
  return hugepageLimits.map(({ pageSize, limit }) => {
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize))
      throw new UsageError(`hugepageLimits: ${pageSize} is no page size; as in 2MB`)
    return one('hugepageLimits', `hugetlb.${pageSize}.${version === 2 ? 'max' : 'limit_in_bytes'}`, limit)
  })
}

const TABLE: Readonly<Record<Controller, (resources: Resources, version: Version) => Setting[]>> = {
  memory,
  cpu,
  cpuset,
  pids,
  io,
  hugetlb,
}

/** What is to be written for one controller, in this order. */
export const settings = (controller: Controller, resources: Resources, version: Version): Setting[] =>
  TABLE[controller](resources, version)

const LESSON: Readonly<Record<Controller, LessonName>> = {
  pids: '09-pids',
  memory: '10-memory',
  cpu: '11-limits',
  cpuset: '11-limits',
  io: '11-limits',
  hugetlb: '11-limits',
}

const WHY: Readonly<Record<Controller, string>> = {
  pids: 'a program that starts processes without end gets an error, and the host goes on',
  memory: 'who takes more is killed in there; otherwise the kernel would look for a victim on the whole host',
  cpu: 'the part of the processors that it gets, however busy it is',
  cpuset: 'on which processors it runs, and from which memory nodes it takes',
  io: 'the part of a disk’s speed that it gets',
  hugetlb: 'huge pages are few, and reserved when the machine starts',
}

/** Why a file is not there, by what its name holds. */
const MISSING: readonly (readonly [RegExp, string])[] = [
  [/memsw|swap/, 'it does not account swap; start it with swapaccount=1 on its command line'],
  [/cfs_|cpu\.max/, 'it was built without CONFIG_CFS_BANDWIDTH'],
  [/rt_/, 'cgroup v2 has none, and on v1 it takes CONFIG_RT_GROUP_SCHED'],
  [/weight/, 'it wants the BFQ scheduler (modprobe bfq; echo bfq > /sys/block/DISK/queue/scheduler)'],
  [/throttle|io\.max/, 'it was built without CONFIG_BLK_DEV_THROTTLING'],
  [/hugetlb/, 'it has no pages of this size: ls /sys/kernel/mm/hugepages'],
]

/** Why a value is refused, by the error and the file. */
const REFUSED: readonly (readonly [number, RegExp, string])[] = [
  [
    ERRNO.EINVAL,
    /cfs_quota|cpu\.max/,
    'a quota is at least 1000 µs, and no larger a part than that of the group above',
  ],
  [ERRNO.EINVAL, /rt_runtime/, 'the group above must have as much: its own cpu.rt_runtime_us is 0 at first'],
  [ERRNO.EINVAL, /cfs_period/, 'a period is 1000 to 1000000 µs'],
  [ERRNO.EBUSY, /memory/, 'more than that is in use'],
  [ERRNO.EOPNOTSUPP, /weight/, 'the BFQ scheduler must serve this disk: echo bfq > /sys/block/DISK/queue/scheduler'],
  [ERRNO.ENODEV, /io/, 'no such disk; a partition has no limit of its own: lsblk'],
  [ERRNO.EACCES, /cpuset/, 'the group above does not have them all'],
  [ERRNO.EINVAL, /cpuset/, 'the machine, or the group above, does not have them all'],
  [ERRNO.ERANGE, /cpuset/, 'the machine does not have that many'],
]

/** Writes one limit into a group's directory. Throws a UsageError where the kernel cannot (NoFile) or will not. */
export function limitAction(directory: string, controller: Controller, { flag, writes, optional }: Setting): Action {
  const { file, value } = writes[0]!
  return {
    text: `write("${directory}/${file}", "${value}")`,
    why: WHY[controller],
    lesson: LESSON[controller],
    shell: `echo ${value} > ${directory}/${file}`,
    apply() {
      for (const { file, value } of writes) {
        const error = write(`${directory}/${file}`, value)
        if (error === 0) return
        if (error !== ERRNO.ENOENT) throw refusal(flag, file, value, error)
      }
      if (!optional) throw new NoFile(flag, file)
    },
  }
}

/** Writes all of `text` at once; returns 0, or the error number. A cgroup file that is not there cannot be made. */
function write(path: string, text: string): number {
  const fd = attempt('openat', [AT.FDCWD, path, O.WRONLY | O.CLOEXEC, 0])
  if (fd < 0) return -fd
  const result = attempt('write', [fd, text, text.length])
  attempt('close', [fd])
  return result < 0 ? -result : 0
}

/** The controller is there, but cannot do this. */
export class NoFile extends UsageError {
  readonly flag: string
  readonly file: string

  constructor(flag: string, file: string) {
    const reason = MISSING.find(([pattern]) => pattern.test(file))?.[1]
    super(`${flag}: this kernel has no ${file}${reason ? `: ${reason}` : ''}`)
    this.flag = flag
    this.file = file
  }
}

function refusal(flag: string, file: string, value: string, error: number): UsageError {
  const reason = REFUSED.find(([n, pattern]) => n === error && pattern.test(file))?.[2] ?? errnoMeaning(error)
  return new UsageError(`${flag}: the kernel does not take ${value} in ${file}: ${reason}`)
}
