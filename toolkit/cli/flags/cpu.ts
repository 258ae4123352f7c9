// The flags that say how much processor time a container gets, and on which processors. Docker's words, units and limits.
import { readFileSync } from 'node:fs'
import { invoke } from '../../kernel/call.ts'
import type { UsageError } from '../../kernel/usage-error.ts'
import { readCgroup } from '../../observe/cgroup-figures.ts'
import { directoriesOf } from '../../observe/cgroups.ts'
import type { Resources } from '../../primitives/limits.ts'
import type { Flag } from '../options.ts'
import { defined, type Given, integer, one, refuserOf } from './amounts.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
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
  'cpu-rt-period': { value: 'MICROSECONDS', help: 'the period of --cpu-rt-runtime (cgroup v1; default: 1000000)' },
  'cpu-rt-runtime': {
    value: 'MICROSECONDS',
    help: 'processor time for real-time programs in each --cpu-rt-period (cgroup v1), if the group above has as much',
  },
} satisfies Record<string, Flag>

const refuse: (flag: keyof typeof flags, value: string, allowed: string) => UsageError = refuseValue

const PERIOD = 100_000 // microseconds; the kernel's own default

/** How many processors we may run on, sched_getaffinity(2). Node's own way to ask takes half a millisecond to load. */
function processors(): number {
  const mask = Buffer.alloc(1024) // a bit for each: Linux knows 8192 at most
  const length = invoke('sched_getaffinity', [0, mask.length, mask])
  let count = 0
  for (const byte of mask.subarray(0, length)) for (let bits = byte; bits > 0; bits &= bits - 1) count++
  return count
}

/** --cpus as a quota. */
function quotaOf(given: Given): number | undefined {
  const value = one(given, 'cpus')
  if (value === undefined) return undefined
  const other = (['cpu-quota', 'cpu-period'] as const).find(flag => given[flag] !== undefined)
  if (other) throw refuse('cpus', value, `it sets --${other} itself; give one of them`)
  const there = processors()
  const cpus = /^\d{0,6}(\.\d+)?$/.test(value) ? Number(value || 'x') : Number.NaN
  if (!(cpus >= 0.01 && cpus <= there))
    throw refuserOf(cpus)('cpus', value, `give a number from 0.01 to ${there}, the processors here`)
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

/** Throws a UsageError that names the flag, the value and what is allowed. */
export function cpu(given: Given): Resources['cpu'] {
  const asks = given['cpuset-cpus'] !== undefined || given['cpuset-mems'] !== undefined
  const there = asks ? available() : { cpus: '', mems: '' }
  return defined({
    shares: integer(given, 'cpu-shares', [2, 262_144]),
    quota: quotaOf(given) ?? integer(given, 'cpu-quota', [1000, Number.MAX_SAFE_INTEGER], 'no limit'),
    period: given.cpus === undefined ? integer(given, 'cpu-period', [1000, 1_000_000]) : PERIOD,
    realtimePeriod: integer(given, 'cpu-rt-period', [1, Number.MAX_SAFE_INTEGER]),
    realtimeRuntime: integer(given, 'cpu-rt-runtime', [1, Number.MAX_SAFE_INTEGER]),
    cpus: cpuList(given, 'cpuset-cpus', there.cpus),
    mems: cpuList(given, 'cpuset-mems', there.mems),
  })
}
