// What is mounted in which container: STATE/containers/…/ID/mounts.json, written before any of it is there, and gone
// with the container's directory. That is how one knows who uses a volume, and what --volumes-from means.
import { existsSync, readFileSync } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import { writeJson } from '../state/files.ts'
import { type ContainerRow, placeOf } from '../state/list.ts'
import { directoryOf, exclusively, idsIn, PLACES, pathsOf, readState, rootDir } from '../state/store.ts'

interface MountsFile {
  readonly version: 1
  /** As they were asked for; of a volume the `source` is its name. */
  readonly mounts: readonly Mount[]
}

const VERSION = 1

export function writeMounts(id: string, mounts: readonly Mount[], { durable }: { durable: boolean }): void {
  writeJson(`${pathsOf(id).directory}/mounts.json`, { version: VERSION, mounts } satisfies MountsFile, { durable })
}

const isMount = (found: Partial<Mount> | null): boolean =>
  [found?.destination, found?.type, found?.source].every(text => typeof text === 'string') &&
  Array.isArray(found?.options) &&
  found.options.every(word => typeof word === 'string')

/** None where there is no such file. Throws a UsageError (exit code 1) where it is not one of ours. */
function readMounts(directory: string): readonly Mount[] {
  const path = `${directory}/mounts.json`
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  try {
    const found = JSON.parse(text) as Partial<MountsFile> | null
    if (found?.version === VERSION && Array.isArray(found.mounts) && found.mounts.every(isMount)) return found.mounts
  } catch {}
  throw new UsageError(`${path} is not a list of mounts of version ${VERSION}`, 1)
}

/** What a container has mounted, or had; of a volume the `source` is its name. Throws as the file deserves. */
export const mountsOf = (row: ContainerRow): readonly Mount[] => readMounts(placeOf(row))

/**
 * The name of a volume without one: as long as an id, and the same whenever the same container is described. It begins as
 * the container's id does, which random bytes keep from being anybody else's.
 */
export const nameFor = (id: string, place: number): string => `${id.slice(0, 60)}${place.toString(16).padStart(4, '0')}`

/** Where the list is damaged, what the container was asked to mount: nobody's files are to go for that. */
function askedFor(directory: string): string[] {
  try {
    const { id, options } = readState(directory)
    const { mounts = [] } = options?.mounts ?? {}
    return mounts.flatMap(({ type, source }, i) => (type === 'volume' ? [source || nameFor(id, i)] : []))
  } catch {
    return []
  }
}

/** Which container uses which volumes. One of which all is damaged seems to use none. */
export function readUses(): { id: string; volumes: string[] }[] {
  if (!existsSync(rootDir())) return []
  const look = (directory: string) => {
    try {
      return readMounts(directory).flatMap(({ type, source }) => (type === 'volume' ? [source] : []))
    } catch {
      return askedFor(directory)
    }
  }
  // Under the lock, for none to be in neither place while it is moved from one to the other.
  return exclusively(() =>
    PLACES.flatMap(place => idsIn(place).map(id => ({ id, volumes: look(directoryOf(place, id)) }))),
  )
}
