import { sweepLabs } from '../engine/lab-record.ts'
import { type ContainerRow, listContainers } from '../engine/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print } from './output.ts'
import { printable, printableJson } from './printable.ts'

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
  sweepLabs()
  const rows = listContainers().filter(({ running }) => running || flags.all)
  if (flags.json) {
    print(printableJson(rows.map(({ id, state, running }) => ({ id, ...state, running }))))
    return 0
  }
  const table = rows.map(row => [
    row.id,
    row.state?.rootfs ?? '?',
    JSON.stringify(row.state?.args.join(' ') ?? '?'),
    row.state?.created ?? '?',
    status(row),
    row.state?.name ?? '?',
  ])
  const lines = [
    ['CONTAINER ID', 'ROOTFS', 'COMMAND', 'CREATED', 'STATUS', 'NAME'],
    ...table.map(cells => cells.map(printable)),
  ]
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

function status({ state, running }: ContainerRow): string {
  if (running) return 'running'
  if (!state) return 'its state.json cannot be read'
  if (state.exitCode === undefined) return 'ended, exit code unknown'
  return `exited (${state.exitCode})${state.oomKilled ? ', out of memory' : ''}`
}
