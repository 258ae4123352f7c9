// A container that is kept, or whose restart policy says so, is started anew: its directory is made ready for that.
import { closeSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import { type ContainerDirectory, ofItsLastRun, openDirectory } from './directory.ts'
import { lock } from './files.ts'
import type { Resources } from './resources.ts'
import {
  amend,
  bootId,
  type ContainerState,
  directoryOf,
  exclusively,
  pathsOf,
  readState,
  retire,
  shorten,
  updateState,
  writing,
} from './store.ts'

/** What a container that is kept shall be, now that it is started anew. */
export interface Restart {
  readonly outside: Resources
  readonly detached: boolean
}

/**
 * Takes a container that is kept back among those that live, and holds its lock. Throws a UsageError (exit code 1) where
 * it cannot be had: it runs, or another command is at it.
 */
export function reopenDirectory(id: string, wish: Restart): ContainerDirectory {
  const { directory } = pathsOf(id)
  let held: number | undefined
  try {
    return writing(() => {
      exclusively(() => {
        const kept = directoryOf('ended', id)
        held = existsSync(kept) ? lock(`${kept}/lock`, { wait: false }) : undefined
        if (held === undefined)
          throw new UsageError(
            `container ${shorten(id)} cannot be started now: it runs, or another command is at it`,
            1,
          )
        renameSync(kept, directory)
      })
      const anew = ({ started, stopped, restarts, pause, ...rest }: ContainerState) => ({ ...rest, ...ofItsLastRun })
      return renew(held!, readState(directory), anew, wish)
    })
  } catch (error) {
    if (held !== undefined) {
      if (existsSync(directory)) retire(id)
      closeSync(held)
    }
    throw error
  }
}

/**
 * The same for one that its restart policy starts: it is among those that live, and `held` has its lock. Throws a
 * UsageError where somebody has stopped it meanwhile.
 */
export function restartDirectory(id: string, held: number, wish: Restart): ContainerDirectory {
  return writing(() => {
    let state: ContainerState | undefined
    amend(id, now => {
      if (!now.restarting) throw new UsageError(`container ${shorten(id)} has been stopped`, 1)
      state = { ...now, restarting: { at: now.restarting.at } }
      return { ...state, resources: wish.outside } // from here on it is being started: whoever stops it waits for that
    })
    return renew(held, state!, now => now, wish)
  })
}

/** Clears away what is left of the last run; of its state, what `anew` leaves out. */
function renew(
  held: number,
  last: ContainerState,
  anew: (last: ContainerState) => ContainerState,
  { outside: resources, detached }: Restart,
): ContainerDirectory {
  const { directory, work } = pathsOf(last.id)
  for (const name of ['exit', 'stdin', 'stdout', 'stderr', 'terminal.json', 'health.json'])
    rmSync(`${directory}/${name}`, { force: true })
  rmSync(work, { recursive: true, force: true }) // the kernel's
  mkdirSync(work)
  const state = updateState(directory, last, now => {
    const { pid, startTime, ...rest } = anew(now)
    return { ...rest, detached, bootId: bootId(), resources }
  })
  return openDirectory(held, state)
}
