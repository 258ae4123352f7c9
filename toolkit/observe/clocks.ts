// How far the clocks of a process are from the machine's: /proc/PID/timens_offsets, time_namespaces(7).
import { readText } from './read.ts'

/** In nanoseconds, added to the clock of the machine. */
export interface ClockOffsets {
  readonly monotonic: bigint
  readonly boottime: bigint
}

/**
 * The file is about the namespace that the process's children are born in. It is the process's own as well, unless it has
 * made one by unshare(2) and started nothing since: compare `time` of `readNamespaces`. Undefined where the process is
 * gone, and on a kernel without time namespaces.
 */
export function readClockOffsets(pid: number): ClockOffsets | undefined {
  const rows = [...(readText(`/proc/${pid}/timens_offsets`) ?? '').matchAll(/^(\w+) +(-?\d+) +(\d+)$/gm)]
  const offsets = new Map(rows.map(([, clock, s, ns]) => [clock, BigInt(s!) * 1_000_000_000n + BigInt(ns!)]))
  const [monotonic, boottime] = [offsets.get('monotonic'), offsets.get('boottime')]
  return monotonic === undefined || boottime === undefined ? undefined : { monotonic, boottime }
}
