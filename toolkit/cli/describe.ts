// A container in docker's words: what `ps` and `inspect` show.

import { type Lease, readAllLeases } from '../engine/leases.ts'
import { type Status, statusOf } from '../engine/lifecycle.ts'
import type { ContainerRow } from '../engine/list.ts'
import { bridgeNetwork } from '../engine/network.ts'
import type { Port } from '../engine/ports.ts'
import { rootfsDir } from '../image/rootfs.ts'
import { humanDuration } from './times.ts'

/** What it was made of: the name of a root file system of ours, or a path. */
export function imageOf({ state }: ContainerRow): string {
  if (!state) return '?'
  const ours = `${rootfsDir()}/`
  return state.rootfs.startsWith(ours) ? state.rootfs.slice(ours.length) : state.rootfs
}

const ago = (time: string | undefined, now: number): string =>
  Number.isNaN(Date.parse(time ?? '')) ? 'unknown' : humanDuration(Math.max(0, now - Date.parse(time!)))

/** docker's column STATUS. */
export function statusText(row: ContainerRow, now = Date.now()): string {
  const { state, problem = '' } = row
  const status: Status = statusOf(row)
  if (!state)
    return `Dead, its state.json ${problem.includes('newer') ? 'was written by a newer toolkit' : 'cannot be read'}`
  if (status === 'created') return 'Created'
  if (status === 'exited')
    return state.exitCode === undefined
      ? 'Exited (unknown)'
      : `Exited (${state.exitCode}) ${ago(state.finished, now)} ago${state.oomKilled ? ', out of memory' : ''}`
  return `Up ${ago(state.started ?? state.created, now)}${status === 'paused' ? ' (Paused)' : ''}`
}

export const createdText = ({ state }: ContainerRow, now = Date.now()): string =>
  state ? `${ago(state.created, now)} ago`.replace('unknown ago', 'unknown') : '?'

/** The leases of all containers in the network, by their ids. */
export const leases = (): ReadonlyMap<string, Lease> =>
  new Map(readAllLeases(bridgeNetwork()).map(lease => [lease.id, lease]))

/** docker's column PORTS. */
export const portsText = (ports: readonly Port[]): string =>
  ports.map(({ address, host, container, protocol }) => `${address}:${host}->${container}/${protocol}`).join(', ')
