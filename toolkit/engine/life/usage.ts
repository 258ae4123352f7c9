// What a container uses, as `docker stats` counts it: the figures of its cgroups, and of its network's links.
import { readFileSync } from 'node:fs'
import { readLinks } from '../../observe/links.ts'
import { figures } from '../cgroup/cgroup.ts'
import { type ContainerState, survives } from '../state/store.ts'

/** A look at a container; all zero where it does not run. */
export interface Usage {
  /** Milliseconds of the clock that nobody sets. */
  readonly at: number
  /** Microseconds of processor time so far. */
  readonly cpu: number
  /** Bytes, without file pages that can be dropped at once. */
  readonly memory: number
  /** Bytes; the machine's memory where there is no limit. */
  readonly limit: number
  readonly pids: number
  /** Bytes so far, the loopback left out; 0 with the host's network. */
  readonly received: number
  readonly sent: number
  readonly read: number
  readonly written: number
}

const NOTHING: Omit<Usage, 'at'> = {
  ...{ cpu: 0, memory: 0, limit: 0, pids: 0 },
  ...{ received: 0, sent: 0, read: 0, written: 0 },
}

/** Bytes of the machine's memory. */
function allMemory(): number {
  const [, kB] = /^MemTotal: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
  return 1024 * Number(kB ?? 0)
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

export function readUsage(state: ContainerState): Usage {
  const at = performance.now()
  if (!survives(state)) return { at, ...NOTHING }
  const { memory, cpu, pids, io, processes } = figures(state.resources?.cgroups ?? [])
  const all = allMemory()
  const shared = state.options?.network.mode === 'host'
  const links = (shared ? [] : (readLinks(state.pid!) ?? [])).filter(({ loopback }) => !loopback)
  return {
    at,
    cpu: cpu?.usage ?? 0,
    memory: memory ? Math.max(0, memory.current - memory.inactiveFile) : 0,
    limit: Math.min(memory?.limit ?? all, all),
    pids: pids?.current ?? processes.length,
    received: sum(links.map(({ received }) => received.bytes)),
    sent: sum(links.map(({ sent }) => sent.bytes)),
    read: sum(io.map(({ readBytes }) => readBytes)),
    written: sum(io.map(({ writeBytes }) => writeBytes)),
  }
}

/** Percent of one processor, between two looks. */
export const cpuPercent = (before: Usage, now: Usage): number =>
  now.at > before.at ? Math.max(0, (100 * (now.cpu - before.cpu)) / (1000 * (now.at - before.at))) : 0
