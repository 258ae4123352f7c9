// --attach: which of a container's streams are joined to ours. Docker's words.
import type { Attached } from '../../engine/options.ts'
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

const STREAMS: readonly Attached[] = ['stdin', 'stdout', 'stderr']

/** In this order; undefined where it is the usual ones, and none with -d. Throws a UsageError. */
export function attached(given: Parsed['flags']): readonly Attached[] | undefined {
  const words = given.attach as readonly string[] | undefined
  if (!words) return given.detach ? [] : undefined
  const wrong = words.find(word => !STREAMS.some(stream => stream === word.toLowerCase()))
  if (wrong !== undefined) throw refuseValue('attach', wrong, `allowed: ${STREAMS.join(', ')}`)
  if (given.detach) throw new UsageError('run: --attach and --detach do not go together; choose one')
  const asked = STREAMS.filter(stream => words.some(word => word.toLowerCase() === stream))
  if (given.tty && !asked.includes('stdout'))
    throw refuseValue('attach', asked.join(','), 'a terminal has one output, stdout; leave -t or --attach out')
  return asked
}
