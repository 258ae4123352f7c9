// The resource limits of a process: /proc/PID/limits, proc_pid_limits(5), getrlimit(2).
import { readText } from './read.ts'

const NAMES = {
  'Max cpu time': 'CPU',
  'Max file size': 'FSIZE',
  'Max data size': 'DATA',
  'Max stack size': 'STACK',
  'Max core file size': 'CORE',
  'Max resident set': 'RSS',
  'Max processes': 'NPROC',
  'Max open files': 'NOFILE',
  'Max locked memory': 'MEMLOCK',
  'Max address space': 'AS',
  'Max file locks': 'LOCKS',
  'Max pending signals': 'SIGPENDING',
  'Max msgqueue size': 'MSGQUEUE',
  'Max nice priority': 'NICE',
  'Max realtime priority': 'RTPRIO',
  'Max realtime timeout': 'RTTIME',
} as const

/** As in RLIMIT_NOFILE. */
export type LimitName = (typeof NAMES)[keyof typeof NAMES]

export const LIMIT_NAMES: readonly LimitName[] = Object.values(NAMES)

/** In the unit of the man page (seconds, bytes, processes, files …); Infinity where there is no limit. */
export interface Limit {
  readonly soft: number
  readonly hard: number
}

const figure = (text: string): number => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text))

/** All limits of a process; undefined where it is gone. */
export function readLimits(pid: number): Readonly<Record<LimitName, Limit>> | undefined {
  const text = readText(`/proc/${pid}/limits`)
  if (!text) return undefined
  const limits: Partial<Record<LimitName, Limit>> = {}
  for (const line of text.split('\n')) {
    const [, title, soft, hard] = /^(Max .*?) {2,}(\S+) +(\S+)/.exec(line) ?? []
    const name = NAMES[title as keyof typeof NAMES]
    if (name) limits[name] = { soft: figure(soft!), hard: figure(hard!) }
  }
  return limits as Record<LimitName, Limit>
}
