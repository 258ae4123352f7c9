// What `toolkit events` tells of volumes and the containers that have them. Apart from ../volume/: most containers have
// none, and who starts one of those does not load what is about volumes.
import { readFileSync } from 'node:fs'
import type { Mount } from '../../primitives/mount.ts'
import { record } from './events.ts'
import { type ContainerState, directoryOf } from './store.ts'

/** Tells that the volumes of a container are there for it, or are not any more; with the next event. */
export function recordVolumes({ id, options }: ContainerState, action: 'mount' | 'unmount'): void {
  const { mounts = [], from = [] } = options?.mounts ?? {}
  if (from.length === 0 && mounts.every(({ type }) => type !== 'volume')) return
  let there: readonly Mount[]
  try {
    there = JSON.parse(readFileSync(`${directoryOf('live', id)}/mounts.json`, 'utf8')).mounts
  } catch {
    return // no container is to fail for what is told of it
  }
  for (const { type, source, destination, options } of there) {
    if (type !== 'volume') continue
    const where = { destination, propagation: '', 'read/write': String(!options.includes('ro')) }
    const about = { container: id, driver: 'local', ...(action === 'mount' && where) }
    record('volume', action, source, about, { hold: true })
  }
}
