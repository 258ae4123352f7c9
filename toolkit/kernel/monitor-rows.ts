// The rows of a table that make a monitor of the process that is made first: up to the clone, and those after it.
import { numberOf } from './action.ts'
import { CLONE, SIG } from './constants.ts'
import type { Memory } from './memory.ts'
import { errorBits, type Row, row, type Shared } from './row.ts'
import { cloneFlags, isDescriptor, isJump, type Monitor, type Plan, type Step } from './step.ts'

/** The monitor's own descriptors. */
export const descriptorsOf = ({ first, steps }: Monitor, { descriptors }: Shared): number[] => [
  ...new Set(
    [...first, ...steps]
      .flatMap(entry => (isJump(entry) ? [] : entry.args))
      .flatMap(arg => (arg !== null && isDescriptor(arg) ? [numberOf(arg, { descriptors })] : [])),
  ),
]

const plainRow = ({ call, args, allow, label }: Step): Row => ({ call, args, allow: errorBits(allow), label })

/** Bytes of struct clone_args. */
export const CLONE_ARGS = 88

/** The label of the row where a monitor makes the container's first process. */
export const CONTAINER = 'the container'

/** The label of the row where the monitor goes on when it has made the other process. */
export const MONITOR = 'the monitor'

/** The rows of the process that is made first: up to the clone, and those after it, which nobody else comes to. */
export function monitorRows(
  monitor: Monitor,
  flags: number,
  { status, gate, go }: Shared,
  others: readonly number[],
): { head: Row[]; tail: Row[] } {
  return {
    head: [...monitor.first.map(plainRow), ...(monitor.pidfd ? [{ ...row('clone3', flags), label: CONTAINER }] : [])],
    tail: [
      { ...row('close', status), label: MONITOR }, // the end of file tells the engine that the program has started
      row('close', gate),
      ...others.map(fd => row('close', fd)), // what the other process needs: mounts and the like would be kept alive
      { ...row('read', go!, Buffer.alloc(1), 1), allow: errorBits('any') }, // the engine's word, or its end
      row('close', go!),
      ...monitor.steps.map(entry => (isJump(entry) ? { ...row('close'), allow: 0, jump: entry } : plainRow(entry))),
    ],
  }
}

/** struct clone_args of the process that a monitor makes. */
export function layCloneArgs(
  memory: Memory,
  { monitor, ...plan }: Plan,
  result: number,
  { descriptors }: Shared,
): number {
  const into = plan.cgroup ? CLONE.INTO_CGROUP : 0
  const flags = cloneFlags(plan) + CLONE.PIDFD + CLONE.PARENT_SETTID + into
  const { bytes, at } = monitor!.pidfd!
  const pidfd = memory.address + memory.put(bytes) + at
  const cgroup = plan.cgroup ? numberOf(plan.cgroup, { descriptors }) : 0
  const args = memory.reserve(CLONE_ARGS)
  for (const [i, value] of [flags, pidfd, 0, result, SIG.CHLD, 0, 0, 0, 0, 0, cgroup].entries())
    memory.write64(args + 8 * i, value)
  return memory.address + args
}
