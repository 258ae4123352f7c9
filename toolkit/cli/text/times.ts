// Times as people give them to docker, and how long ago something was.
import { UsageError } from '../../kernel/usage-error.ts'

const UNITS: Record<string, number> = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 }

/** Seconds of a duration of Go's without a sign: 1h30m, 1.5s; undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d*)?(ns|us|ms|s|m|h))+$/.test(text)) return undefined
  return [...text.matchAll(/([\d.]+)(ns|us|ms|s|m|h)/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * UNITS[unit!]!,
    0,
  )
}

/** Nanoseconds since 1970. Throws a UsageError that names the flag. */
export function parseTime(flag: string, text: string, now = Date.now()): bigint {
  const [, sign, ago = ''] = /^([+-]?)(.*)$/s.exec(text)!
  const duration = parseDuration(ago)
  // One that is less than nothing ago is still to come.
  if (duration !== undefined)
    return BigInt(Math.round((now - (sign === '-' ? -1 : 1) * 1000 * duration) * 1000)) * 1000n
  if (/^\d+(\.\d{1,9})?$/.test(text)) {
    const [seconds = '0', fraction = ''] = text.split('.')
    return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  }
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? ''
  const milliseconds = Date.parse(text.replace(/\.\d+/, ''))
  if (Number.isNaN(milliseconds))
    throw new UsageError(
      `${flag} ${JSON.stringify(text)}: give a time as 2026-01-31T12:00:00Z, seconds since 1970, or a duration as 10m`,
    )
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** RFC 3339 with all nine digits, as docker's. */
export function formatTime(time: bigint): string {
  const seconds = time / 1_000_000_000n
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${String(time % 1_000_000_000n).padStart(9, '0')}Z`
}

/** How long something took or was ago, in docker's words: Less than a second, About a minute, 3 hours. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.round(seconds / 3600)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(hours / 24 / 365)} years`
}
