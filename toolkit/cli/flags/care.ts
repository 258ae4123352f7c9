// The flags about what is done while a container runs, and when it ends. Docker's words, defaults and refusals.

import type { RestartPolicy } from '../../engine/life/restart-policy.ts'
import type { Care, HealthCheck } from '../../engine/options.ts'
import { signalNumber } from '../../engine/signals.ts'
import { UNREADABLE, UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'
import { parseDuration } from '../text/times.ts'
import { refuseValue, unreadable } from './refuse.ts'

export const flags = {
  restart: {
    value: 'POLICY',
    help: 'start it again when it ends: no, on-failure[:TIMES], always, unless-stopped (default: no)',
    blank: true,
  },
  'stop-signal': { value: 'SIGNAL', help: 'what toolkit stop sends it (default: TERM)', blank: true },
  'stop-timeout': { value: 'SECONDS', help: 'then toolkit stop sends KILL; -1: never (default: 10)' },
  'health-cmd': { value: 'COMMAND', help: 'a line for its /bin/sh that succeeds as long as all is well', blank: true },
  'health-interval': { value: 'DURATION', help: 'how often that is run (default: 30s)' },
  'health-timeout': { value: 'DURATION', help: 'then it is killed, and has failed (default: 30s)' },
  'health-retries': { value: 'NUMBER', help: 'so many failures in a row mean unhealthy (default: 3)' },
  'health-start-period': { value: 'DURATION', help: 'so long a failure does not count (default: 0s)' },
  'health-start-interval': { value: 'DURATION', help: 'how often it is run meanwhile (default: 5s)' },
  'no-healthcheck': { help: 'nobody looks after its health' },
} satisfies Record<string, Flag>

type Given = Parsed['flags']

const SETTINGS = [
  'health-cmd',
  'health-interval',
  'health-timeout',
  'health-retries',
  'health-start-period',
  'health-start-interval',
] as const

/** Reads --restart. Throws a UsageError that names the flag, in docker's words. */
export function restartPolicy(text: string): RestartPolicy {
  const [, name = '', , count] = /^([^:]*)(:(.*))?$/s.exec(text)!
  const refuse = (why: string) => refuseValue('restart', text, `invalid restart policy: ${why}`)
  if (name === '' && count !== undefined)
    throw refuse("no policy provided before colon: use one of 'no', 'always', 'on-failure', or 'unless-stopped'")
  if (name !== '' && !['no', 'on-failure', 'always', 'unless-stopped'].includes(name))
    throw refuse(`unknown policy; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`)
  if (count !== undefined && count !== '' && !/^[+-]?\d{1,9}$/.test(count))
    throw refuse('maximum retry count must be an integer')
  const most = Number(count ?? 0)
  if (most !== 0 && name !== 'on-failure') throw refuse("maximum retry count can only be used with 'on-failure'")
  if (most < 0) throw refuse('maximum retry count cannot be negative')
  return { name: (name || 'no') as RestartPolicy['name'], most }
}

/** Milliseconds; 0 is as good as nothing. */
function milliseconds(given: Given, flag: keyof typeof flags, usual: number): number {
  const text = given[flag] as string | undefined
  if (text === undefined) return usual
  if (text.startsWith('-')) throw refuseValue(flag, text, 'cannot be negative; give a duration such as 30s')
  const seconds = text === '0' ? 0 : parseDuration(text)
  if (seconds === undefined) throw unreadable(flag, text, 'give a duration such as 30s, 1m30s or 500ms')
  if (seconds > 0 && seconds < 0.001)
    throw refuseValue(flag, text, 'cannot be less than 1ms; give a duration such as 30s')
  return 1000 * seconds || usual
}

function health(given: Given): HealthCheck | undefined {
  const set = SETTINGS.find(flag => given[flag] !== undefined)
  if (given['no-healthcheck']) {
    if (set) throw new UsageError('--no-healthcheck conflicts with --health-* options')
    return undefined
  }
  const command = given['health-cmd'] as string | undefined
  if (!command) {
    if (set) throw new UsageError(`run: --${set}: there is no --health-cmd`)
    return undefined
  }
  const retries = (given['health-retries'] as string | undefined) ?? '0'
  if (/^-\d+$/.test(retries)) throw refuseValue('health-retries', retries, 'cannot be negative; give a whole number')
  if (!/^\d{1,9}$/.test(retries)) throw unreadable('health-retries', retries, 'give a whole number')
  return {
    args: ['/bin/sh', '-c', command],
    interval: milliseconds(given, 'health-interval', 30_000),
    timeout: milliseconds(given, 'health-timeout', 30_000),
    retries: Number(retries) || 3,
    startPeriod: milliseconds(given, 'health-start-period', 0),
    startInterval: milliseconds(given, 'health-start-interval', 5000),
  }
}

function checkSignal(name: string): void {
  try {
    signalNumber(name)
  } catch {
    throw refuseValue('stop-signal', name, 'invalid signal; give a number or a name of signal(7), such as TERM')
  }
}

/** Reads the flags. Undefined where none of them is given. Throws a UsageError. */
export function care(given: Given): Care | undefined {
  const restart = given.restart === undefined ? undefined : restartPolicy(given.restart as string)
  if (given.rm && restart && restart.name !== 'no')
    throw new UsageError('run: conflicting options: cannot specify both --restart and --rm', UNREADABLE)
  const stopSignal = given['stop-signal'] as string | undefined
  if (stopSignal !== undefined) checkSignal(stopSignal)
  const timeout = given['stop-timeout'] as string | undefined
  if (timeout !== undefined && !/^-?\d{1,9}$/.test(timeout))
    throw unreadable('stop-timeout', timeout, 'give a whole number of seconds, at most 999999999')
  const check = health(given)
  const all: Care = {
    ...(restart && restart.name !== 'no' && { restart }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(timeout !== undefined && { stopTimeout: Number(timeout) }),
    ...(check && { health: check }),
  }
  return Object.keys(all).length > 0 ? all : undefined
}
