// What is known of a container's health, and who looks after it: a process that sleeps (sleeper.ts), becomes
// `toolkit health ID LOCK` for one look, and sleeps again. Between two looks it has a few pages of memory.
//
//   live/ID/health.json   what the last looks have shown
//   live/ID/health.lock   held (flock) by who looks after it
import { closeSync, readFileSync } from 'node:fs'
import type { HealthCheck } from '../options.ts'
import { lock, writeJson } from '../state/files.ts'
import { type ContainerState, directoryOf } from '../state/store.ts'
import { holdProcess } from './lifecycle.ts'
import { runningFor } from './restart-policy.ts'
import { fallAsleep } from './sleeper.ts'

/** One look, as docker shows it. */
export interface Look {
  /** ISO 8601. */
  readonly Start: string
  readonly End: string
  /** 0: all is well; -1: it could not be run, or not be run to its end. */
  readonly ExitCode: number
  readonly Output: string
}

export interface Health {
  readonly status: 'starting' | 'healthy' | 'unhealthy'
  readonly failingStreak: number
  /** The last ones, the oldest first. */
  readonly log: readonly Look[]
}

const KEPT = 5
/** Bytes of the output of one look. */
export const OUTPUT = 4096

const NEW: Health = { status: 'starting', failingStreak: 0, log: [] }

/** What is known so far of a container that lies there. */
export function readHealth(directory: string): Health {
  try {
    return JSON.parse(readFileSync(`${directory}/health.json`, 'utf8'))
  } catch {
    return NEW
  }
}

export const writeHealth = (directory: string, health: Health): void =>
  writeJson(`${directory}/health.json`, health, { durable: false })

/** What one more look means. `sinceStart`: milliseconds that it had run when it was looked at. */
export function judge(health: Health, look: Look, { retries, startPeriod }: HealthCheck, sinceStart: number): Health {
  const log = [...health.log, look].slice(-KEPT)
  if (look.ExitCode === 0) return { status: 'healthy', failingStreak: 0, log }
  if (health.status === 'starting' && sinceStart < startPeriod) return { ...health, log }
  const failingStreak = health.failingStreak + 1
  return { status: failingStreak >= retries ? 'unhealthy' : health.status, failingStreak, log }
}

/** Milliseconds until the next look. */
export const untilNext = ({ status }: Health, check: HealthCheck, sinceStart: number): number =>
  status === 'starting' && sinceStart < check.startPeriod ? check.startInterval : check.interval

/** The lock of who looks after a container; undefined where somebody does, from one look to the next. */
export const takeHealth = (directory: string): number | undefined => lock(`${directory}/health.lock`, { wait: false })

/** Somebody who is going to look; `held` is the lock of the line above. Ends with the process behind the pidfd. */
export function lookLater(
  id: string,
  { milliseconds, held, pidfd }: { milliseconds: number; held: number; pidfd: number },
): void {
  fallAsleep({ milliseconds, words: ['health', id, String(held)], lock: held, inherits: true, pidfd })
}

/** Has somebody look after a container that runs and has a health check, where nobody does: it is new, or he was killed. */
export function tend(id: string, state: ContainerState | undefined): void {
  const check = state?.options?.care?.health
  if (!check) return
  const directory = directoryOf('live', id)
  const pidfd = holdProcess(state)
  if (pidfd === undefined) return
  let held: number | undefined
  try {
    held = takeHealth(directory)
    if (held === undefined) return
    lookLater(id, { milliseconds: untilNext(readHealth(directory), check, runningFor(state!.startTime!)), held, pidfd })
  } finally {
    if (held !== undefined) closeSync(held)
    closeSync(pidfd)
  }
}
