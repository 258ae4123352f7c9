import { type StopWish, stop } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, mainOf, type Parsed } from './options.ts'
import { wholeNumber } from './text/numbers.ts'

export const stopFlags = {
  time: { short: 't', value: 'SECONDS', help: 'then by SIGKILL; -1: never (default: its --stop-timeout, 10)' },
  timeout: { value: 'SECONDS', help: 'the same' },
  signal: {
    short: 's',
    value: 'SIGNAL',
    blank: true,
    help: 'the signal that asks it to end (default: its --stop-signal, TERM)',
  },
} as const

export const command: Command = {
  usage: 'stop [OPTIONS] CONTAINER…',
  summary: 'End containers: ask first, and after a while do not ask.',
  flags: { ...stopFlags, explain: { help: 'print what is done, why, and what comes of it' } },
  mixed: true,
}

/** What the flags say, beside what the container itself wants. */
export function stopWish(name: string, flags: Parsed['flags']): Partial<StopWish> {
  const seconds = flags.time ?? flags.timeout
  return {
    ...(seconds !== undefined && { timeout: wholeNumber(`${name}: --time`, seconds) }),
    ...(flags.signal !== undefined && { signal: flags.signal as string }),
  }
}

export const main = mainOf(command, async ({ flags, rest }) => {
  const wish = stopWish('stop', flags)
  const watcher = flags.explain ? (await import('./explain.ts')).explainActs() : undefined
  return forEach(needContainers('stop', rest), word => stop(word, wish, watcher), { together: watcher === undefined })
})
