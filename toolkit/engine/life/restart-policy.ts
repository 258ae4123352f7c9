// Whether a container that has ended is to be started again, and when. docker's rules: the pause is 100 ms and twice as
// long each time, up to a minute; a run of ten seconds makes it short again. All of it by the clock that counts from the
// start of the machine, which nobody sets.
import { readFileSync } from 'node:fs'

export interface RestartPolicy {
  readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  /** Of on-failure: how often at most; 0: as often as it fails. */
  readonly most: number
}

/** What is known of a container that has ended. */
export interface Ended {
  readonly policy: RestartPolicy
  /** Undefined where nobody has seen it: as bad as a failure. */
  readonly exitCode: number | undefined
  /** Somebody has stopped it. */
  readonly stopped: boolean
  /** How often it was started again since somebody has started it. */
  readonly restarts: number
  /** Milliseconds of the last pause; 0: there was none yet. */
  readonly pause: number
  /** Seconds that it has run. */
  readonly ran: number
}

const FIRST = 100 // milliseconds
const LONGEST = 60_000
const LONG_RUN = 10 // seconds

const failed = ({ exitCode }: Pick<Ended, 'exitCode'>): boolean => exitCode !== 0

/** Milliseconds until it is to be started again; undefined where it is not. */
export function pauseBefore(ended: Ended): number | undefined {
  const { policy, stopped, restarts, pause, ran } = ended
  if (policy.name === 'no' || stopped) return undefined
  if (policy.name === 'on-failure' && (!failed(ended) || (policy.most > 0 && restarts >= policy.most))) return undefined
  return pause === 0 || ran >= LONG_RUN ? FIRST : Math.min(2 * pause, LONGEST)
}

/** Whether it is to be started when the machine has started. */
export function startsAtBoot({ policy, stopped, exitCode, restarts }: Omit<Ended, 'pause' | 'ran'>): boolean {
  if (policy.name === 'always') return true
  if (policy.name === 'unless-stopped') return !stopped
  if (policy.name === 'no' || stopped) return false
  return failed({ exitCode }) && (policy.most === 0 || restarts < policy.most)
}

/** Seconds since the machine was started, proc_uptime(5): the clock of a process's start time. */
export const uptime = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])

/** Ticks in a second, of which the start time of a process is a number: sysconf(_SC_CLK_TCK), on Linux always. */
export const TICKS = 100

/** Milliseconds that a process has run, by its start time in ticks. */
export const runningFor = (startTime: number): number => Math.max(0, 1000 * (uptime() - startTime / TICKS))
