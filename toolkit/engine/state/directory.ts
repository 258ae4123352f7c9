// The life of a container's directory: made and locked, told what there is outside of it, and kept or removed.
import { chmodSync, chownSync, closeSync, mkdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isIn, ownMaps } from '../../observe/id-maps.ts'
import { type IdMapping, type Mappings, outside } from '../../primitives/user.ts'
import { failpoint } from '../failpoint.ts'
import type { RunOptions } from '../options.ts'
import { flush, recordOf } from './events.ts'
import { lock, makeTree, writeJson } from './files.ts'
import { sweep } from './orphans.ts'
import { type Resources, release } from './resources.ts'
import {
  bootId,
  type ContainerState,
  exclusively,
  forget,
  PLACES,
  pathsOf,
  retire,
  rootDir,
  updateState,
  VERSION,
  writing,
} from './store.ts'
import { takeName } from './take-name.ts'
import { timestamp } from './timestamp.ts'
import { recordVolumes } from './volume-events.ts'

export interface ContainerDirectory {
  readonly name: string
  readonly path: string
  /** The descriptor that holds its lock. */
  readonly lock: number
  /** Throws a UsageError where that of one that lives on cannot be written: nobody could end it later. */
  started(pid: number, startTime: number | undefined): void
  /** Its program has been started. */
  running(): void
  /**
   * The container is gone: undoes what was made, then its state is kept, or with `--rm` all of it removed. Throws where
   * something cannot be undone now; that stays written down, and the next command tries again. So does `discard`.
   */
  ended(result: { exitCode: number; oomKilled: boolean }): Promise<void>
  /** It never came to be: undoes what was made, and removes the rest. */
  discard(): Promise<void>
  /** It could not be started, and why, or shall not be yet: undoes what was made, and keeps it. */
  keep(failure?: { exitCode: number; error: string }): Promise<void>
  /** A monitor is going to look after all that. */
  outlives(): void
  /** A monitor has the lock, too, and looks after all that from now on. */
  handOver(): void
}

export interface NewContainer {
  readonly id: string
  /** Default: one is made up. */
  readonly name: string | undefined
  readonly rootfs: string
  readonly args: readonly string[]
  readonly autoRemove: boolean
  /** The ids of its user namespace. */
  readonly users: Mappings | undefined
  /** What is going to be made outside of its directory: written down before there is any of it. */
  readonly outside: Resources
  /** It is going to have a monitor. */
  readonly detached?: boolean
  /** Its caller stays with it. */
  readonly attached?: boolean
  /** To be kept, for the next start. */
  readonly options?: RunOptions
}

/**
 * Makes the directories of a container, and holds its lock. Throws a UsageError where the name is taken or the state
 * cannot be written; then nothing of it is left.
 */
export async function createDirectory(wish: NewContainer): Promise<ContainerDirectory> {
  await sweep() // first: one of the dead may have our name
  const { held, state } = makeDirectories(wish)
  recordOf(state, 'create', {}, true) // the next event comes soon
  if (wish.attached) recordOf(state, 'attach', {}, true)
  return openDirectory(held, state)
}

/** Follows a container by its directory in live/, whose lock `held` has. */
export function openDirectory(held: number, known: ContainerState): ContainerDirectory {
  let state = known
  const { directory } = pathsOf(state.id)
  const durable = !state.autoRemove
  // A disk that is full, perhaps by the container itself: that it runs and ends matters more than our record of it.
  const tryUpdate = (change: (state: ContainerState) => ContainerState) => {
    try {
      state = updateState(directory, state, change)
    } catch {
      state = change(state)
    }
  }
  const undo = async () => {
    if (state.resources) await release(state.resources, state.id)
  }
  const withoutResources = (more: Partial<ContainerState> = {}) => {
    tryUpdate(({ resources: _gone, restarting: _over, ...rest }) => ({ ...rest, ...more }))
    retire(state.id)
  }
  const atLast = async (action: () => Promise<void>) => {
    try {
      await action()
    } finally {
      flush()
      closeSync(held)
    }
  }
  return {
    name: state.name,
    path: directory,
    lock: held,
    started(pid, startTime) {
      const run = { pid, ...(startTime !== undefined && { startTime }), started: timestamp() }
      const begun = (now: ContainerState) => ({ ...now, ...ofItsLastRun, ...run })
      if (state.detached) state = updateState(directory, state, begun)
      else tryUpdate(begun)
    },
    running() {
      recordVolumes(state, 'mount')
      recordOf(state, 'start')
    },
    ended: result =>
      atLast(async () => {
        if (result.oomKilled) recordOf(state, 'oom', {}, true)
        recordOf(state, 'die', { exitCode: String(result.exitCode) }, true)
        if (durable) tryUpdate(now => ({ ...now, finished: timestamp(), ...result }))
        recordVolumes(state, 'unmount')
        await undo()
        if (!durable) return destroy(state)
        withoutResources()
      }),
    discard: () =>
      atLast(async () => {
        await undo()
        destroy(state)
      }),
    keep: failure =>
      atLast(async () => {
        await undo()
        withoutResources(failure && { ...failure, finished: timestamp() })
      }),
    outlives: () => tryUpdate(now => ({ ...now, detached: true })),
    handOver: () => closeSync(held),
  }
}

function destroy(state: ContainerState): void {
  forget('live', state.id)
  recordOf(state, 'destroy')
}

/** What is over with a new run; JSON has no undefined. */
export const ofItsLastRun = {
  finished: undefined,
  exitCode: undefined,
  oomKilled: undefined,
  oomKills: undefined,
  restarting: undefined,
  error: undefined,
}

/** Who an id of the rootfs is on the host, for a container with users of its own. */
const hostId = (map: readonly IdMapping[] | undefined, id: number): number => (map && outside(map, id)) ?? id

/** Returns the descriptor that holds the container's lock, and its state as it was written. */
function makeDirectories(wish: NewContainer): { held: number; state: ContainerState } {
  const { directory, upper, work } = pathsOf(wish.id)
  let made = false
  let held: number | undefined
  try {
    return writing(() => {
      for (const name of [...PLACES, 'names']) makeTree(resolve(rootDir(), name))
      const name = exclusively(() => {
        mkdirSync(directory, 0o700) // its set-user-ID programs are not for users of the host (CVE-2021-41091)
        made = true
        held = lock(`${directory}/lock`, { wait: true })!
        failpoint('locked')
        return takeName(wish)
      })
      failpoint('name taken')
      for (const path of [upper, work]) mkdirSync(path)
      // The container's / is the upper directory as far as owner and mode go: those of the rootfs, whatever our umask.
      const { mode, uid, gid } = statSync(wish.rootfs)
      const { users } = wish
      const { uid: uids, gid: gids } = ownMaps()
      if (isIn(uids, uid) && isIn(gids, gid))
        // else it is somebody else's, and ours to write to all the same
        chownSync(upper, hostId(users?.uidMappings, uid), hostId(users?.gidMappings, gid))
      chmodSync(upper, mode & 0o7777)
      const { id, rootfs, args, autoRemove, detached, options, outside: resources } = wish // and nothing else that the caller's object may have
      const about = { version: VERSION, id, name, rootfs, args, autoRemove, created: timestamp() } as const
      const more = { ...(detached && { detached }), ...(options && { options }) }
      const state: ContainerState = { ...about, ...more, bootId: bootId(), resources }
      writeJson(`${directory}/state.json`, state, { durable: !wish.autoRemove })
      return { held: held!, state }
    })
  } catch (error) {
    if (made) discarded(wish.id)
    if (held !== undefined) closeSync(held)
    throw error
  }
}

/** Where even that cannot be, the next command does it: nobody holds the lock any more. */
function discarded(id: string): void {
  try {
    forget('live', id)
  } catch {}
}
