// toolkit volume: directories that the engine keeps for containers. docker's words, output and exit codes.

import { pairsOf } from '../engine/pairs.ts'
import { sweep } from '../engine/state/orphans.ts'
import { newId } from '../engine/state/store.ts'
import { sorted, whyNot } from '../engine/volume/driver-options.ts'
import {
  checkVolumeName,
  dataOf,
  exclusively,
  findVolume,
  hasVolume,
  listVolumes,
  makeVolume,
  readVolume,
  removeVolume,
  type VolumeRow,
} from '../engine/volume/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { confirm } from './confirm.ts'
import { forEach } from './each.ts'
import { hasLabel, labelField, labelFlag, labelsOf, labelText } from './flags/labels.ts'
import type { Parsed } from './options.ts'
import { printDeleted, printReclaimed, pruneFilters, pruneFlags, pruneVolumes } from './prune.ts'
import { type Family, type Filters, filterFlag, filterOf, namePattern, runFamily, truth } from './subcommands.ts'
import { print, printLines } from './text/output.ts'
import { printableJson } from './text/printable.ts'
import { formatRows, type Row } from './text/rows.ts'
import { NO_TEMPLATE } from './text/template/template.ts'

type Flags = Parsed['flags']

export const family: Family = {
  name: 'volume',
  summary: 'Volumes: files that outlive their container, and can be seen by several.',
  commands: {
    create: {
      usage: 'volume create [OPTIONS] [NAME]',
      summary: 'Make a volume, and print its name.',
      words: [0, 1],
      flags: {
        label: labelFlag,
        driver: { short: 'd', value: 'DRIVER', help: 'only `local` is known' },
        opt: {
          short: 'o',
          value: 'KEY=VALUE',
          many: true,
          help: 'what is mounted for it: type=tmpfs device=tmpfs o=size=64m (memory, of each container its own), or type=none device=/DIRECTORY o=bind[,ro]',
        },
      },
      run: create,
    },
    ls: {
      usage: 'volume ls [OPTIONS]',
      summary: 'List volumes.',
      words: [0, 0],
      flags: {
        quiet: { short: 'q', help: 'names only' },
        filter: { ...filterFlag('dangling=true (in use by none), name=, label=, driver='), short: 'f' },
        format: { value: 'TEMPLATE', blank: true, help: '`json`, or such as {{.Name}} {{.Mountpoint}}' },
        json: { help: 'as JSON' },
      },
      run: list,
    },
    inspect: {
      usage: 'volume inspect [OPTIONS] VOLUME…',
      summary: 'Show all about volumes, as JSON.',
      words: [1, Number.POSITIVE_INFINITY],
      flags: {
        json: { help: 'as JSON, which it is without this, too' },
        format: { short: 'f', value: 'TEMPLATE', blank: true, help: 'such as {{.Mountpoint}}' },
      },
      run: inspect,
    },
    rm: {
      usage: 'volume rm [OPTIONS] VOLUME…',
      summary: 'Remove volumes that no container uses.',
      words: [1, Number.POSITIVE_INFINITY],
      flags: { force: { short: 'f', help: 'that there is no such volume is as good' } },
      run: remove,
    },
    prune: {
      usage: 'volume prune [OPTIONS]',
      summary: 'Remove all volumes without a name that no container uses.',
      words: [0, 0],
      flags: {
        all: { short: 'a', help: 'those with a name, too' },
        ...pruneFlags,
      },
      run: prune,
    },
  },
  aliases: { list: 'ls', remove: 'rm' },
}

export const main = (argv: string[]): Promise<number> => runFamily(family, argv)

function create([given]: readonly string[], { label, driver = 'local', opt = [] }: Flags): number {
  if (driver !== 'local') throw new UsageError(`volume create: --driver ${driver}: there is only local`, 1)
  const labels = labelsOf(label)
  const options = pairsOf(opt as readonly string[])
  const why = whyNot(options)
  if (why) throw new UsageError(`volume create: --opt: ${why}`, 1)
  const name = given ?? newId()
  checkVolumeName(name)
  exclusively(() => {
    if (hasVolume(name)) readVolume(name) // it may be of another version
    makeVolume({ name, labels, options, anonymous: given === undefined })
  })
  print(name)
  return 0
}

const filters: Filters<VolumeRow> = {
  dangling: ({ users }, value) => (users.length === 0) === truth('--filter dangling', value),
  name: ({ name }, value) => namePattern('volume ls', value).test(name),
  label: ({ state }, value) => hasLabel(state?.labels, value),
  driver: (_, value) => value === 'local',
}

const rowOf = ({ name, state, users }: VolumeRow): Row => ({
  Driver: 'local',
  Labels: labelText(state?.labels ?? {}),
  Label: labelField(state?.labels),
  Links: users.length,
  Mountpoint: dataOf(name),
  Name: name,
  Scope: 'local',
})

function list(_: readonly string[], { json, quiet, filter, format: wanted }: Flags): number {
  const template = (wanted as string | undefined) ?? (quiet ? '{{.Name}}' : 'table {{.Driver}}\t{{.Name}}')
  const rows = listVolumes().filter(filterOf(filter, filters)).map(rowOf)
  if (json) print(printableJson(rows))
  else printLines(formatRows(template, rows, { Name: 'VOLUME NAME' }))
  return 0
}

/** A volume in docker's words. Throws a UsageError where it cannot be read. */
export function details(word: string): Row {
  const { name } = findVolume(word)
  const { created, labels, options = {} } = readVolume(name)
  return {
    CreatedAt: created.replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: labels,
    Mountpoint: dataOf(name),
    Name: name,
    Options: Object.fromEntries(sorted(options)),
    Scope: 'local',
  }
}

async function inspect(words: readonly string[], { format: template }: Flags): Promise<number> {
  const found: Row[] = []
  const status = await forEach(words, word => found.push(details(word)), { say: () => undefined })
  if (template === undefined) print(printableJson(found, 4))
  else printLines(formatRows(template as string, found, {}, NO_TEMPLATE))
  return status
}

async function remove(words: readonly string[], { force }: Flags): Promise<number> {
  await sweep() // containers whose engine was killed hold nothing any more
  return forEach(words, name => {
    if (!force || hasVolume(name)) removeVolume(name)
  })
}

async function prune(_: readonly string[], { all, force, filter }: Flags): Promise<number> {
  const wanted = filterOf(filter, pruneFilters)
  const what = all ? 'all volumes' : 'all volumes without a name'
  if (!force) confirm(`This will remove ${what} that no container uses.`, 'volume prune')
  await sweep()
  const { names, bytes } = pruneVolumes(wanted, { all: all === true })
  printDeleted('Volumes', names)
  printReclaimed(bytes)
  return 0
}
