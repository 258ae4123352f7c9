import { closeSync } from 'node:fs'
import { holdProcess } from '../engine/life/lifecycle.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { processesIn } from '../observe/cgroups.ts'
import { readProcess } from '../observe/process.ts'
import { needContainer } from './each.ts'
import { type Command, mainOf } from './options.ts'
import { print } from './text/output.ts'
import { printableJson } from './text/printable.ts'
import { printTable } from './text/table.ts'
import { type Columns, chosen, columnNames, FULL, psOptions, USUAL } from './top-columns.ts'

export const command: Command = {
  usage: 'top [OPTIONS] CONTAINER [PS-OPTIONS]',
  summary: `List the processes of a container, with the pids that they have on the host. Behind its name options of ps(1) are
understood: -ef (what one sees without any), aux, -e, ax, -eo COLUMNS and their like.`,
  flags: {
    columns: { short: 'o', value: 'NAMES', many: true, help: `as of ps(1): ${columnNames}` },
    json: { help: 'as JSON' },
  },
  mixed: true,
}

/** The options of ps(1) behind the container's name are taken out: to us -ef would be two flags. */
function takeFormat(argv: readonly string[]): { rest: readonly string[]; format: Columns | undefined } {
  const rest: string[] = []
  let format: Columns | undefined
  let named = false
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!
    const options = named ? psOptions(word) : undefined
    if (options) {
      format = options.format
      if (options.columns) rest.push('-o')
    } else rest.push(word)
    if (word === '-o' || word === '--columns' || options?.columns) rest.push(...argv.slice(++at, at + 1))
    else if (!word.startsWith('-')) named = true
  }
  return { rest, format }
}

const list = (format: Columns | undefined) =>
  mainOf(command, ({ flags, rest }) => {
    const word = needContainer('top', rest)
    const usual = flags.json ? USUAL : FULL
    const columns = flags.columns === undefined ? (format ?? usual) : chosen(flags.columns as readonly string[])
    const { state } = findContainer(word)
    const pidfd = holdProcess(state)
    if (pidfd === undefined) throw new UsageError(`container ${word} is not running`, 1)
    closeSync(pidfd)
    recordOf(state!, 'top')
    const pids = new Set([state!.pid!, ...(state!.resources?.cgroups ?? []).slice(0, 1).flatMap(processesIn)])
    const rows = [...pids]
      .sort((a, b) => a - b)
      .map(readProcess)
      .filter(process => process !== undefined)
      .map(process => Object.entries(columns).map(([name, [, cell]]) => [name, cell(process)] as const))
    if (flags.json) print(printableJson(rows.map(row => Object.fromEntries(row))))
    else
      printTable(
        Object.values(columns).map(([head]) => head),
        rows.map(row => row.map(([, value]) => String(value))),
      )
    return 0
  })

export const main = async (argv: readonly string[]): Promise<number> => {
  const { rest, format } = takeFormat(argv)
  return list(format)(rest)
}
