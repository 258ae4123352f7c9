// What is not needed any more, away with it: containers that have ended, networks and volumes that nobody uses. Each kind
// has its own command, and `system prune` does them in this order: a container that is gone uses nothing.

import { listNetworks, removeNetwork } from '../engine/network/networks.ts'
import { type EventType, record } from '../engine/state/events.ts'
import { type ContainerRow, findContainer, listContainers, placeOf } from '../engine/state/list.ts'
import { removeContainer, sweep } from '../engine/state/orphans.ts'
import { removeUnused, type VolumeRow } from '../engine/volume/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { sizeOf } from '../observe/disk-usage.ts'
import { confirm } from './confirm.ts'
import { hasLabel, type Labels } from './flags/labels.ts'
import type { Flag, Parsed } from './options.ts'
import { type Filters, filterFlag, filterOf, type Subcommand } from './subcommands.ts'
import { print } from './text/output.ts'
import { humanSize } from './text/sizes.ts'
import { parseTime } from './text/times.ts'

type Flags = Parsed['flags']

/** Of every command that removes what is not needed. */
export const pruneFlags = {
  force: { short: 'f', help: 'do not ask' },
  filter: filterFlag('until= (made before that), label=, label!='),
} satisfies Record<string, Flag>

export const command: Subcommand = {
  usage: 'container prune [OPTIONS]',
  summary: 'Remove all containers that do not run.',
  words: [0, 0],
  flags: pruneFlags,
  run: pruneCommand,
}

/** What all kinds are filtered by. */
export interface Prunable {
  readonly created: string
  readonly labels: Labels
}

export const pruneFilters: Filters<Prunable> = {
  until: ({ created }, value) => BigInt(Date.parse(created)) * 1_000_000n < parseTime('--filter until', value),
  label: ({ labels }, value) => hasLabel(labels, value),
  'label!': ({ labels }, value) => !hasLabel(labels, value),
}

type Wanted = (about: Prunable) => boolean

export const labelsOfContainer = ({ state }: ContainerRow): Labels => state?.options?.labels ?? {}

/** Removes containers that do not run and whose state can be read. Returns their ids, and how many bytes they had. */
export async function pruneContainers(wanted: Wanted): Promise<{ ids: string[]; bytes: number }> {
  const stuck = await sweep()
  const ids: string[] = []
  let bytes = 0
  for (const row of listContainers()) {
    if (
      row.running ||
      row.restarting ||
      !row.state ||
      !wanted({ created: row.state.created, labels: labelsOfContainer(row) })
    )
      continue
    try {
      if (findContainer(row.state.id).running) continue // started meanwhile
      const size = sizeOf(`${placeOf(row)}/upper`) + sizeOf(`${placeOf(row)}/log`) + sizeOf(`${placeOf(row)}/log.1`)
      removeContainer(row.id, stuck)
      ids.push(row.state.id)
      bytes += size
    } catch (error) {
      if (!(error instanceof UsageError)) throw error // somebody was quicker
    }
  }
  tellPruned('container', bytes)
  return { ids, bytes }
}

const tellPruned = (type: EventType, bytes: number): void => record(type, 'prune', '', { reclaimed: String(bytes) })

/** Removes networks that nobody is in. Returns their names. */
export function pruneNetworks(wanted: Wanted): string[] {
  const gone = listNetworks().flatMap(({ name, state, leases }) => {
    if (!state || leases.length > 0 || !wanted(state)) return []
    try {
      return [removeNetwork(name)]
    } catch (error) {
      if (error instanceof UsageError) return [] // somebody has come, or was quicker
      throw error
    }
  })
  tellPruned('network', 0)
  return gone
}

/** Removes volumes that no container uses; those with a name only with `all`. */
export function pruneVolumes(wanted: Wanted, { all }: { all: boolean }): { names: string[]; bytes: number } {
  let bytes = 0
  const names = removeUnused(
    ({ state }: VolumeRow) => state !== undefined && wanted(state) && (all || state.anonymous),
    {
      onGone: directory => {
        bytes += sizeOf(`${directory}/_data`)
      },
    },
  )
  tellPruned('volume', bytes)
  return { names, bytes }
}

/** docker's list of what is gone; nothing where nothing is. */
export function printDeleted(what: string, names: readonly string[]): void {
  if (names.length > 0) print(`Deleted ${what}:\n${names.join('\n')}\n`)
}

export const printReclaimed = (bytes: number): void => print(`Total reclaimed space: ${humanSize(bytes)}`)

async function pruneCommand(_: readonly string[], { force, filter }: Flags): Promise<number> {
  const wanted = filterOf(filter, pruneFilters)
  if (!force) confirm('This will remove all stopped containers.', 'container prune')
  const { ids, bytes } = await pruneContainers(wanted)
  printDeleted('Containers', ids)
  printReclaimed(bytes)
  return 0
}
