// --network container:NAME: no network of its own, but that of a container which runs, with the names that it knows and
// its host name.
import { readFileSync } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import type { RunOptions } from '../options.ts'
import { findContainer, placeOf } from '../state/list.ts'
import { survives } from '../state/store.ts'

export interface SharedNetwork {
  /** What else is as it is there. */
  readonly options: Pick<RunOptions, 'network' | 'hostname'>
  /** Where its /etc/hosts and the like are. */
  readonly directory: string
}

/** Throws a UsageError where there is no such container, or it does not run. */
export function shareNetwork({ network, hostname, namespaces }: RunOptions): SharedNetwork {
  const { container } = network
  const refuse = (why: string) => new UsageError(`run: --network container:${container}: ${why}`)
  if (hostname !== undefined) throw refuse(`has a host name; leave --hostname ${hostname} out`)
  try {
    const row = findContainer(container!)
    const { state } = row
    if (!row.running || !state || !survives(state)) throw new UsageError('it does not run')
    const directory = placeOf(row)
    const itsName = namespaces.uts === 'private' ? nameIn(directory) : undefined
    return { options: { network: { ...network, path: `/proc/${state.pid}/ns/net` }, hostname: itsName }, directory }
  } catch (error) {
    throw error instanceof UsageError ? refuse(error.message) : error
  }
}

function nameIn(directory: string): string | undefined {
  try {
    return readFileSync(`${directory}/hostname`, 'utf8').trim()
  } catch {
    return undefined // a file of the user's is mounted there
  }
}
