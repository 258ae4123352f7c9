import { waitFor } from '../engine/life/lifecycle.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './text/output.ts'

export const command: Command = {
  usage: 'wait CONTAINER…',
  summary: "Wait for the end of containers, and print their exit codes; 'unknown' where nobody has seen one.",
  flags: {},
  mixed: true,
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  return forEach(needContainers('wait', rest), waitFor, { say: (_, code) => String(code ?? 'unknown') })
}
