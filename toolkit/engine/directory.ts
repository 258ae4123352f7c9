// The life of a container's directory: made and locked, told what there is outside of it, and kept or removed.
import { chmodSync, chownSync, closeSync, mkdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { stateDir } from '../image/paths.ts'
import { errnoMeaning } from '../kernel/errno.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { checkName, makeUpName } from './container-name.ts'
import { lock, makeTree, writeJson } from './files.ts'
import { claimOrphans, finish, type Orphan } from './orphans.ts'
import { type Resources, release } from './resources.ts'
import {
  bootId,
  type ContainerState,
  exclusively,
  forget,
  PLACES,
  pathsOf,
  randomBytes,
  retire,
  rootDir,
  shorten,
  VERSION,
} from './store.ts'

export interface ContainerDirectory {
  readonly name: string
  /** Writes down what is about to be made outside. */
  record(resources: Resources): void
  started(pid: number, startTime: number | undefined): void
  /** The container is gone: undoes what was made, then its state is kept, or with `--rm` all of it removed. */
  ended(result: { exitCode: number; oomKilled: boolean }): Promise<void>
  /** It never came to be: undoes what was made, and removes the rest. */
  discard(): Promise<void>
}

export interface NewContainer {
  readonly id: string
  /** Default: one is made up. */
  readonly name: string | undefined
  readonly rootfs: string
  readonly args: readonly string[]
  readonly autoRemove: boolean
}

/**
 * Makes the directories of a container, and holds its lock. Throws a UsageError where the name is taken or the state
 * cannot be written; then nothing of it is left.
 */
export async function createDirectory(wish: NewContainer): Promise<ContainerDirectory> {
  const { directory } = pathsOf(wish.id)
  const durable = !wish.autoRemove
  const { held, orphans, ...made } = makeDirectories(wish)
  let { state } = made
  await Promise.all(orphans.map(finish))
  const update = (change: Partial<ContainerState>) => {
    state = { ...state, ...change }
    writeJson(`${directory}/state.json`, state, { durable })
  }
  // A disk that is full, perhaps by the container itself: that it runs and ends matters more than our record of it.
  const tryUpdate = (change: Partial<ContainerState>) => {
    try {
      update(change)
    } catch {}
  }
  const undo = async () => {
    if (state.resources) await release(state.resources, state.id)
  }
  return {
    name: state.name,
    record: resources => update({ resources, bootId: bootId() }),
    started: (pid, startTime) => tryUpdate({ pid, bootId: bootId(), ...(startTime !== undefined && { startTime }) }),
    async ended(result) {
      try {
        if (durable) tryUpdate({ finished: new Date().toISOString(), ...result })
        await undo()
        if (durable) {
          const { resources: _gone, ...rest } = state
          state = rest
          tryUpdate({})
          exclusively(() => retire(wish.id))
        } else exclusively(() => forget(directory))
      } finally {
        closeSync(held)
      }
    },
    async discard() {
      try {
        await undo()
        exclusively(() => forget(directory))
      } finally {
        closeSync(held)
      }
    },
  }
}

/** Links the name to the id, where nobody has it. Returns the one that it has become. */
function takeName({ id, name }: NewContainer): string {
  if (name !== undefined) checkName(name)
  const bytes = randomBytes(32)
  for (let attempt = 0; ; attempt++) {
    const wanted = name ?? (attempt < 6 ? makeUpName(bytes, attempt) : shorten(id))
    try {
      symlinkSync(shorten(id), `${rootDir()}/names/${wanted}`)
      return wanted
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (name === undefined && attempt < 6) continue
      const holder = readlinkSync(`${rootDir()}/names/${wanted}`)
      throw new UsageError(
        `--name ${wanted}: container ${holder} has this name; 'toolkit rm ${holder}' when it has ended, or choose another`,
      )
    }
  }
}

/** Returns the descriptor that holds the container's lock, and the containers of dead engines that were met. */
function makeDirectories(wish: NewContainer): { held: number; state: ContainerState; orphans: Orphan[] } {
  const { directory, upper, work, merged, etc } = pathsOf(wish.id)
  let made = false
  let held: number | undefined
  let orphans: Orphan[] = []
  try {
    for (const name of [...PLACES, 'names']) makeTree(resolve(rootDir(), name))
    const name = exclusively(() => {
      orphans = claimOrphans()
      mkdirSync(directory, 0o711)
      made = true
      held = lock(`${directory}/lock`, { wait: true })!
      return takeName(wish)
    })
    for (const path of [upper, work, merged, etc]) mkdirSync(path)
    // The container's / is the upper directory as far as owner and mode go: those of the rootfs, whatever our umask.
    const { mode, uid, gid } = statSync(wish.rootfs)
    chownSync(upper, uid, gid)
    chmodSync(upper, mode & 0o7777)
    const state: ContainerState = { version: VERSION, ...wish, name, created: new Date().toISOString() }
    writeJson(`${directory}/state.json`, state, { durable: !wish.autoRemove })
    return { held: held!, state, orphans }
  } catch (error) {
    for (const orphan of orphans) closeSync(orphan.lock)
    if (made) exclusively(() => forget(directory))
    if (held !== undefined) closeSync(held)
    if (error instanceof UsageError) throw error
    const { errno = 0 } = error as NodeJS.ErrnoException
    throw new UsageError(
      `cannot write the state of containers in ${stateDir()}: ${errnoMeaning(-errno)}; set TOOLKIT_STATE to a directory that can be written`,
    )
  }
}
