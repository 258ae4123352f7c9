// --attach: which of a container's streams are joined to ours. Docker's words.
import { UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  attach: {
    short: 'a',
    value: 'STREAM',
    many: true,
    help: 'only this of its streams: stdin, stdout or stderr (default: stdout, stderr, and with -i stdin)',
  },
} satisfies Record<string, Flag>

const STREAMS = ['stdin', 'stdout', 'stderr'] as const
export type Stream = (typeof STREAMS)[number]

/** In this order; undefined where the flag is not given. Throws a UsageError. */
export function attached(given: Parsed['flags']): readonly Stream[] | undefined {
  const words = given.attach as readonly string[] | undefined
  if (!words) return undefined
  const wrong = words.find(word => !STREAMS.some(stream => stream === word.toLowerCase()))
  if (wrong !== undefined) throw refuseValue('attach', wrong, `allowed: ${STREAMS.join(', ')}`)
  if (given.detach) throw new UsageError('run: --attach and --detach do not go together; choose one')
  const asked = STREAMS.filter(stream => words.some(word => word.toLowerCase() === stream))
  if (given.tty && !asked.includes('stdout'))
    throw refuseValue('attach', asked.join(','), 'a terminal has one output, stdout; leave -t or --attach out')
  return asked
}

/** Those that are not the usual ones: then somebody else has to keep the rest. */
export function partly(given: Parsed['flags']): readonly Stream[] | undefined {
  const asked = attached(given)
  const usual = STREAMS.filter(stream => stream !== 'stdin' || given.interactive === true)
  if (given.tty && asked && asked.includes('stdin') === (given.interactive === true)) return undefined
  const really = asked?.filter(stream => stream !== 'stdin' || given.interactive === true)
  return really && really.length < usual.length ? really : undefined
}
