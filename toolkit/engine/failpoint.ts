// Places where a test lets things go wrong: TOOLKIT_FAILPOINT=PLACE:kill, PLACE:error or PLACE:sleep:MILLISECONDS. What
// has been made by then must be undone, by us or by whoever comes after us.
import { UsageError } from '../kernel/usage-error.ts'

/** The places, in the order in which a run comes by. */
export const FAILPOINTS = [
  'directory made',
  'recorded',
  'cgroup and files ready',
  'process made',
  'network ready',
  'program started',
  'program ended',
  'network released',
  'cgroup removed',
  'ended',
] as const

export type Failpoint = (typeof FAILPOINTS)[number]

/** Goes wrong here, where TOOLKIT_FAILPOINT says so. */
export function failpoint(place: Failpoint): void {
  const wanted = process.env.TOOLKIT_FAILPOINT
  if (wanted === undefined || !wanted.startsWith(`${place}:`)) return
  const [, how, milliseconds] = wanted.split(':')
  if (how === 'kill') process.kill(process.pid, 'SIGKILL')
  if (how === 'error') throw new UsageError(`failpoint: ${place}`)
  if (how === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(milliseconds))
}
