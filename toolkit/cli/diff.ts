import { findContainer } from '../engine/state/list.ts'
import { directoryOf } from '../engine/state/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { readChanges } from '../observe/changes.ts'
import { needContainer } from './each.ts'
import { type Command, mainOf } from './options.ts'
import { print } from './text/output.ts'
import { printable, printableJson } from './text/printable.ts'

export const command: Command = {
  usage: 'diff [OPTIONS] CONTAINER',
  summary: 'List what a container has changed in its files: A added, C changed, D deleted.',
  flags: { json: { help: 'as JSON' } },
  mixed: true,
}

export const main = mainOf(command, ({ flags, rest }) => {
  const { id, state, running } = findContainer(needContainer('diff', rest))
  if (!state) throw new UsageError(`diff: the state of container ${id} cannot be read`, 1)
  const upper = `${directoryOf(running ? 'live' : 'ended', id)}/upper`
  const changes = readChanges(upper, [state.rootfs])
  if (flags.json) print(printableJson(changes))
  else if (changes.length > 0) print(changes.map(({ kind, path }) => `${kind} ${printable(path)}`).join('\n'))
  return 0
})
