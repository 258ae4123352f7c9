// What a cgroup has used and may use, cgroups(7): one result, whichever layout the figures come from. Each figure is in
// a file with one name on v2 (kernel.org, admin-guide/cgroup-v2) and another on v1 (admin-guide/cgroup-v1); the reader
// takes the one that is there.
import { existsSync } from 'node:fs'
import { Files, lines, toNumber } from './cgroup-files.ts'
import { cgroupsBelow, processesIn } from './cgroups.ts'
import { readText } from './read.ts'

/** A limit is Infinity where there is none. */
export interface MemoryFigures {
  /** Bytes, page cache included. */
  readonly current: number
  readonly peak: number | undefined
  readonly limit: number
  /** undefined where the kernel does not account it. The limit is of swap alone, also on v1, which counts the sum. */
  readonly swap: { readonly current: number; readonly limit: number } | undefined
  /** File pages that can be dropped at once: docker and kubectl show `current` without them. */
  readonly inactiveFile: number
  /** How often the limit was reached, and something had to be given back: here (v1), or here and below (v2). */
  readonly limitHits: number | undefined
  /** Processes that the kernel has killed because the limit was reached, here and below; undefined before Linux 4.13. */
  readonly oomKills: number | undefined
}

export interface CpuFigures {
  /** Microseconds of processor time, and of it in programs and in the kernel for them. */
  readonly usage: number | undefined
  readonly user: number | undefined
  readonly system: number | undefined
  /** Microseconds per `period` microseconds; Infinity: no limit. Undefined without the controller. */
  readonly quota: number | undefined
  readonly period: number | undefined
  /** Periods that have passed with work in them; how many ended early, at the quota; the microseconds of waiting. */
  readonly periods: number | undefined
  readonly throttledPeriods: number | undefined
  readonly throttled: number | undefined
  /** The share beside others: v1 cpu.shares, 1024 unless set; v2 cpu.weight, 100 unless set. */
  readonly shares: number | undefined
  readonly weight: number | undefined
}

export interface PidsFigures {
  readonly current: number
  readonly limit: number
  readonly peak: number | undefined
  /** How often a new process was refused: in this group, and since Linux 6.11 on v2 in those below, too. */
  readonly refused: number | undefined
}

export interface IoFigures {
  /** `major:minor`. */
  readonly device: string
  readonly readBytes: number
  readonly writeBytes: number
  readonly reads: number
  readonly writes: number
}

export interface CgroupFigures {
  readonly memory: MemoryFigures | undefined
  readonly cpu: CpuFigures | undefined
  readonly pids: PidsFigures | undefined
  /** None where nothing was read or written, or there is no controller. */
  readonly io: readonly IoFigures[]
  /** Lists such as 0-3,7: where its processes may run, and the memory nodes that they take from. */
  readonly cpuset: { readonly cpus: string; readonly mems: string } | undefined
  /** undefined without a freezer. */
  readonly frozen: boolean | undefined
  /** Pids as our pid namespace counts, those of cgroups below too. */
  readonly processes: readonly number[]
}

const micro = (nanoseconds: number | undefined): number | undefined =>
  nanoseconds === undefined ? undefined : Math.round(nanoseconds / 1000)

/** The line `oom_kill 3` among others; undefined where there is none. */
const oomKillsIn = (text: string | undefined): number | undefined =>
  text
    ?.split('\n')
    .filter(line => line.startsWith('oom_kill '))
    .map(line => Number(line.slice(9)))[0]

/** v1 counts the kills of each cgroup alone, v2 with those below. */
function oomKillsV1(directory: string): number | undefined {
  const own = oomKillsIn(readText(`${directory}/memory.oom_control`))
  if (own === undefined) return undefined
  return cgroupsBelow(directory).reduce((sum, below) => sum + (oomKillsV1(below) ?? 0), own)
}

/** Processes killed at the memory limit, here and below, without all the other figures; undefined where nobody counts. */
export function oomKills(directories: readonly string[]): number | undefined {
  const v1 = directories.find(directory => existsSync(`${directory}/memory.oom_control`))
  if (v1 !== undefined) return oomKillsV1(v1)
  for (const directory of directories) {
    const kills = oomKillsIn(readEvents(directory))
    if (kills !== undefined) return kills
  }
  return undefined
}

const readEvents = (directory: string): string => {
  const path = `${directory}/memory.events`
  return existsSync(path) ? (readText(path) ?? '') : ''
}

function memoryV1(files: Files): MemoryFigures | undefined {
  const current = files.number('memory.usage_in_bytes')
  if (current === undefined) return undefined
  const limit = files.number('memory.limit_in_bytes') ?? Number.POSITIVE_INFINITY
  const both = files.number('memory.memsw.limit_in_bytes')
  const stat = files.table('memory.stat')
  return {
    current,
    limit,
    peak: files.number('memory.max_usage_in_bytes'),
    swap:
      both === undefined
        ? undefined
        : { current: stat?.get('total_swap') ?? 0, limit: both === Number.POSITIVE_INFINITY ? both : both - limit },
    inactiveFile: stat?.get('total_inactive_file') ?? 0,
    limitHits: files.number('memory.failcnt'),
    oomKills: oomKillsV1(files.directory('memory.oom_control')!),
  }
}

function memoryV2(files: Files): MemoryFigures | undefined {
  const current = files.number('memory.current') // not there in the root cgroup
  if (current === undefined) return undefined
  const swap = files.number('memory.swap.current')
  const events = files.table('memory.events')
  return {
    current,
    peak: files.number('memory.peak'),
    limit: files.number('memory.max') ?? Number.POSITIVE_INFINITY,
    swap: swap === undefined ? undefined : { current: swap, limit: files.number('memory.swap.max')! },
    inactiveFile: files.table('memory.stat')?.get('inactive_file') ?? 0,
    limitHits: events?.get('max'),
    oomKills: events?.get('oom_kill'),
  }
}

function cpuV1(files: Files): CpuFigures | undefined {
  if (!files.directory('cpuacct.usage') && !files.directory('cpu.shares')) return undefined
  const stat = files.table('cpu.stat')
  return {
    usage: micro(files.number('cpuacct.usage')),
    user: micro(files.number('cpuacct.usage_user')),
    system: micro(files.number('cpuacct.usage_sys')),
    quota: files.number('cpu.cfs_quota_us'),
    period: files.number('cpu.cfs_period_us'),
    periods: stat?.get('nr_periods'),
    throttledPeriods: stat?.get('nr_throttled'),
    throttled: micro(stat?.get('throttled_time')),
    shares: files.number('cpu.shares'),
    weight: undefined,
  }
}

function cpuV2(files: Files): CpuFigures | undefined {
  const stat = files.table('cpu.stat')
  if (!stat?.has('usage_usec')) return undefined
  const [quota, period] = files.text('cpu.max')?.split(' ') ?? []
  return {
    usage: stat.get('usage_usec'),
    user: stat.get('user_usec'),
    system: stat.get('system_usec'),
    quota: quota === undefined ? undefined : toNumber(quota),
    period: period === undefined ? undefined : Number(period),
    periods: stat.get('nr_periods'),
    throttledPeriods: stat.get('nr_throttled'),
    throttled: stat.get('throttled_usec'),
    shares: undefined,
    weight: files.number('cpu.weight'),
  }
}

const figuresOf = (device: string, row: ReadonlyMap<string, number>, names: readonly string[]): IoFigures => {
  const [readBytes, writeBytes, reads, writes] = names.map(name => row.get(name) ?? 0) as [
    number,
    number,
    number,
    number,
  ]
  return { device, readBytes, writeBytes, reads, writes }
}

/** Lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`. */
const ioV2 = (text: string): IoFigures[] =>
  lines(text).map(([device, ...pairs]) => {
    const row = new Map(pairs.map(pair => pair.split('=')).map(([key, value]) => [key!, Number(value)]))
    return figuresOf(device!, row, ['rbytes', 'wbytes', 'rios', 'wios'])
  })

/** Lines such as `8:0 Read 1`, bytes and operations in two files. */
function ioV1(files: Files): IoFigures[] {
  const rows = new Map<string, Map<string, number>>()
  for (const what of ['io_service_bytes', 'io_serviced'] as const) {
    const text = files.text(`blkio.throttle.${what}_recursive`) ?? files.text(`blkio.throttle.${what}`) ?? ''
    for (const [device, operation, value] of lines(text)) {
      if (value === undefined) continue // the last line, `Total 3`
      if (!rows.has(device!)) rows.set(device!, new Map())
      rows.get(device!)!.set(`${what} ${operation}`, Number(value))
    }
  }
  const names = ['io_service_bytes Read', 'io_service_bytes Write', 'io_serviced Read', 'io_serviced Write']
  return [...rows].map(([device, row]) => figuresOf(device, row, names))
}

function pidsOf(files: Files): CgroupFigures['pids'] {
  const current = files.number('pids.current') // both versions call it so; not there in a root cgroup
  if (current === undefined) return undefined
  return {
    current,
    limit: files.number('pids.max')!,
    peak: files.number('pids.peak'),
    refused: files.table('pids.events')?.get('max'),
  }
}

function cpusetOf(files: Files): CgroupFigures['cpuset'] {
  const cpus = files.text('cpuset.cpus.effective') ?? files.text('cpuset.effective_cpus')
  const mems = files.text('cpuset.mems.effective') ?? files.text('cpuset.effective_mems')
  return cpus === undefined || mems === undefined ? undefined : { cpus, mems }
}

function frozenOf(files: Files): boolean | undefined {
  const state = files.text('freezer.state') // THAWED, FREEZING while some still run, FROZEN
  if (state !== undefined) return state === 'FROZEN'
  const frozen = files.table('cgroup.events')?.get('frozen')
  return frozen === undefined ? undefined : frozen === 1
}

/** The figures of a cgroup by its directories: one on v2, one for each hierarchy on v1. What is gone is undefined. */
export function readCgroup(directories: readonly string[]): CgroupFigures {
  const files = new Files(directories)
  const io = files.text('io.stat')
  return {
    memory: memoryV2(files) ?? memoryV1(files),
    cpu: cpuV1(files) ?? cpuV2(files),
    pids: pidsOf(files),
    io: io === undefined ? ioV1(files) : ioV2(io),
    cpuset: cpusetOf(files),
    frozen: frozenOf(files),
    processes: [...new Set(directories.flatMap(processesIn))],
  }
}
