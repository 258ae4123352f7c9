// The containers' directories on disk, and who may throw one away.
//
//   STATE/containers/live/ID/    from before anything is made until all of it is gone; ID is the first 12 characters
//   STATE/containers/ended/ID/   a container that is kept until `toolkit rm`: not started yet, or ended
//     lock                   held (flock) by the engine, or by the container's monitor, while the container lives; the
//                            kernel lets go when it dies
//     state.json             who and what, and every resource outside of this directory; a person can read it
//     upper/ work/           the overlay: changes, and the kernel's scratch
//     merged/                its mount point, where the new process makes it
//     hosts hostname resolv.conf   which the container sees in its /etc
//     log exit …             of one that was started detached, see monitor.ts
//     health.json …          of one with a health check, see health.ts
//   STATE/containers/names/NAME  a link to the ID; making it is what decides a race
//
// A resource is written down before it is made and struck out when it is gone. So a directory in live/ whose lock is free
// belongs to an engine that was killed, and whoever comes next can undo what it says.
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
} from 'node:fs'
import { basename } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { errnoMeaning } from '../../kernel/errno.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { isAlive, zombieStatus } from '../../observe/process.ts'
import { failpoint } from '../failpoint.ts'
import { refuse, requirement } from '../host.ts'
import { exitCodeOf, readExit } from '../life/exit-record.ts'
import type { Sleeper } from '../life/sleeper.ts'
import type { RunOptions } from '../options.ts'
import { entries, exchange, jsonText, lock, writeJson } from './files.ts'
import type { Resources } from './resources.ts'

export interface ContainerState {
  readonly version: typeof VERSION
  readonly id: string
  readonly name: string
  readonly rootfs: string
  readonly args: readonly string[]
  /** Nothing of it is kept when it has ended. */
  readonly autoRemove: boolean
  /** ISO 8601. */
  readonly created: string
  /** Its first process as the host counts, and field 22 of /proc/PID/stat: a pid alone may be somebody else's. */
  readonly pid?: number
  readonly startTime?: number
  /** ISO 8601: when its program was started last. */
  readonly started?: string
  /** It has a monitor, and goes on without the command that has started it. */
  readonly detached?: boolean
  /** What it is made of, each time that it is started; not kept of one that nobody can start again. */
  readonly options?: RunOptions
  /** Which start of the machine the pid and the resources belong to. */
  readonly bootId?: string
  /** What exists outside of its directory. */
  readonly resources?: Resources
  readonly finished?: string
  readonly exitCode?: number
  /** The kernel has killed a process of it for want of memory. */
  readonly oomKilled?: boolean
  /** How many; those that `toolkit events` has been told of. */
  readonly oomKills?: number
  /** Somebody has stopped it: then its restart policy waits for a start. */
  readonly stopped?: true
  /** How often its policy has started it again since. */
  readonly restarts?: number
  /** The milliseconds that its policy has waited the last time. */
  readonly pause?: number
  /** Its policy waits, or is about to start it; see restart.ts. */
  readonly restarting?: Restarting
  /** Why its policy could not start it. */
  readonly error?: string
}

export interface Restarting {
  /** Seconds since the start of the machine. */
  readonly at: number
  /** Who waits for that, see sleeper.ts; undefined: nobody yet, or nobody any more. */
  readonly sleeper?: Sleeper
}

export const VERSION = 3
/** The oldest that is understood: all that is new since may be missing. */
const OLDEST = 2

export const PLACES = ['live', 'ended'] as const
export type Place = (typeof PLACES)[number]

export const rootDir = (): string => `${stateDir()}/containers`
export const shorten = (id: string): string => id.slice(0, 12)
export const directoryOf = (place: Place, id: string): string => `${rootDir()}/${place}/${shorten(id)}`

/** Where the parts of a container's directory are, or will be, while it lives. */
export interface Paths {
  readonly directory: string
  readonly upper: string
  readonly work: string
  readonly merged: string
}

export function pathsOf(id: string): Paths {
  const directory = directoryOf('live', id)
  return { directory, upper: `${directory}/upper`, work: `${directory}/work`, merged: `${directory}/merged` }
}

/** Bytes from the kernel itself: loading node:crypto costs 7 ms. */
export function randomBytes(length: number): Buffer {
  const fd = openSync('/dev/urandom', 'r')
  const bytes = Buffer.alloc(length)
  readSync(fd, bytes)
  closeSync(fd)
  return bytes
}

/**
 * 32 random bytes in hexadecimal, like docker's. Its first 12 characters are the host name: never only digits, because
 * resolvers take such a name for an address, inet_aton(3).
 */
export function newId(random = randomBytes): string {
  const id = random(32).toString('hex')
  return [...shorten(id)].every(digit => digit <= '9') ? newId(random) : id
}

/** Whether this is a short id. */
export const isId = (name: string): boolean => /^[0-9a-f]{12}$/.test(name)

/** The ids of the containers in a place; what else lies there is not ours. */
export const idsIn = (place: Place): string[] => entries(`${rootDir()}/${place}`).filter(isId)

/** Whether a container is there just now; by its whole id or its short one. */
export const isIn = (place: Place, id: string): boolean => existsSync(directoryOf(place, id))

/** Where it is; `ended` also where it is nowhere. */
export const whereIs = (id: string): Place => (isIn('live', id) ? 'live' : 'ended')

/** Runs `action`; where the kernel refuses a file, a UsageError in the doctor's words. */
export function writing<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    const { errno, code } = error as NodeJS.ErrnoException
    if (errno === undefined) throw error
    if (code === 'EMFILE' || code === 'ENFILE') throw refuse('open-files', { detail: code })
    const detail = `${stateDir()}: ${errnoMeaning(Math.abs(errno))}`
    if (code === 'ENOSPC' || code === 'EDQUOT') throw refuse('disk-space', { detail })
    const mayNot = process.getuid!() !== 0 && (code === 'EACCES' || code === 'EPERM')
    throw refuse('state-dir', { detail, remedy: mayNot ? requirement('root').remedy : undefined })
  }
}

/** Runs `action`, which waits for nothing, while no other process makes, claims or renames directories. */
export function exclusively<T>(action: () => T): T {
  return writing(() => {
    const fd = lock(`${rootDir()}/lock`, { wait: true })!
    try {
      return action()
    } finally {
      closeSync(fd)
    }
  })
}

let boot: string | undefined

/** Which start of the machine this is, proc_sys_kernel(5). */
export const bootId = (): string => (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())

/** Throws where the file is torn, of another version, or of another container: its resources would not be ours to undo. */
export const readState = (directory: string): ContainerState =>
  withExit(parseState(readFileSync(`${directory}/state.json`, 'utf8'), directory), directory)

function parseState(text: string, directory: string): ContainerState {
  const state = JSON.parse(text) as Partial<ContainerState> | null
  const own = basename(directory)
  const isOurs = (id: unknown) => typeof id === 'string' && shorten(id) === own
  const { id, name, args, rootfs, resources = { cgroups: [] } } = state ?? {}
  const version: unknown = state?.version
  if (typeof version === 'number' && version > VERSION)
    throw new UsageError(
      `${directory}/state.json was written by a newer toolkit (version ${version}; this one knows ${VERSION}): use that one`,
    )
  const whole =
    (version === VERSION || version === OLDEST) &&
    isOurs(id) &&
    [name, rootfs].every(text => typeof text === 'string') &&
    Array.isArray(args) &&
    Array.isArray(resources?.cgroups) &&
    resources.cgroups.every(path => isOurs(basename(String(path))))
  if (!whole) throw new UsageError(`${directory}/state.json is not a state of version ${VERSION}`)
  return { ...(state as ContainerState), version: VERSION }
}

/**
 * Changes the state of a container whose lock is ours. Others may change it, too: give it another name, other limits, or
 * note that it has been stopped (`amend`). So it is written while nobody is kept waiting, and takes its place only where the
 * file is still what it was made of: `known`, what we have read or written last. One that has been damaged meanwhile is
 * written anew. Returns what has been written. Errors are those of node:fs.
 */
export function updateState(
  directory: string,
  known: ContainerState,
  change: (state: ContainerState) => ContainerState,
): ContainerState {
  const path = `${directory}/state.json`
  let seen = jsonText(known)
  for (let last = known; ; ) {
    const next = change(last)
    let now: string | undefined
    const replace = (temporary: string) =>
      exclusively(() => {
        const text = readFileSync(path, 'utf8')
        if (text === seen) return exchange(temporary, path)
        unlinkSync(temporary)
        now = text
      })
    writeJson(path, next, { durable: !next.autoRemove, suffix: 'next', replace })
    if (now === undefined) return next
    seen = now
    try {
      last = parseState(now, directory)
    } catch {}
  }
}

/** What its monitor has written of its end. One that is not its parent may not know how: its process may still tell. */
function withExit(state: ContainerState, directory: string): ContainerState {
  const exit = readExit(directory)
  if (!exit || exit.exitCode !== undefined || state.exitCode !== undefined) return { ...state, ...exit }
  const { pid, startTime } = state
  const status = pid === undefined || startTime === undefined ? undefined : zombieStatus(pid, startTime)
  return { ...state, ...exit, ...(status !== undefined && { exitCode: exitCodeOf(status) }) }
}

/**
 * Changes the state of a container that is there, whoever looks after it; `change` may wait for nothing, and returns
 * undefined where all shall stay as it is. Throws as readState.
 */
export function amend(id: string, change: (state: ContainerState, place: Place) => ContainerState | undefined): void {
  exclusively(() => {
    const place = whereIs(id)
    const directory = directoryOf(place, id)
    const state = change(readState(directory), place)
    if (state) writeJson(`${directory}/state.json`, state, { durable: !state.autoRemove })
  })
}

/** Whether its first process runs. */
export const survives = ({ pid, startTime, finished, ...state }: ContainerState): boolean =>
  finished === undefined && pid !== undefined && state.bootId === bootId() && isAlive(pid, startTime!)

/** What is kept of a container has its place; its lock is ours. */
export function retire(id: string): void {
  exclusively(() => renameSync(directoryOf('live', id), directoryOf('ended', id)))
  failpoint('retired')
}

/** The id behind a name; undefined where nobody has it. */
export function holderOf(name: string): string | undefined {
  try {
    return readlinkSync(`${rootDir()}/names/${name}`)
  } catch {
    return undefined // nor does a file that is no link name anybody
  }
}

/**
 * Removes a container and its name; its lock is ours. Its state goes first: from then on whoever finds the rest removes
 * it. Throws a UsageError where a file stays.
 */
export function forget(place: Place, id: string): void {
  const directory = directoryOf('live', id)
  exclusively(() => {
    if (place === 'ended') renameSync(directoryOf('ended', id), directory)
    rmSync(`${directory}/state.json`, { recursive: true, force: true })
    for (const name of entries(`${rootDir()}/names`))
      if (holderOf(name) === shorten(id)) unlinkSync(`${rootDir()}/names/${name}`)
  })
  failpoint('name given back')
  try {
    for (const name of entries(directory).filter(name => name !== 'lock'))
      rmSync(`${directory}/${name}`, { recursive: true, force: true })
    failpoint('files removed')
    rmSync(directory, { recursive: true, force: true })
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException
    if (errno === undefined) throw error
    const meaning = errnoMeaning(Math.abs(errno))
    throw new UsageError(`cannot remove all of ${directory}: ${meaning}; each next command tries again`, 1)
  }
}
