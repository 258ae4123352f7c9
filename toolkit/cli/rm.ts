import { removeContainer } from '../engine/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './output.ts'

const command: Command = {
  usage: 'rm CONTAINER…',
  summary: 'Remove containers that have ended, by id or the beginning of one.',
  flags: {},
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  if (rest.length === 0) throw new UsageError("rm: which container? 'toolkit ps -a' lists them")
  for (const id of rest) print(removeContainer(id))
  return 0
}
