import { existsSync } from 'node:fs'
import { statusOf } from '../engine/life/lifecycle.ts'
import { findContainer, placeOf } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { needContainer } from './each.ts'
import { type Command, mainOf } from './options.ts'
import { showLog } from './show-log.ts'
import { wholeNumber } from './text/numbers.ts'
import { parseTime } from './text/times.ts'

export const command: Command = {
  usage: 'logs [OPTIONS] CONTAINER',
  summary: 'Print what a container has written: its stdout to stdout, its stderr to stderr.',
  flags: {
    follow: { short: 'f', help: 'go on with what it writes, until it ends' },
    tail: { short: 'n', value: 'LINES', help: "only so many lines from the end, or 'all' (default: all)" },
    since: {
      value: 'TIME',
      help: 'only what came after: 2026-01-31T12:00:00Z, seconds since 1970, or how long ago: 10m',
    },
    until: { value: 'TIME', help: 'only what came before' },
    details: { help: 'for docker’s sake: there are no attributes to show' },
    timestamps: { short: 't', help: 'when each line came, before it' },
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  await sweep() // it may have lost its monitor
  const row = findContainer(needContainer('logs', rest))
  if (row.state?.options?.log?.driver === 'none')
    throw new UsageError('configured logging driver does not support reading', 1) // docker's words
  if (!existsSync(`${placeOf(row)}/log.index`) && statusOf(row) !== 'created')
    throw new UsageError(
      `container ${row.id} was run with --rm or --explain, and without -d: what it wrote went to its caller, and nobody kept it`,
      1,
    )
  const { tail, since, until } = flags as { tail?: string; since?: string; until?: string }
  const lines = tail === undefined || tail === 'all' ? undefined : wholeNumber('logs: --tail', tail)
  await showLog(row, {
    directory: placeOf(row),
    follow: flags.follow === true,
    timestamps: flags.timestamps === true,
    ...(lines !== undefined && lines >= 0 && { tail: lines }),
    ...(since !== undefined && { since: parseTime('logs: --since', since) }),
    ...(until !== undefined && { until: parseTime('logs: --until', until) }),
  })
  return 0
})
