// `toolkit system df`: what takes up space, and how much of it nobody uses. docker's columns.
import { entries } from '../engine/state/files.ts'
import { listContainers, placeOf } from '../engine/state/list.ts'
import { dataOf, listVolumes } from '../engine/volume/store.ts'
import { mountsOf } from '../engine/volume/uses.ts'
import { stateDir } from '../image/paths.ts'
import { rootfsDir } from '../image/rootfs.ts'
import { sizeOf } from '../observe/disk-usage.ts'
import type { Parsed } from './options.ts'
import type { Subcommand } from './subcommands.ts'
import { commandText, createdText, imageOf, statusText } from './text/describe.ts'
import { print, printLines } from './text/output.ts'
import { printableJson } from './text/printable.ts'
import { formatRows } from './text/rows.ts'
import { humanSize } from './text/sizes.ts'
import { printTable } from './text/table.ts'

export const command: Subcommand = {
  usage: 'system df [OPTIONS]',
  summary: 'Show how much space is used, and for what.',
  words: [0, 0],
  flags: {
    verbose: { short: 'v', help: 'each container, volume and root file system' },
    format: { value: 'TEMPLATE', blank: true, help: '`json`, or such as {{.Type}} {{.Size}} {{.Reclaimable}}' },
    json: { help: 'all of it, as JSON; sizes in bytes' },
  },
  run,
}

interface Item {
  readonly size: number
  /** Somebody uses it. */
  readonly active: boolean
}

interface Kind {
  readonly Type: string
  readonly items: readonly Item[]
}

function summary({ Type, items }: Kind) {
  const sum = (list: readonly Item[]) => list.reduce((sum, { size }) => sum + size, 0)
  const all = sum(items)
  const free = sum(items.filter(({ active }) => !active))
  return {
    ...{ Type, TotalCount: items.length, Active: items.filter(({ active }) => active).length },
    ...{ Size: humanSize(all), SizeBytes: all, ReclaimableBytes: free },
    Reclaimable: `${humanSize(free)}${all > 0 ? ` (${Math.round((100 * free) / all)}%)` : ''}`,
  }
}

function look() {
  const rows = listContainers()
  const used = new Map<string, number>()
  for (const { state } of rows) if (state) used.set(state.rootfs, (used.get(state.rootfs) ?? 0) + 1)
  const images = entries(rootfsDir()).map(name => {
    const containers = used.get(`${rootfsDir()}/${name}`) ?? 0
    return { name, containers, size: sizeOf(`${rootfsDir()}/${name}`), active: containers > 0 }
  })
  const containers = rows.map(row => ({ row, size: sizeOf(`${placeOf(row)}/upper`), active: row.running }))
  const volumes = listVolumes().map(({ name, users }) => ({
    ...{ name, links: users.length, size: sizeOf(dataOf(name)), active: users.length > 0 },
  }))
  const logs = rows.map(row => ({
    ...{ size: ['log', 'log.1', 'log.index'].reduce((sum, name) => sum + sizeOf(`${placeOf(row)}/${name}`), 0) },
    active: row.running,
  }))
  const caches = entries(`${stateDir()}/cache`).map(name => ({
    size: sizeOf(`${stateDir()}/cache/${name}`),
    active: false,
  }))
  return { images, containers, volumes, logs, caches }
}

type Found = ReturnType<typeof look>

/** How many volumes it has; none where that cannot be read. */
function volumeCount(row: Found['containers'][number]['row']): number {
  try {
    return mountsOf(row).filter(({ type }) => type === 'volume').length
  } catch {
    return 0
  }
}

function printAll({ images, containers, volumes, caches }: Found): void {
  print('Images space usage:\n')
  printTable(
    ['ROOT FILE SYSTEM', 'SIZE', 'CONTAINERS'],
    images.map(({ name, size, containers }) => [name, humanSize(size), String(containers)]),
  )
  print('\nContainers space usage:\n')
  printTable(
    ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'SIZE', 'CREATED', 'STATUS', 'NAMES'],
    containers.map(({ row, size }) => [
      ...[row.id, imageOf(row), commandText(row)],
      ...[String(volumeCount(row)), humanSize(size), createdText(row), statusText(row), row.state?.name ?? '?'],
    ]),
  )
  print('\nLocal Volumes space usage:\n')
  printTable(
    ['VOLUME NAME', 'LINKS', 'SIZE'],
    volumes.map(({ name, links, size }) => [name, String(links), humanSize(size)]),
  )
  print(`\nCache usage: ${humanSize(caches.reduce((sum, { size }) => sum + size, 0))}`)
}

function run(_: readonly string[], { verbose, format, json }: Parsed['flags']): number {
  const found = look()
  const kinds = [
    { Type: 'Images', items: found.images },
    { Type: 'Containers', items: found.containers },
    { Type: 'Local Volumes', items: found.volumes },
    { Type: 'Logs', items: found.logs },
    { Type: 'Caches', items: found.caches },
  ].map(summary)
  if (json) {
    const containers = found.containers.map(({ row, size, active }) => ({ Id: row.state?.id ?? row.id, size, active }))
    print(printableJson({ Kinds: kinds, Images: found.images, Containers: containers, Volumes: found.volumes }, 2))
  } else if (verbose) printAll(found)
  else {
    const usual = 'table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}'
    printLines(formatRows((format as string | undefined) ?? usual, kinds, { TotalCount: 'TOTAL' }))
  }
  return 0
}
