// ps --format and --size: fields of which a plain `ps` shows none, and which cost more to find out.
import { type ContainerRow, placeOf } from '../engine/state/list.ts'
import { sizeOf } from '../observe/disk-usage.ts'
import { labelField } from './flags/labels.ts'
import { mounts } from './inspect-mounts.ts'
import { networkSettings, once, readNetworks } from './inspect-networks.ts'
import { formatRows, type Row } from './text/rows.ts'
import { humanSize } from './text/sizes.ts'

const TITLES = { Mounts: 'MOUNTS', Networks: 'NETWORKS', LocalVolumes: 'LOCAL VOLUMES', Size: 'SIZE' }
const SHOWN = 15 // of what is mounted, as docker

/** The names of what is mounted and lasts: a volume's, a directory's path. */
const mountNames = (row: ContainerRow, long: boolean): string[] =>
  mounts(row)
    .map(({ Name, Source }) => Name || Source)
    .filter(name => name !== '')
    .map(name => (long || name.length <= SHOWN ? name : `${name.slice(0, SHOWN - 1)}…`))

/** How much a container has written, and that with the root file system below. */
function sizeText(row: ContainerRow, rootfsSize: (path: string) => number): string {
  const own = sizeOf(`${placeOf(row)}/upper`)
  const all = own + (row.state ? rootfsSize(row.state.rootfs) : 0)
  return `${humanSize(own, 3)}${all > 0 ? ` (virtual ${humanSize(all, 3)})` : ''}`
}

/** Walks through the root file system of many containers once. */
function remembered(action: (path: string) => number): (path: string) => number {
  const known = new Map<string, number>()
  return path => {
    const found = known.get(path) ?? action(path)
    known.set(path, found)
    return found
  }
}

export interface Format {
  /** A template, perhaps with `table ` before it; `table` alone: `columns`. */
  readonly format: string
  readonly columns: string
  readonly titles: Readonly<Record<string, string>>
  /** Sizes are shown where nobody asks for one by its name, too. */
  readonly size: boolean
  /** Nothing is cut off. */
  readonly long: boolean
}

/** Lines of containers. Throws a UsageError (exit code 1) for what is no template. */
export function formatContainers(
  containers: readonly { readonly row: ContainerRow; readonly fields: Row }[],
  { format, columns, titles, size, long }: Format,
): string[] {
  const rootfsSize = remembered(path => sizeOf(path))
  const known = once(readNetworks)
  const rows = containers.map(({ row, fields }) => {
    const all = {
      ...fields,
      get Mounts() {
        return mountNames(row, long).join(',')
      },
      get Networks() {
        return Object.keys(networkSettings(row, known()).Networks).join(',')
      },
      get LocalVolumes() {
        return String(mounts(row).filter(({ Type }) => Type === 'volume').length)
      },
      Label: labelField(row.state?.options?.labels),
    }
    // Not counted for JSON that nobody wanted sizes in.
    return Object.defineProperty(all, 'Size', { enumerable: size, get: () => sizeText(row, rootfsSize) })
  })
  const source = /^table\s*$/.test(format) ? `table ${columns}${size ? '\t{{.Size}}' : ''}` : format
  return formatRows(source, rows, { ...titles, ...TITLES })
}
