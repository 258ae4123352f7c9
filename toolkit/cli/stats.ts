import { setTimeout as sleep } from 'node:timers/promises'
import { cpuPercent, readUsage, type Usage } from '../engine/life/usage.ts'
import { findContainer, listContainers } from '../engine/state/list.ts'
import type { ContainerState } from '../engine/state/store.ts'
import { isTerminal } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, mainOf } from './options.ts'
import { writeBytes } from './text/output.ts'
import { formatRows } from './text/rows.ts'

export const command: Command = {
  usage: 'stats [OPTIONS] [CONTAINER…]',
  summary: 'Show what containers use, once a second, until ^C; all that run where none is named.',
  flags: {
    all: { short: 'a', help: 'also those that do not run' },
    'no-stream': { help: 'only once' },
    'no-trunc': { help: 'whole ids' },
    format: {
      value: 'TEMPLATE',
      blank: true,
      help: "fields of each, as '{{.Name}} {{.CPUPerc}} {{.MemUsage}}', 'table {{.Name}}\\t{{.PIDs}}', or json",
    },
    json: { help: 'the same as --format json' },
  },
  mixed: true,
}

const TITLES = {
  Container: 'CONTAINER',
  ID: 'CONTAINER ID',
  Name: 'NAME',
  CPUPerc: 'CPU %',
  MemUsage: 'MEM USAGE / LIMIT',
  MemPerc: 'MEM %',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
} as const
const COLUMNS = ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'] as const
const TABLE = `table ${COLUMNS.map(name => `{{.${name}}}`).join('\t')}`

const BINARY = { base: 1024, units: ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], digits: 4 } as const
const DECIMAL = { base: 1000, units: ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], digits: 3 } as const

/** A number of bytes as docker writes it: 1.5MiB of memory, 1.45kB of all else. */
export function size(bytes: number, { base, units, digits }: typeof BINARY | typeof DECIMAL): string {
  let power = 0
  while (bytes >= base && power < units.length - 1) {
    bytes /= base
    power++
  }
  return `${Number(bytes.toPrecision(digits))}${units[power]}`
}

const percent = (number: number): string => `${number.toFixed(2)}%`

function fieldsOf(state: ContainerState, word: string, before: Usage, now: Usage, whole: boolean) {
  return {
    Container: word,
    ID: whole ? state.id : state.id.slice(0, 12),
    Name: state.name,
    CPUPerc: percent(cpuPercent(before, now)),
    MemUsage: `${size(now.memory, BINARY)} / ${size(now.limit, BINARY)}`,
    MemPerc: percent(now.limit > 0 ? (100 * now.memory) / now.limit : 0),
    NetIO: `${size(now.received, DECIMAL)} / ${size(now.sent, DECIMAL)}`,
    BlockIO: `${size(now.read, DECIMAL)} / ${size(now.written, DECIMAL)}`,
    PIDs: String(now.pids),
  }
}

const FIRST = 500 // milliseconds between the first two looks
const PERIOD = 1000

export const main = mainOf(command, async ({ flags, rest }) => {
  const source = flags.json ? 'json' : ((flags.format as string | undefined)?.replaceAll('\\t', '\t') ?? TABLE)
  const once = flags['no-stream'] === true
  const shown = (): { word: string; state: ContainerState }[] => {
    if (rest.length > 0) return rest.map(word => ({ word, state: found(word) }))
    return listContainers().flatMap(({ id, state, running }) =>
      state && (running || flags.all) ? [{ word: id, state }] : [],
    )
  }
  const found = (word: string) => {
    const row = findContainer(word)
    if (!row.state) throw new UsageError(`container ${word}: ${row.problem}`, 1)
    return row.state
  }
  const onScreen = !once && isTerminal(1) && /^table\s/.test(source)
  let before = new Map(shown().map(({ state }) => [state.id, readUsage(state)]))
  for (let wait = FIRST; ; wait = PERIOD) {
    await sleep(wait)
    const now = shown().map(({ word, state }) => ({ word, state, usage: readUsage(state) }))
    const rows = now.map(({ word, state, usage }) =>
      fieldsOf(state, word, before.get(state.id) ?? usage, usage, flags['no-trunc'] === true),
    )
    const lines = formatRows(source, rows, TITLES)
    // On a terminal over the last table: home, each line to its end, and then all that is below.
    const text = onScreen
      ? `\x1b[H${lines.map(line => `${line}\x1b[K\n`).join('')}\x1b[J`
      : lines.map(line => `${line}\n`).join('')
    if (!writeBytes(1, Buffer.from(text)) || once) return 0
    before = new Map(now.map(({ state, usage }) => [state.id, usage]))
  }
})
