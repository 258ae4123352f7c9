import { kill } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, mainOf } from './options.ts'

export const command: Command = {
  usage: 'kill [OPTIONS] CONTAINER…',
  summary: 'Send a signal to the first process of containers; by KILL they end, and that is waited for.',
  flags: {
    signal: { short: 's', value: 'SIGNAL', blank: true, help: 'a name or number of signal(7) (default: KILL)' },
  },
  mixed: true,
}

export const main = mainOf(command, ({ flags, rest }) => {
  return forEach(needContainers('kill', rest), word => kill(word, (flags.signal as string) ?? 'KILL'), {
    together: true,
  })
})
