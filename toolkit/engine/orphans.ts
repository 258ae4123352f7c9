// Containers whose engine was killed. Their lock is free: the kernel has let go of it.
import { closeSync, existsSync } from 'node:fs'
import { invoke } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { entries, lock, remove } from './files.ts'
import { release } from './resources.ts'
import { type ContainerState, directoryOf, exclusively, forget, readState, retire, rootDir, survives } from './store.ts'

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

/** A container whose engine was killed; its lock is ours now. */
export interface Orphan {
  readonly id: string
  readonly lock: number
}

/** Takes the lock of every container whose engine is gone. To be called `exclusively`. */
export function claimOrphans(): Orphan[] {
  const root = `${rootDir()}/live`
  return entries(root).flatMap(id => {
    if (!existsSync(`${root}/${id}/lock`)) {
      remove(`${root}/${id}`) // made in this very order under the same lock, so it is nobody's
      return []
    }
    const fd = lock(`${root}/${id}/lock`, { wait: false })
    return fd === undefined ? [] : [{ id, lock: fd }]
  })
}

/** Undoes what is left of an orphan. What cannot be undone now stays written down, for the next time. */
export async function finish({ id, lock }: Orphan): Promise<void> {
  const directory = directoryOf('live', id)
  try {
    let state: ContainerState | undefined
    try {
      state = readState(directory)
    } catch {
      // torn by a full disk, perhaps; we know of nothing but the directory
    }
    if (state && survives(state)) endSurvivor(state)
    if (state?.resources) await release(state.resources, state.id)
    if (state && !state.autoRemove) exclusively(() => retire(id))
    else exclusively(() => forget(directory))
  } catch {
    // still in use: the next command tries again
  } finally {
    closeSync(lock)
  }
}

/** Undoes what engines that were killed have left. */
export async function sweep(): Promise<void> {
  if (existsSync(rootDir())) await Promise.all(exclusively(claimOrphans).map(finish))
}
