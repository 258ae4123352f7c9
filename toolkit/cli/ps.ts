import { listContainers } from '../engine/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './output.ts'

const command: Command = {
  usage: 'ps [OPTIONS]',
  summary: 'List running containers.',
  flags: { all: { short: 'a', help: 'also those that have ended' }, json: { help: 'as JSON' } },
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  if (rest.length > 0) throw new UsageError(`ps: takes no ${JSON.stringify(rest[0])}; see 'toolkit ps --help'`)
  const rows = listContainers().filter(({ running }) => running || flags.all)
  if (flags.json) {
    print(JSON.stringify(rows.map(({ state, running }) => ({ ...state, running }))))
    return 0
  }
  const table = rows.map(({ state, running }) => [
    state.id.slice(0, 12),
    state.rootfs,
    JSON.stringify(state.args.join(' ')),
    state.created,
    running ? 'running' : state.exitCode === undefined ? 'ended, exit code unknown' : `exited (${state.exitCode})`,
  ])
  const lines = [['CONTAINER ID', 'ROOTFS', 'COMMAND', 'CREATED', 'STATUS'], ...table]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  for (const line of lines)
    print(
      line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('   ')
        .trimEnd(),
    )
  return 0
}
