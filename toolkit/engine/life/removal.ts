// The end of a container that is kept: it is stopped where that is wished, and all of it goes.
import { setTimeout as sleep } from 'node:timers/promises'
import { deadline } from '../../kernel/pause.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { findContainer } from '../state/list.ts'
import { removeContainer } from '../state/orphans.ts'
import { isIn, PLACES } from '../state/store.ts'
import { removeUnused } from '../volume/store.ts'
import { mountsOf } from '../volume/uses.ts'
import { mayGoOn, PATIENCE, STEP } from './end-policy.ts'
import { settled, stop } from './lifecycle.ts'

export interface Removal {
  readonly force: boolean
  /** With those of its volumes that have no name. */
  readonly volumes: boolean
  /** What a `sweep` just before could not end: those whose engine was killed have ended, too. */
  readonly stuck: ReadonlyMap<string, string>
}

/** Removes a container; with `force` it is ended first. Returns its id. Throws a UsageError where it cannot be removed. */
export async function remove(word: string, { force, volumes, stuck }: Removal): Promise<string> {
  let row = findContainer(word)
  if (!row.running && mayGoOn(row)) await settled(row.id)
  row = findContainer(row.id)
  const { id, running } = row
  if ((running || mayGoOn(row)) && !force)
    throw new UsageError(`container ${word} is ${running ? 'running' : 'restarting'}; stop it first, or use rm -f`, 1)
  const used = volumes ? mountsOf(row).flatMap(({ type, source }) => (type === 'volume' ? [source] : [])) : []
  const isLate = deadline(PATIENCE)
  const isThere = () => PLACES.some(place => isIn(place, id))
  while (isThere()) {
    try {
      if (force) await stop(id, { signal: 'KILL', timeout: 0 })
      if (!stuck.has(id)) await settled(id)
      if (isThere()) removeContainer(id, stuck, word)
    } catch (error) {
      if (!force || isLate() || stuck.has(id)) throw error // somebody has started it meanwhile, or is at it
      await sleep(STEP)
    }
  }
  if (used.length > 0) removeUnused(({ name, state }) => state?.anonymous === true && used.includes(name))
  return id // one with --rm has gone by itself
}
