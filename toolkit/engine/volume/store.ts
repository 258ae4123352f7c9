// Volumes: directories of the host that the engine keeps, for files that outlive their container.
//
//   STATE/volumes/.lock              held (flock) by whoever makes, removes or begins to use one
//   STATE/volumes/NAME/volume.json   when it was made, and its labels and options
//   STATE/volumes/NAME/_data/        what containers see, where its options do not say otherwise (driver-options.ts)
//   STATE/volumes/NAME/filling       is there while the files of an image are copied into it, see volume-fill.ts
//   STATE/volumes/NAME/lock          held meanwhile
//
// Who uses a volume is not written down here but with the container, in its mounts.json: so a container that is gone
// uses nothing, however it went.
import { closeSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { record } from '../state/events.ts'
import { entries, lock, makeTree, remove, writeJson } from '../state/files.ts'
import type { DriverOptions } from './driver-options.ts'
import { readUses } from './uses.ts'

/** volume.json. */
export interface VolumeState {
  readonly version: 1
  readonly name: string
  /** ISO 8601. */
  readonly created: string
  /** Made for a container that gave it no name: goes with it. */
  readonly anonymous: boolean
  readonly labels: Readonly<Record<string, string>>
  /** What is mounted in place of its directory. */
  readonly options?: DriverOptions
}

const VERSION = 1

const rootDir = (): string => resolve(stateDir(), 'volumes')
const directoryOf = (name: string): string => `${rootDir()}/${name}`

/** Where a volume's files are, or will be. */
export const dataOf = (name: string): string => `${directoryOf(name)}/_data`

/** What is mounted in place of its directory; nothing of a volume that is not there. Throws as `readVolume`. */
export const optionsOf = (name: string): DriverOptions => (hasVolume(name) ? (readVolume(name).options ?? {}) : {})

const FORM = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/

/** Throws a UsageError for what is no name. */
export function checkVolumeName(name: string): void {
  if (!FORM.test(name))
    throw new UsageError(
      `volume ${JSON.stringify(name.slice(0, 80))}: a name is 2 to 255 letters, digits, '_', '.' and '-', the first a letter or digit; a directory of the host begins with / or ./`,
    )
}

/** Runs `action`, which waits for nothing, while nobody else makes, removes or begins to use volumes. */
export function exclusively<T>(action: () => T): T {
  makeTree(rootDir())
  const fd = lock(`${rootDir()}/.lock`, { wait: true })!
  try {
    for (const name of entries(rootDir())) if (/^\.(new|gone)-/.test(name)) remove(directoryOf(name)) // of one that was killed
    return action()
  } finally {
    closeSync(fd)
  }
}

/** Whether there is one, whatever its state says. */
export const hasVolume = (name: string): boolean => FORM.test(name) && existsSync(dataOf(name))

/** Throws a UsageError (exit code 1) where its state is damaged, or written by a version that we do not know. */
export function readVolume(name: string): VolumeState {
  const path = `${directoryOf(name)}/volume.json`
  try {
    const state = JSON.parse(readFileSync(path, 'utf8')) as Partial<VolumeState> | null
    const { labels } = state ?? {}
    const whole = state?.name === name && typeof state.created === 'string' && typeof labels === 'object' && labels
    if (state?.version === VERSION && whole) return state as VolumeState
  } catch {}
  throw new UsageError(
    `volume ${name}: ${path} is not a state of version ${VERSION}; its files are in ${dataOf(name)}`,
    1,
  )
}

export interface NewVolume {
  readonly name: string
  readonly anonymous?: boolean
  readonly labels?: Readonly<Record<string, string>>
  /** Checked already, see driver-options.ts. */
  readonly options?: DriverOptions
}

/** Makes a volume; one that is there already stays as it is. To be called `exclusively`. */
export function makeVolume({ name, anonymous = false, labels = {}, options = {} }: NewVolume): void {
  checkVolumeName(name)
  if (hasVolume(name)) return
  const fresh = directoryOf(`.new-${name}`.slice(0, 255))
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, 0o700) // its set-user-ID programs are not for users of the host
  mkdirSync(`${fresh}/_data`, 0o755)
  const state: VolumeState = {
    ...{ version: VERSION, name, created: new Date().toISOString(), anonymous, labels },
    ...(Object.keys(options).length > 0 && { options }),
  }
  writeJson(`${fresh}/volume.json`, state, { durable: true })
  renameSync(fresh, directoryOf(name)) // all of it at once
  record('volume', 'create', name, { driver: 'local' })
}

/** A volume as `ls` shows it. */
export interface VolumeRow {
  readonly name: string
  /** Undefined where it cannot be read. */
  readonly state: VolumeState | undefined
  /** The containers that use it, running or kept; the first 12 characters of their ids. */
  readonly users: readonly string[]
}

/** All volumes, by name. */
export function listVolumes(): VolumeRow[] {
  const uses = readUses()
  return entries(rootDir())
    .filter(hasVolume)
    .toSorted()
    .map(name => ({ name, state: stateOf(name), users: usersOf(name, uses) }))
}

function stateOf(name: string): VolumeState | undefined {
  try {
    return readVolume(name)
  } catch {
    return undefined
  }
}

const usersOf = (name: string, uses: ReturnType<typeof readUses>): string[] =>
  uses.filter(({ volumes }) => volumes.includes(name)).map(({ id }) => id)

/** Throws a UsageError (exit code 1) where there is none of this name. */
export function findVolume(name: string): VolumeRow {
  const found = listVolumes().find(row => row.name === name)
  if (!found) throw new UsageError(`no volume ${JSON.stringify(name)}; 'toolkit volume ls' lists them`, 1)
  return found
}

/**
 * Removes volumes that nobody uses, of those that `wanted` says yes to. Returns their names. `except`: a container that
 * is about to be gone; `onGone` is told where the files are before they go.
 */
export function removeUnused(
  wanted: (row: VolumeRow) => boolean,
  { except, onGone }: { except?: string; onGone?: (directory: string) => void } = {},
): string[] {
  if (!existsSync(rootDir())) return []
  const gone = exclusively(() =>
    listVolumes()
      .filter(({ users }) => users.every(id => id === except?.slice(0, 12)))
      .filter(wanted)
      .map(({ name }) => ({ name, directory: condemn(name) })),
  )
  for (const { directory } of gone) {
    onGone?.(directory)
    discard(directory)
  }
  return gone.map(({ name }) => name)
}

/** Removes one. Throws a UsageError (exit code 1) where there is none, or somebody uses it. */
export function removeVolume(name: string): void {
  const directory = exclusively(() => {
    const { users } = findVolume(name)
    if (users.length > 0)
      throw new UsageError(
        `volume ${name} is in use by ${users.join(', ')}; 'toolkit rm' takes a container away that has ended`,
        1,
      )
    return condemn(name)
  })
  discard(directory)
}

/** From now on it is no volume; whoever comes next removes the rest, should we not come to it. */
function condemn(name: string): string {
  const directory = directoryOf(`.gone-${name}`.slice(0, 255))
  renameSync(directoryOf(name), directory)
  record('volume', 'destroy', name, { driver: 'local' })
  return directory
}

/** Others may be at it, too, see `exclusively`. */
function discard(directory: string): void {
  if (!remove(directory) && existsSync(directory))
    throw new UsageError(`cannot remove all of ${directory}; each next command for volumes tries again`, 1)
}
