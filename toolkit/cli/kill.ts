import { kill } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './text/output.ts'

export const command: Command = {
  usage: 'kill [OPTIONS] CONTAINER…',
  summary: 'Send a signal to the first process of containers.',
  flags: { signal: { short: 's', value: 'SIGNAL', help: 'a name or number of signal(7) (default: KILL)' } },
  mixed: true,
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  return forEach(needContainers('kill', rest), word => kill(word, (flags.signal as string) ?? 'KILL'))
}
