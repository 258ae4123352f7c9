import { removeContainer, sweep } from '../engine/orphans.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print, printError } from './output.ts'
import { printable } from './printable.ts'

const command: Command = {
  usage: 'rm CONTAINER…',
  summary: 'Remove containers that have ended, by name, id or the beginning of one.',
  flags: {},
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  if (rest.length === 0) throw new UsageError("rm: which container? 'toolkit ps -a' lists them")
  const stuck = await sweep() // those whose engine was killed have ended, too
  let status = 0
  for (const id of rest) {
    try {
      print(removeContainer(id, stuck))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      printError(`toolkit: ${printable(error.message)}`) // and go on: the others are meant, too
      status = error.exitCode
    }
  }
  return status
}
