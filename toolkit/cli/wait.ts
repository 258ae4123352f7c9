import { waitFor } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, mainOf } from './options.ts'

export const command: Command = {
  usage: 'wait CONTAINER…',
  summary: "Wait for the end of containers, and print their exit codes; 'unknown' where nobody has seen one.",
  flags: {},
  mixed: true,
}

export const main = mainOf(command, ({ rest }) => {
  return forEach(needContainers('wait', rest), waitFor, { say: (_, code) => String(code ?? 'unknown') })
})
