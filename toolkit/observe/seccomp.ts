// Which system calls a process may make: the lines of /proc/PID/status about it, seccomp(2).
import { statusFields } from './status.ts'

export interface Seccomp {
  /** strict: read, write and exit only; filter: what the programs it has loaded allow. */
  readonly mode: 'none' | 'strict' | 'filter'
  /** How many filters every call passes through; undefined before Linux 5.9, which doesn't tell. */
  readonly filters: number | undefined
  /** execve gives no rights any more: setuid bits and file capabilities are ignored. prctl(2). */
  readonly noNewPrivs: boolean
}

const MODES = ['none', 'strict', 'filter'] as const

/** Undefined where the process is gone. */
export function readSeccomp(pid: number): Seccomp | undefined {
  const fields = statusFields(pid)
  if (!fields) return undefined
  const filters = fields.get('Seccomp_filters')
  return {
    mode: MODES[Number(fields.get('Seccomp') ?? 0)] ?? 'none',
    filters: filters === undefined ? undefined : Number(filters),
    noNewPrivs: fields.get('NoNewPrivs') === '1',
  }
}
