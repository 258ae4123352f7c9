import { pause } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, mainOf } from './options.ts'

export const command: Command = {
  usage: 'pause CONTAINER…',
  summary: 'Stop all processes of containers where they are; unpause lets them go on.',
  flags: {},
  mixed: true,
}

export const main = mainOf(command, ({ rest }) => {
  return forEach(needContainers('pause', rest), pause)
})
