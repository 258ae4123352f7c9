// A container in docker's words: what `ps` and `inspect` show.

import { type Health, readHealth } from '../../engine/life/health.ts'
import { type Status, statusOf } from '../../engine/life/lifecycle.ts'
import { deviceOf, type Lease } from '../../engine/network/lease.ts'
import { readAllLeases } from '../../engine/network/leases.ts'
import { bridgeNetwork } from '../../engine/network/network.ts'
import type { Port } from '../../engine/network/ports.ts'
import { imageName } from '../../engine/state/events.ts'
import { type ContainerRow, placeOf } from '../../engine/state/list.ts'
import { humanDuration } from './times.ts'

/** What it was made of: the name of a root file system of ours, or a path. */
export function imageOf({ state }: ContainerRow): string {
  return state ? imageName(state.rootfs) : '?'
}

const ago = (time: string | undefined, now: number): string =>
  Number.isNaN(Date.parse(time ?? '')) ? 'unknown' : humanDuration(Math.max(0, now - Date.parse(time!)))

/** docker's column STATUS. */
export function statusText(row: ContainerRow, status: Status = statusOf(row), now = Date.now()): string {
  const { state, problem = '' } = row
  if (!state)
    return `Dead, its state.json ${problem.includes('newer') ? 'was written by a newer toolkit' : 'cannot be read'}`
  if (status === 'created') return 'Created'
  if (status === 'restarting') return `Restarting (${state.exitCode ?? 'unknown'}) ${ago(state.finished, now)} ago`
  if (status === 'exited')
    return state.exitCode === undefined
      ? 'Exited (unknown)'
      : `Exited (${state.exitCode}) ${ago(state.finished, now)} ago${state.oomKilled ? ', out of memory' : ''}`
  const health = healthOf(row)
  const more =
    status === 'paused' ? ' (Paused)' : health ? ` (${health === 'starting' ? 'health: starting' : health})` : ''
  return `Up ${ago(state.started ?? state.created, now)}${more}`
}

/** Undefined where nobody looks after it. */
export function healthOf(row: ContainerRow): Health['status'] | undefined {
  if (!row.state?.options?.care?.health) return undefined
  return readHealth(placeOf(row)).status
}

export const createdText = ({ state }: ContainerRow, now = Date.now()): string =>
  state ? `${ago(state.created, now)} ago`.replace('unknown ago', 'unknown') : '?'

const COMMAND = 20 // characters of it

/** docker's column COMMAND: words with spaces in single quotes, and all of it in double ones. */
export function commandText({ state }: ContainerRow, long = false): string {
  const words = state?.args.map(word => (word.includes(' ') ? `'${word}'` : word)).join(' ') ?? '?'
  return JSON.stringify(long || words.length <= COMMAND ? words : `${words.slice(0, COMMAND - 1)}…`)
}

/** The leases of all containers, in all their networks, by their ids; eth0 first. */
export function leases(): ReadonlyMap<string, readonly Lease[]> {
  const found = new Map<string, Lease[]>()
  const all = readAllLeases(bridgeNetwork()).toSorted((a, b) =>
    deviceOf(a).localeCompare(deviceOf(b), undefined, { numeric: true }),
  )
  for (const lease of all) found.set(lease.id, [...(found.get(lease.id) ?? []), lease])
  return found
}

/** The ports of a container that can be reached from outside, by number. One that has ended has none any more. */
export const portsOf = ({ state, running }: ContainerRow, known = leases()): Port[] =>
  running ? (known.get(state?.id ?? '') ?? []).flatMap(({ ports }) => ports).toSorted(byNumber) : []

const byNumber = (a: Port, b: Port): number =>
  a.container - b.container || a.address.localeCompare(b.address) || a.host - b.host

/** The ports where it may be asked, as 80/tcp, of one that runs in a network of the bridge kind. */
export function exposedBy({ state, running }: ContainerRow): readonly string[] {
  const { mode, expose = [] } = state?.options?.network ?? {}
  return running && mode === 'bridge' ? expose : []
}

/**
 * docker's column PORTS: neighbours as a range. First what is the same outside, or not seen there; then what has another
 * number.
 */
export function portsText(ports: readonly Port[], exposed: readonly string[] = []): string {
  const isPublished = (text: string) => ports.some(port => `${port.container}/${port.protocol}` === text)
  const closed = exposed.filter(text => !isPublished(text)).map(text => text.split('/') as [string, string])
  const all = [
    ...closed.map(([number, protocol]) => ({ address: '', host: Number(number), container: Number(number), protocol })),
    ...ports,
  ].toSorted((a, b) => a.container - b.container)
  const ranges = new Map<string, { before: string; protocol: string; first: number; last: number }[]>()
  const others: string[] = []
  for (const { address, host, container, protocol } of all) {
    if (host !== container) {
      others.push(`${address}:${host}->${container}/${protocol}`)
      continue
    }
    const key = `${address}/${protocol}`
    const found = ranges.get(key) ?? []
    const last = found.at(-1)
    if (last?.last === container - 1) last.last = container
    else found.push({ before: address, protocol, first: container, last: container })
    ranges.set(key, found)
  }
  const texts = [...ranges.values()].flat().map(({ before, protocol, first, last }) => {
    const range = first === last ? String(first) : `${first}-${last}`
    return `${before === '' ? '' : `${before}:${range}->`}${range}/${protocol}`
  })
  return [...texts, ...others].join(', ')
}
