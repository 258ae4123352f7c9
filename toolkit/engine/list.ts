// The containers that there are: all of them, or the one that a word means.
import { closeSync, existsSync } from 'node:fs'
import { UsageError } from '../kernel/usage-error.ts'
import { lock } from './files.ts'
import { pauseBefore } from './restart-policy.ts'
import {
  bootId,
  type ContainerState,
  directoryOf,
  holderOf,
  idsIn,
  PLACES,
  type Place,
  readState,
  survives,
} from './store.ts'

/** A container as `ps` shows it. */
export interface ContainerRow {
  /** The first 12 characters. */
  readonly id: string
  /** Undefined where it cannot be read: damaged, written by another version, or gone where not all could be removed. */
  readonly state: ContainerState | undefined
  readonly running: boolean
  /** It has ended, and its restart policy is going to start it again. */
  readonly restarting: boolean
  /** Why its state cannot be read. */
  readonly problem?: string
}

/** Its restart policy has not decided yet, or not written that down; what it is going to say is clear. */
function goesOn(state: ContainerState): boolean {
  const policy = state.options?.care?.restart
  if (!policy || state.finished === undefined || state.bootId !== bootId()) return false
  const { exitCode, stopped = false, restarts = 0 } = state
  return pauseBefore({ policy, exitCode, stopped, restarts, pause: 0, ran: 0 }) !== undefined
}

function rowOf(place: Place, id: string): ContainerRow[] {
  const directory = directoryOf(place, id)
  let state: ContainerState | undefined
  let missing = false
  let problem: string | undefined
  try {
    state = readState(directory)
  } catch (error) {
    missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    problem = error instanceof UsageError ? error.message : `${directory}/state.json cannot be read`
  }
  const about = { id, state, ...(problem !== undefined && { problem }) }
  if (place === 'ended') return existsSync(directory) ? [{ ...about, running: false, restarting: false }] : []
  const fd = lock(`${directory}/lock`, { wait: false, shared: true })
  if (fd !== undefined) closeSync(fd)
  if (!existsSync(directory) || (missing && fd === undefined)) return [] // just gone, or not made yet
  const over = state?.finished !== undefined // its monitor has said so, and will let go
  const restarting = state !== undefined && (state.restarting !== undefined || goesOn(state))
  return [
    {
      ...about,
      restarting,
      running: !over && !restarting && (fd === undefined || (state !== undefined && survives(state))),
    },
  ]
}

/** The containers that are kept or running, the newest first. */
export function listContainers(): ContainerRow[] {
  const rows = PLACES.flatMap(place => idsIn(place).flatMap(id => rowOf(place, id)))
  const created = ({ state }: ContainerRow) => state?.created ?? ''
  return rows.sort((a, b) => (created(a) < created(b) ? 1 : -1))
}

/** The container of this name, or with this id or beginning of one. Throws a UsageError (exit code 1) where there is not one. */
export function findContainer(word: string): ContainerRow {
  const rows = listContainers()
  const holder = holderOf(word)
  const named = rows.find(({ id, state }) => id === holder || state?.name === word)
  if (named) return named
  const found = /^[0-9a-f]+$/.test(word) ? rows.filter(({ id, state }) => (state?.id ?? id).startsWith(word)) : []
  if (found.length === 0) throw new UsageError(`no container ${JSON.stringify(word)}; 'toolkit ps -a' lists them`, 1)
  if (found.length > 1)
    throw new UsageError(`${JSON.stringify(word)} is the beginning of ${found.length} ids; give more of it`, 1)
  return found[0]!
}

/** The directory of a container as it is now. */
export const placeOf = ({ id }: ContainerRow): string =>
  idsIn('live').includes(id) ? directoryOf('live', id) : directoryOf('ended', id)
