import { refuse } from '../engine/host.ts'
import { startContainer } from '../engine/life/detach.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { forEach, needContainers, starting } from './each.ts'
import { detachFlag, signalFlag } from './flags/program.ts'
import { type Command, mainOf } from './options.ts'
import { exitNow } from './text/output.ts'

export const command: Command = {
  usage: 'start [OPTIONS] CONTAINER…',
  summary: 'Start containers that were created, or have ended.',
  flags: {
    attach: { short: 'a', help: 'show what it writes until it ends; its exit code is ours, signals are passed on' },
    interactive: { short: 'i', help: 'the same, and pass stdin on to one that was made with -i' },
    ...detachFlag,
    ...signalFlag,
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  const words = needContainers('start', rest)
  if (process.getuid!() !== 0) throw refuse('root', { asked: 'start' })
  const { attach = false, interactive = false } = flags as { attach?: boolean; interactive?: boolean }
  if (!attach && !interactive) return exitNow(await forEach(words, word => starting(() => startContainer(word))))
  if (words.length > 1) throw new UsageError('start: -a and -i take one container', 1)
  const { keysOf, startAndStay } = await import('./stay.ts')
  return starting(() =>
    startAndStay(words[0]!, { keys: keysOf(flags), stdin: interactive, signals: flags['sig-proxy'] !== false }),
  )
})
