import { sweepLabs } from '../engine/lab/record.ts'
import { tend } from '../engine/life/health.ts'
import { statusOf } from '../engine/life/lifecycle.ts'
import { type ContainerRow, findContainer, listContainers } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { hasLabel, labelText } from './flags/labels.ts'
import { type Command, mainOf } from './options.ts'
import { createdText, healthOf, imageOf, leases, portsOf, portsText, statusText } from './text/describe.ts'
import { wholeNumber } from './text/numbers.ts'
import { print } from './text/output.ts'
import { printable, printableJson } from './text/printable.ts'
import { printTable } from './text/table.ts'
import { fieldsOf, template } from './text/template.ts'

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
      help: 'only some: id, name, label, status, exited, ancestor, before, since, health',
    },
    format: {
      value: 'TEMPLATE',
      help: "fields of each, as '{{.ID}} {{.Names}}', 'table {{.ID}}\\t{{.Status}}', or json",
    },
    'no-trunc': { help: 'whole ids and commands' },
    json: { help: 'all that is known, as JSON' },
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  if (rest.length > 0) throw new UsageError(`ps: takes no ${JSON.stringify(rest[0])}; see 'toolkit ps --help'`)
  sweepLabs()
  const last = flags.latest ? 1 : flags.last === undefined ? undefined : wholeNumber('ps: --last', flags.last)
  const filters = ((flags.filter ?? []) as string[]).map(readFilter)
  const anyState = flags.all || last !== undefined || filters.some(({ name }) => name === 'status' || name === 'exited')
  const all = await carriedOn(listContainers())
  const rows = all
    .filter(row => anyState || row.running || row.restarting)
    .filter(row => passes(row, filters))
    .slice(0, last !== undefined && last >= 0 ? last : undefined)
  if (flags.json) {
    print(printableJson(rows.map(({ id, state, running }) => ({ id, ...state, running }))))
    return 0
  }
  const long = flags['no-trunc'] === true
  if (flags.quiet) {
    for (const { id, state } of rows) print((long && state?.id) || id)
    return 0
  }
  const network = leases()
  const cells = rows.map(row => fieldsOfRow(row, portsText(portsOf(row.state?.id, network)), long))
  if (typeof flags.format === 'string') formatRows(flags.format, cells)
  else
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
  const words = state?.args.join(' ') ?? '?'
  const status = statusOf(row)
  return {
    ID: (long && state?.id) || id,
    Image: imageOf(row),
    Command: JSON.stringify(long || words.length <= 20 ? words : `${words.slice(0, 19)}…`),
    CreatedAt: state?.created ?? '?',
    RunningFor: createdText(row),
    Status: statusText(row, status),
    State: status,
    Ports: ports,
    Names: state?.name ?? '?',
    Labels: labelText(state?.options?.labels ?? {}),
  }
}

function formatRows(format: string, rows: readonly Fields[]): void {
  if (format === 'json') {
    for (const row of rows) print(printableJson(row))
    return
  }
  const isTable = /^table(\s|$)/.test(format)
  const source = isTable ? format.slice(6) || COLUMNS.map(name => `{{.${name}}}`).join('\\t') : format
  const fill = template(source)
  if (!isTable) {
    for (const row of rows) print(fill(row).split('\n').map(printable).join('\n').replaceAll('\\t', '\t'))
    return
  }
  const head = fieldsOf(source).map(name => HEADS[name as keyof Fields] ?? name.toUpperCase())
  printTable(
    head,
    rows.map(row => fill(row).split('\t')),
  )
}

interface Filter {
  readonly name: string
  readonly value: string
}

const FILTERS = ['id', 'name', 'label', 'status', 'exited', 'ancestor', 'before', 'since', 'health']

function readFilter(text: string): Filter {
  const [name = '', ...value] = text.split('=')
  if (value.length === 0) throw new UsageError(`ps: --filter ${JSON.stringify(text)}: write NAME=VALUE`)
  if (!FILTERS.includes(name))
    throw new UsageError(
      `ps: --filter ${JSON.stringify(text)}: there is no filter ${name}; there are ${FILTERS.join(', ')}`,
    )
  return { name, value: value.join('=') }
}

/** Filters of one name are alternatives, but labels; of different names all must hold, as docker's. */
function passes(row: ContainerRow, filters: readonly Filter[]): boolean {
  const names = new Set(filters.map(({ name }) => name))
  return [...names].every(name => {
    const named = filters.filter(filter => filter.name === name)
    return name === 'label' ? named.every(filter => holds(row, filter)) : named.some(filter => holds(row, filter))
  })
}

function holds(row: ContainerRow, { name, value }: Filter): boolean {
  const { state } = row
  const created = () => findContainer(value).state?.created ?? ''
  switch (name) {
    case 'id':
      return (state?.id ?? row.id).startsWith(value)
    case 'name':
      return matches(state?.name ?? '', value)
    case 'label':
      return hasLabel(state?.options?.labels, value)
    case 'status':
      return statusOf(row) === value
    case 'exited':
      return !row.running && state?.exitCode === Number(value)
    case 'ancestor':
      return imageOf(row) === value || state?.rootfs === value
    case 'health':
      return (healthOf(row) ?? 'none') === value
    case 'before':
      return (state?.created ?? '') < created()
    default:
      return (state?.created ?? '') > created()
  }
}

/** A part of the name, or a regular expression. */
function matches(name: string, pattern: string): boolean {
  try {
    return new RegExp(pattern.replace(/^\^?\//, '^')).test(name)
  } catch {
    throw new UsageError(`ps: --filter name=${pattern}: not a regular expression`)
  }
}
