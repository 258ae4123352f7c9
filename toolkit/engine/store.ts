// The containers' directories on disk, and who may throw one away.
//
//   STATE/containers/kept/ID/        until `toolkit rm`; ID is the first 12 characters
//   STATE/containers/ephemeral/ID/   of `run --rm`: gone with its container, at the latest at the next command
//     lock                   held (flock) by the engine while the container lives; the kernel lets go when we die
//     state.json             who and what; a person can read it
//     upper/ work/ merged/   the overlay: changes, the kernel's scratch, and the mount point
//
// Nothing is mounted on the host, so a directory whose lock is free can simply be removed.
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { resolve } from 'node:path'
import { stateDir } from '../image/paths.ts'
import { attempt, invoke } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { errnoMeaning } from '../kernel/errno.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { isAlive } from '../observe/process.ts'
import { entries, lock, makeTree, remove, writeJson } from './files.ts'

export interface ContainerState {
  readonly version: 1
  readonly id: string
  readonly rootfs: string
  readonly args: readonly string[]
  /** ISO 8601. */
  readonly created: string
  /** Its first process as the host counts, and field 22 of /proc/PID/stat: a pid alone may be somebody else's. */
  readonly pid?: number
  readonly startTime?: number
  /** Which start of the machine the pid belongs to. */
  readonly bootId?: string
  readonly finished?: string
  readonly exitCode?: number
}

const kinds = ['kept', 'ephemeral'] as const

const rootDir = (): string => `${stateDir()}/containers`

/** 32 random bytes in hexadecimal, like docker's. From the kernel itself: loading node:crypto costs 7 ms. */
export function newId(): string {
  const fd = openSync('/dev/urandom', 'r')
  const bytes = Buffer.alloc(32)
  readSync(fd, bytes)
  closeSync(fd)
  return bytes.toString('hex')
}

/** Runs `action` while no other process makes or sweeps directories. */
function exclusively<T>(action: () => T): T {
  const fd = lock(`${rootDir()}/lock`, { wait: true })!
  try {
    return action()
  } finally {
    closeSync(fd)
  }
}

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

const readState = (directory: string): ContainerState =>
  JSON.parse(readFileSync(`${directory}/state.json`, 'utf8')) as ContainerState

const survives = ({ pid, startTime, finished, ...state }: ContainerState): boolean =>
  finished === undefined && pid !== undefined && state.bootId === bootId() && isAlive(pid, startTime!)

/**
 * Ends a container whose engine is gone. The kernel has usually done that already, at the engine's death; but it forgets
 * to for a process that has changed its user id since, see PR_SET_PDEATHSIG in prctl(2).
 */
function endSurvivor(directory: string): void {
  try {
    const state = readState(directory)
    if (!survives(state)) return
    const pidfd = invoke('pidfd_open', [state.pid!, 0])
    if (survives(state)) attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0]) // the pidfd means this one
    closeSync(pidfd)
  } catch {
    // no state: it was never started; no process: it has just ended
  }
}

/** Removes what engines that were killed left: containers of `run --rm`, and those that were only half made. */
function sweep(): void {
  const root = `${rootDir()}/ephemeral`
  for (const id of entries(root)) {
    if (!existsSync(`${root}/${id}/lock`)) {
      remove(`${root}/${id}`) // made in this very order under the same lock, so it is nobody's
      continue
    }
    const fd = lock(`${root}/${id}/lock`, { wait: false })
    if (fd === undefined) continue
    endSurvivor(`${root}/${id}`)
    remove(`${root}/${id}`)
    closeSync(fd)
  }
}

/** Where the directories of a container are, or will be. */
export interface Paths {
  readonly directory: string
  readonly upper: string
  readonly work: string
  readonly merged: string
}

export function pathsOf(id: string, autoRemove: boolean): Paths {
  const directory = `${rootDir()}/${autoRemove ? 'ephemeral' : 'kept'}/${id.slice(0, 12)}`
  return { directory, upper: `${directory}/upper`, work: `${directory}/work`, merged: `${directory}/merged` }
}

export interface ContainerDirectory {
  started(pid: number, startTime: number | undefined): void
  /** The container is gone: its state is kept, or with `--rm` all of it removed. */
  ended(exitCode: number): void
  /** It never came to be. */
  discard(): void
}

/**
 * Makes the directories of a container, and holds its lock. They are made under ephemeral/, where a sweep finds them if
 * we are killed half-way, and only when all is written moved to where they belong. Throws a UsageError where the state
 * cannot be written.
 */
export function createDirectory(
  id: string,
  rootfs: string,
  args: readonly string[],
  autoRemove: boolean,
): ContainerDirectory {
  const { directory } = pathsOf(id, autoRemove)
  let state: ContainerState = { version: 1, id, rootfs, args, created: new Date().toISOString() }
  const held = makeDirectories(id, state, autoRemove)
  const update = (change: Partial<ContainerState>) => {
    state = { ...state, ...change }
    try {
      writeJson(`${directory}/state.json`, state, { durable: !autoRemove })
    } catch {
      // A disk that is full, perhaps by the container itself: it matters more than our record of it.
    }
  }
  return {
    started: (pid, startTime) => update({ pid, bootId: bootId(), ...(startTime !== undefined && { startTime }) }),
    ended(exitCode) {
      if (autoRemove) remove(directory)
      else update({ finished: new Date().toISOString(), exitCode })
      closeSync(held)
    },
    discard() {
      remove(directory)
      closeSync(held)
    },
  }
}

/** Returns the descriptor that holds the container's lock. */
function makeDirectories(id: string, state: ContainerState, autoRemove: boolean): number {
  const root = rootDir()
  const staged = pathsOf(id, true)
  let made = false
  let held: number | undefined
  try {
    for (const kind of kinds) makeTree(resolve(root, kind))
    held = exclusively(() => {
      sweep()
      mkdirSync(staged.directory, 0o711)
      made = true
      return lock(`${staged.directory}/lock`, { wait: true })!
    })
    for (const path of [staged.upper, staged.work, staged.merged]) mkdirSync(path)
    // The container's / is the upper directory as far as owner and mode go: those of the rootfs, whatever our umask.
    const { mode, uid, gid } = statSync(state.rootfs)
    chownSync(staged.upper, uid, gid)
    chmodSync(staged.upper, mode & 0o7777)
    writeJson(`${staged.directory}/state.json`, state, { durable: !autoRemove })
    if (!autoRemove) renameSync(staged.directory, pathsOf(id, false).directory)
    return held
  } catch (error) {
    if (made) remove(staged.directory)
    if (held !== undefined) closeSync(held)
    if (error instanceof UsageError) throw error
    const { errno = 0 } = error as NodeJS.ErrnoException
    throw new UsageError(
      `cannot write the state of containers in ${stateDir()}: ${errnoMeaning(-errno)}; set TOOLKIT_STATE to a directory that can be written`,
    )
  }
}

export interface ContainerRow {
  readonly state: ContainerState
  readonly running: boolean
}

/** The containers that are kept or running, the newest first. An unreadable one is left out. */
export function listContainers(): ContainerRow[] {
  const directories = kinds.flatMap(kind => entries(`${rootDir()}/${kind}`).map(id => `${rootDir()}/${kind}/${id}`))
  const rows = directories.flatMap((directory): ContainerRow[] => {
    try {
      const state = readState(directory)
      const fd = lock(`${directory}/lock`, { wait: false, shared: true })
      if (fd !== undefined) closeSync(fd)
      return [{ state, running: fd === undefined || survives(state) }]
    } catch {
      return []
    }
  })
  return rows.sort((a, b) => (a.state.created < b.state.created ? 1 : -1))
}

/** Removes a kept container by its id or the beginning of one. */
export function removeContainer(prefix: string): string {
  const found = /^[0-9a-f]+$/.test(prefix)
    ? entries(`${rootDir()}/kept`).filter(id => id.startsWith(prefix.slice(0, 12)))
    : []
  if (found.length === 0) throw new UsageError(`no container ${JSON.stringify(prefix)}; 'toolkit ps -a' lists them`, 1)
  if (found.length > 1)
    throw new UsageError(`${JSON.stringify(prefix)} is the beginning of ${found.length} ids; give more of it`, 1)
  const path = `${rootDir()}/kept/${found[0]}`
  const fd = lock(`${path}/lock`, { wait: false })
  if (fd === undefined) throw new UsageError(`container ${prefix} is running; end it first`, 1)
  try {
    endSurvivor(path)
    rmSync(path, { recursive: true, force: true })
  } finally {
    closeSync(fd)
  }
  return found[0]!
}
