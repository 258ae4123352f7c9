import { unpause } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, mainOf } from './options.ts'

export const command: Command = {
  usage: 'unpause CONTAINER…',
  summary: 'Let all processes of containers go on that were paused.',
  flags: {},
  mixed: true,
}

export const main = mainOf(command, ({ rest }) => {
  return forEach(needContainers('unpause', rest), unpause)
})
