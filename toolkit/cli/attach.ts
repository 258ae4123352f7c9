import { statusOf } from '../engine/life/lifecycle.ts'
import { hasLog } from '../engine/log/log.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer, placeOf } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { needContainer } from './each.ts'
import { detachFlag, signalFlag } from './flags/program.ts'
import { type Command, mainOf } from './options.ts'
import { keysOf, stayWith } from './stay.ts'

export const command: Command = {
  usage: 'attach [OPTIONS] CONTAINER',
  summary: `Join stdin, stdout and stderr to those of a container that runs, until it ends; its exit code is ours.
One with a terminal (run -dit) is left running by ctrl-p ctrl-q.`,
  flags: {
    ...detachFlag,
    'no-stdin': { help: 'only look: nothing that is typed here goes to it' },
    ...signalFlag,
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  const keys = keysOf(flags)
  const word = needContainer('attach', rest)
  await sweep() // it may have lost its monitor
  const row = findContainer(word)
  const status = statusOf(row)
  if (status === 'paused') throw new UsageError('cannot attach to a paused container, unpause it first', 1)
  if (status !== 'running') throw new UsageError('cannot attach to a stopped container, start it first', 1)
  if (!hasLog(placeOf(row)))
    throw new UsageError(
      `container ${row.id} was run with --rm or --explain, and without -d: only its caller is attached to it`,
      1,
    )
  recordOf(row.state!, 'attach')
  return stayWith(word, { keys, stdin: flags['no-stdin'] !== true, signals: flags['sig-proxy'] !== false })
})
