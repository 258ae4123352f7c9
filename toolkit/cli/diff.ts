import { findContainer, placeOf } from '../engine/state/list.ts'
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
  const row = findContainer(needContainer('diff', rest))
  const { id, state } = row
  if (!state) throw new UsageError(`diff: the state of container ${id} cannot be read`, 1)
  // It may have ended just now, and lie where it has lived.
  const changes = readChanges(`${placeOf(row)}/upper`, [state.rootfs])
  if (flags.json) print(printableJson(changes))
  else if (changes.length > 0) print(changes.map(({ kind, path }) => `${kind} ${printable(path)}`).join('\n'))
  return 0
})
