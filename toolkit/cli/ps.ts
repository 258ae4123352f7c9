import { sweepLabs } from '../engine/lab/record.ts'
import { tend } from '../engine/life/health.ts'
import { statusOf } from '../engine/life/lifecycle.ts'
import { type ContainerRow, listContainers } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { labelText } from './flags/labels.ts'
import { type Command, mainOf, noMoreThan } from './options.ts'
import {
  commandText,
  createdText,
  exposedBy,
  imageOf,
  leases,
  portsOf,
  portsText,
  statusText,
} from './text/describe.ts'
import { wholeNumber } from './text/numbers.ts'
import { print, printLines } from './text/output.ts'
import { printableJson } from './text/printable.ts'
import { printTable } from './text/table.ts'

export const command: Command = {
  usage: 'ps [OPTIONS]',
  summary: 'List running containers.',
  flags: {
    all: { short: 'a', help: 'also those that have ended, or were never started' },
    quiet: { short: 'q', help: 'only the ids' },
    latest: { short: 'l', help: 'only the one that was created last, whatever its state' },
    last: { short: 'n', value: 'NUMBER', help: 'only so many that were created last' },
    filter: {
      short: 'f',
      value: 'NAME=VALUE',
      many: true,
      help: 'only some: id, name, label, status, exited, ancestor, before, since, network, volume, publish, expose, health',
    },
    format: {
      value: 'TEMPLATE',
      blank: true,
      help: "fields of each, as '{{.ID}} {{.Names}}', 'table {{.ID}}\\t{{.Status}}', or json",
    },
    size: { short: 's', help: 'how much each has written, and that with what is below it' },
    'no-trunc': { help: 'whole ids and commands' },
    json: { help: 'all that is known, as JSON' },
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  noMoreThan(0, rest, 'ps')
  sweepLabs()
  const last = flags.latest ? 1 : flags.last === undefined ? undefined : wholeNumber('ps: --last', flags.last)
  const filters = flags.filter as string[] | undefined
  const filter = filters && (await import('./ps-filters.ts')).filterOf(filters)
  const anyState = flags.all || last !== undefined || filter?.anyState
  const all = await carriedOn(listContainers())
  const rows = all
    .filter(row => anyState || row.running || row.restarting)
    .filter(row => filter?.passes(row) ?? true)
    .slice(0, last !== undefined && last >= 0 ? last : undefined)
  if (flags.json) {
    print(printableJson(rows.map(({ id, state, running }) => ({ id, ...state, running }))))
    return 0
  }
  const long = flags['no-trunc'] === true
  if (flags.quiet && flags.format === undefined) {
    printLines(rows.map(({ id, state }) => (long && state?.id) || id))
    return 0
  }
  const network = leases()
  const cells = rows.map(row => fieldsOfRow(row, portsText(portsOf(row, network), exposedBy(row)), long))
  if (flags.size || flags.format !== undefined) {
    const { format = 'table', size = false } = flags as { format?: string; size?: boolean }
    const columns = COLUMNS.map(name => `{{.${name}}}`).join('\t')
    const { formatContainers } = await import('./ps-format.ts')
    const described = rows.map((row, i) => ({ row, fields: cells[i]! }))
    printLines(formatContainers(described, { format, columns, titles: HEADS, size, long }))
  } else
    printTable(
      COLUMNS.map(name => HEADS[name]),
      cells.map(fields => COLUMNS.map(name => fields[name])),
    )
  return 0
})

/** Who waits for a restart policy, or looks after the health of a container, may have been killed: then others do. */
async function carriedOn(rows: ContainerRow[]): Promise<ContainerRow[]> {
  for (const { id, running, state } of rows) if (running) tend(id, state)
  if (!rows.some(({ restarting }) => restarting)) return rows
  await sweep()
  return listContainers()
}

const HEADS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  State: 'STATE',
  Ports: 'PORTS',
  Names: 'NAMES',
  Labels: 'LABELS',
} as const
const COLUMNS = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'] as const

type Fields = Record<keyof typeof HEADS, string>

function fieldsOfRow(row: ContainerRow, ports: string, long: boolean): Fields {
  const { id, state } = row
  const status = statusOf(row)
  return {
    ID: (long && state?.id) || id,
    Image: imageOf(row),
    Command: commandText(row, long),
    CreatedAt: state?.created?.replace('T', ' ').replace(/\.\d+Z$/, ' +0000 UTC') ?? '?',
    RunningFor: createdText(row),
    Status: statusText(row, status),
    State: status,
    Ports: ports,
    Names: state?.name ?? '?',
    Labels: labelText(state?.options?.labels ?? {}),
  }
}
