// `toolkit system prune`: every kind of what is not needed any more, in one go.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { labsDir } from '../engine/lab/record.ts'
import { entries, isFree, remove } from '../engine/state/files.ts'
import { listContainers } from '../engine/state/list.ts'
import { stateDir } from '../image/paths.ts'
import { rootfsDir } from '../image/rootfs.ts'
import { sizeOf } from '../observe/disk-usage.ts'
import { confirm } from './confirm.ts'
import type { Parsed } from './options.ts'
import {
  printDeleted,
  printReclaimed,
  pruneContainers,
  pruneFilters,
  pruneFlags,
  pruneNetworks,
  pruneVolumes,
} from './prune.ts'
import { type Filters, filterOf, type Subcommand } from './subcommands.ts'

export const command: Subcommand = {
  usage: 'system prune [OPTIONS]',
  summary: 'Remove what is not used: containers that do not run, and networks that nobody is in.',
  words: [0, 0],
  flags: {
    all: { short: 'a', help: 'root file systems of the engine, too, that no container is made of, and its caches' },
    volumes: { help: 'volumes without a name, too, that no container uses' },
    ...pruneFlags,
  },
  run,
}

async function run(_: readonly string[], { all, volumes, force, filter }: Parsed['flags']): Promise<number> {
  const wanted = filterOf(filter, pruneFilters as Filters<{ created: string; labels: Record<string, string> }>)
  if (!force)
    confirm(
      [
        'This will remove:',
        '  - all stopped containers',
        '  - all networks not used by at least one container',
        ...(volumes ? ['  - all volumes without a name not used by at least one container'] : []),
        ...(all ? ['  - all root file systems of the engine without a container, and caches'] : []),
        '',
      ].join('\n'),
      'system prune',
    )
  const containers = await pruneContainers(wanted)
  printDeleted('Containers', containers.ids)
  printDeleted('Networks', pruneNetworks(wanted))
  const gone = volumes ? pruneVolumes(wanted, { all: false }) : { names: [], bytes: 0 }
  printDeleted('Volumes', gone.names)
  const files = all && filter === undefined ? removeFiles() : { names: [], bytes: 0 }
  printDeleted('Files', files.names)
  printReclaimed(containers.bytes + gone.bytes + files.bytes)
  return 0
}

/** Whether a lab lives: its shell has the files of a root file system below it. */
const labLives = (): boolean => entries(labsDir()).some(name => !isFree(`${labsDir()}/${name}`))

/** What can be made again: root file systems of which no container is made, and filters that were compiled. */
function removeFiles(): { names: string[]; bytes: number } {
  const used = new Set(listContainers().map(({ state }) => state?.rootfs))
  const unused = labLives() ? [] : entries(rootfsDir()).filter(name => !used.has(`${rootfsDir()}/${name}`))
  const paths = [...unused.map(name => `${rootfsDir()}/${name}`), `${stateDir()}/cache`].filter(path =>
    existsSync(path),
  )
  let bytes = 0
  const names = paths.filter(path => {
    const size = sizeOf(path)
    const gone = `${path}.gone` // at once: whoever looks finds all of it, or nothing
    rmSync(gone, { recursive: true, force: true })
    renameSync(path, gone)
    bytes += size
    return remove(gone)
  })
  return { names, bytes }
}
