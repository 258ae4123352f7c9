import { pause } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './text/output.ts'

export const command: Command = {
  usage: 'pause CONTAINER…',
  summary: 'Stop all processes of containers where they are; unpause lets them go on.',
  flags: {},
  mixed: true,
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  return forEach(needContainers('pause', rest), pause)
}
