import { startContainer } from '../engine/detach.ts'
import { refuse } from '../engine/host.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { forEach, needContainers } from './each.ts'
import { follow } from './follow.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './output.ts'

const command: Command = {
  usage: 'start [OPTIONS] CONTAINER…',
  summary: 'Start containers that were created, or have ended.',
  flags: {
    attach: { short: 'a', help: 'show what it writes until it ends; its exit code is ours, signals are passed on' },
  },
  mixed: true,
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  const words = needContainers('start', rest)
  if (process.getuid!() !== 0) throw refuse('root', { asked: 'start' })
  if (!flags.attach) return forEach(words, startContainer)
  if (words.length > 1) throw new UsageError('start: -a takes one container')
  return follow(words[0]!, () => startContainer(words[0]!))
}
