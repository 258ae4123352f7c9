import { rename } from '../engine/life/lifecycle.ts'
import { renameIn } from '../engine/network/networks.ts'
import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, mainOf } from './options.ts'

export const command: Command = {
  usage: 'rename CONTAINER NAME',
  summary: 'Give a container another name.',
  flags: {},
  mixed: true,
}

export const main = mainOf(command, ({ rest }) => {
  const [word, given] = rest
  const name = given?.replace(/^\//, '')
  if (word === undefined || name === undefined || rest.length > 2)
    throw new UsageError("rename: give a container and its new name; 'toolkit ps -a' lists them", 1)
  const { state } = findContainer(word)
  rename(word, name)
  if (state) renameIn(state.id, state.name, name) // its networks know it by the new name, too
  return 0
})
