// /proc/PID/status, proc_pid_status(5): what a process may do, and which signals reach it.
import { readText } from './read.ts'

export interface Status {
  /** Real, effective, saved and file system user id, as the reader's user namespace counts. */
  readonly uid: readonly [number, number, number, number]
  readonly gid: readonly [number, number, number, number]
  readonly groups: readonly number[]
  /** The pid in each pid namespace, from the reader's inwards: the last one is what the process itself sees. */
  readonly nsPid: readonly number[]
  readonly threads: number
  readonly umask: number
  /** Capability sets, bit n is capability n of capabilities(7). */
  readonly capabilities: Readonly<Record<'inheritable' | 'permitted' | 'effective' | 'bounding' | 'ambient', bigint>>
  /** Signal sets of the main thread, bit n - 1 is signal n of signal(7). */
  readonly signals: Readonly<Record<'blocked' | 'ignored' | 'caught', bigint>>
  readonly noNewPrivs: boolean
  /** 0 none, 1 strict, 2 a filter: seccomp(2). */
  readonly seccomp: number
}

/** The lines of /proc/PID/status by their key, undecoded; undefined where the process is gone. */
export function statusFields(pid: number): Map<string, string> | undefined {
  const text = readText(`/proc/${pid}/status`)
  if (text === undefined) return undefined
  return new Map(
    text
      .split('\n')
      .filter(Boolean)
      .map(line => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon), line.slice(colon + 1).trim()]
      }),
  )
}

/** A field that is a list of decimal numbers. */
export const numbers = (field: string | undefined): number[] => field?.split(/\s+/).filter(Boolean).map(Number) ?? []

const bits = (field: string | undefined): bigint => BigInt(`0x${field || '0'}`)

/** Rights and signals of a process; undefined where it is gone. */
export function readStatus(pid: number): Status | undefined {
  const fields = statusFields(pid)
  if (!fields) return undefined
  return {
    uid: numbers(fields.get('Uid')) as unknown as Status['uid'],
    gid: numbers(fields.get('Gid')) as unknown as Status['gid'],
    groups: numbers(fields.get('Groups')),
    nsPid: numbers(fields.get('NSpid')),
    threads: Number(fields.get('Threads')),
    umask: Number.parseInt(fields.get('Umask') ?? '0', 8), // a zombie has none
    capabilities: {
      inheritable: bits(fields.get('CapInh')),
      permitted: bits(fields.get('CapPrm')),
      effective: bits(fields.get('CapEff')),
      bounding: bits(fields.get('CapBnd')),
      ambient: bits(fields.get('CapAmb')),
    },
    signals: {
      blocked: bits(fields.get('SigBlk')),
      ignored: bits(fields.get('SigIgn')),
      caught: bits(fields.get('SigCgt')),
    },
    noNewPrivs: fields.get('NoNewPrivs') === '1',
    seccomp: Number(fields.get('Seccomp') ?? 0),
  }
}
