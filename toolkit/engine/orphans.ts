// Containers whose engine was killed, or whose monitor has ended. Their lock is free: the kernel has let go of it.
import { closeSync, existsSync } from 'node:fs'
import { invoke } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { oomKilled } from './cgroup.ts'
import { lock, remove } from './files.ts'
import { sweepLabs } from './lab-record.ts'
import { findContainer } from './list.ts'
import { release, releaseUnknown } from './resources.ts'
import {
  type ContainerState,
  directoryOf,
  exclusively,
  forget,
  idsIn,
  readState,
  retire,
  rootDir,
  survives,
  updateState,
} from './store.ts'

/**
 * Ends a container whose engine is gone. The kernel has usually done that already, at the engine's death; but it forgets
 * to for a process that has changed its user id since, see PR_SET_PDEATHSIG in prctl(2).
 */
function endSurvivor(state: ContainerState): void {
  try {
    const pidfd = invoke('pidfd_open', [state.pid!, 0])
    if (survives(state)) invoke('pidfd_send_signal', [pidfd, SIG.KILL, null, 0]) // the pidfd means this one
    closeSync(pidfd)
  } catch {
    // it has just ended by itself
  }
}

/** The same for one whose monitor was killed: it lives on, and gets another. */
async function adoptSurvivor(state: ContainerState, lock: number): Promise<void> {
  const { adopt } = await import('./monitored.ts')
  const pidfd = invoke('pidfd_open', [state.pid!, 0])
  try {
    if (survives(state)) adopt(directoryOf('live', state.id), pidfd, lock)
  } finally {
    closeSync(pidfd)
  }
}

/** A container whose engine was killed; its lock is ours now. */
interface Orphan {
  readonly id: string
  readonly lock: number
}

/** Takes the lock of every container whose engine is gone. To be called `exclusively`. */
function claimOrphans(): Orphan[] {
  return idsIn('live').flatMap(id => {
    const directory = directoryOf('live', id)
    if (!existsSync(`${directory}/lock`) && !existsSync(`${directory}/state.json`)) {
      remove(directory) // made in this very order under the same lock, so it is nobody's
      return []
    }
    const fd = lock(`${directory}/lock`, { wait: false })
    return fd === undefined ? [] : [{ id, lock: fd }]
  })
}

/** Undoes what is left of an orphan. Returns why something cannot be undone now: that stays written down, for next time. */
async function finish({ id, lock }: Orphan): Promise<string | undefined> {
  try {
    if (existsSync(`${directoryOf('live', id)}/state.json`)) await settle(id, lock)
    else forget('live', id)
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    closeSync(lock)
  }
}

async function settle(id: string, lock: number): Promise<void> {
  let state: ContainerState
  try {
    state = readState(directoryOf('live', id))
  } catch {
    await releaseUnknown(id) // and its files are kept, until somebody who has seen them in `ps` wants them gone
    return retire(id)
  }
  if (survives(state)) {
    if (state.detached) return adoptSurvivor(state, lock)
    endSurvivor(state)
  }
  const { resources, ...rest } = state
  if (resources) {
    const outOfMemory = state.detached && state.pid !== undefined ? { oomKilled: oomKilled(resources.cgroups) } : {}
    await release(resources, state.id)
    try {
      updateState(directoryOf('live', id), { ...rest, ...outOfMemory })
    } catch {} // the disk is full: that it can be removed matters more
  }
  if (state.autoRemove) forget('live', id)
  else retire(id)
}

/** Undoes what engines that were killed have left. Returns of what that failed, by id, and why. */
export async function sweep(): Promise<ReadonlyMap<string, string>> {
  const stuck = new Map<string, string>()
  sweepLabs()
  if (!existsSync(rootDir())) return stuck
  for (const orphan of exclusively(claimOrphans)) {
    const why = await finish(orphan)
    if (why !== undefined) stuck.set(orphan.id, why)
  }
  return stuck
}

/**
 * Removes a container that has ended, once there has been a `sweep`, which could not end what is in `stuck`. Throws a
 * UsageError (exit code 1) where it runs, or where not all of it can be removed; `word` is what its user calls it.
 */
export function removeContainer(id: string, stuck: ReadonlyMap<string, string>, word = id): void {
  const { running } = findContainer(id)
  if (running) throw new UsageError(`container ${word} is running; end it first`, 1)
  const held = exclusively(() => (idsIn('ended').includes(id) ? claim(id) : undefined))
  if (held === undefined)
    throw new UsageError(`container ${word} cannot be removed now: ${stuck.get(id) ?? 'another command is at it'}`, 1)
  try {
    forget('ended', id)
  } finally {
    closeSync(held)
  }
}

const claim = (id: string): number | undefined => lock(`${directoryOf('ended', id)}/lock`, { wait: false })
