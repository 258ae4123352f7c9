// Places where a test lets things go wrong: TOOLKIT_FAILPOINT=PLACE:kill, PLACE:error or PLACE:sleep:MILLISECONDS. What
// has been made by then must be undone, by us or by whoever comes after us.
import { pause } from '../kernel/pause.ts'
import { UsageError } from '../kernel/usage-error.ts'

/** The places, in the order in which a run comes by. */
export const FAILPOINTS = [
  'locked',
  'name taken',
  'directory made',
  'network joined',
  'cgroup and files ready',
  'process made',
  'program started',
  'program ended',
  'cgroup removed',
  'network released',
  'volumes removed',
  'retired', //         without --rm
  'name given back', // with --rm, as the rest
  'files removed',
] as const

/** Besides those: after each thing that the engine does outside, or for one more network, counted from 1. */
export type Failpoint = (typeof FAILPOINTS)[number] | `action ${number}` | `connected ${number}`

const wanted = process.env.TOOLKIT_FAILPOINT // asked once: the environment is not kept in JavaScript

/** Goes wrong here, where TOOLKIT_FAILPOINT says so. */
export function failpoint(place: Failpoint): void {
  if (wanted === undefined || !wanted.startsWith(`${place}:`)) return
  const [, how, milliseconds] = wanted.split(':')
  if (how === 'kill') process.kill(process.pid, 'SIGKILL')
  if (how === 'error') throw new UsageError(`failpoint: ${place}`)
  if (how === 'sleep') pause(Number(milliseconds))
}
