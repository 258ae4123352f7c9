// The containers that there are: all of them, or the one that a word means.
import { existsSync } from 'node:fs'
import { inQuotes, UsageError } from '../../kernel/usage-error.ts'
import { pauseBefore } from '../life/restart-policy.ts'
import { isFree } from './files.ts'
import {
  bootId,
  type ContainerState,
  directoryOf,
  holderOf,
  idsIn,
  isId,
  type Place,
  readState,
  shorten,
  survives,
  whereIs,
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

function rowOf(place: Place, id: string): ContainerRow | undefined {
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
  if (place === 'ended')
    return state || existsSync(directory) ? { ...about, running: false, restarting: false } : undefined
  const free = isFree(`${directory}/lock`)
  if (!existsSync(directory) || (missing && !free)) return undefined // just gone, or not made yet
  const over = state?.finished !== undefined // its monitor has said so, and will let go
  const restarting = state !== undefined && (state.restarting !== undefined || goesOn(state))
  return {
    ...about,
    restarting,
    running: !over && !restarting && (!free || (state !== undefined && survives(state))),
  }
}

/** The container of an id of 12 characters; it may go from one place to the other while we look. */
function look(id: string, first: Place = 'live'): ContainerRow | undefined {
  const other = first === 'live' ? 'ended' : 'live'
  return rowOf(first, id) ?? rowOf(other, id) ?? rowOf(first, id)
}

/** The containers that are kept or running, the newest first. */
export function listContainers(): ContainerRow[] {
  const places = ['live', 'ended', 'live'] as const // one that is started meanwhile goes back to the first
  const seen = new Map(places.flatMap(place => idsIn(place).map(id => [id, place] as const)))
  const rows = [...seen].flatMap(([id, place]) => look(id, place) ?? [])
  const created = ({ state }: ContainerRow) => state?.created ?? ''
  return rows.sort((a, b) => (created(a) < created(b) ? 1 : -1))
}

export class NoContainer extends UsageError {
  constructor(word: string) {
    super(`no container ${inQuotes(word)}; 'toolkit ps -a' lists them`, 1)
  }
}

/**
 * The container of this name, which may have a slash before it as in `inspect`, or with this id or beginning of one. Throws
 * a UsageError (exit code 1) where there is not one.
 */
export function findContainer(said: string): ContainerRow {
  const word = said.replace(/^\//, '')
  const holder = word.includes('/') ? undefined : holderOf(word)
  // Without a look at all the others, where there is a name or an id.
  const id = holder ?? (/^[0-9a-f]{12}([0-9a-f]{52})?$/.test(word) ? shorten(word) : '')
  const known = isId(id) ? look(id) : undefined
  if (known && (holder !== undefined || (known.state?.id ?? known.id).startsWith(word))) return known
  const rows = listContainers()
  const named = rows.find(({ id, state }) => id === holder || state?.name === word)
  if (named) return named
  const found = /^[0-9a-f]+$/.test(word) ? rows.filter(({ id, state }) => (state?.id ?? id).startsWith(word)) : []
  if (found.length === 0) throw new NoContainer(said)
  if (found.length > 1)
    throw new UsageError(`${JSON.stringify(said)} is the beginning of ${found.length} ids; give more of it`, 1)
  return found[0]!
}

/** The directory of a container as it is now. */
export const placeOf = ({ id }: ContainerRow): string => directoryOf(whereIs(id), id)
