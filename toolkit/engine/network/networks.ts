// The networks of an engine by their names: the one that is always there, and those that users have made.
import { parseIpv4, parseSubnet } from '../../kernel/ip.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import type { RunOptions } from '../options.ts'
import { record } from '../state/events.ts'
import type { Endpoint } from './endpoints.ts'
import { type Lease, type Network, nameOf, networkOf, rootOf } from './lease.ts'
import { exclusively, hasLink, readAllLeases, readLeases, readState, writeLease } from './leases.ts'
import {
  bridgeNetwork,
  joinNetwork,
  leaveNetwork,
  type Membership,
  previewNetwork,
  recordMember,
  usedByOthers,
} from './network.ts'
import {
  bridgeOf,
  driverOf,
  findNetwork,
  forgetNetwork,
  makeNetwork,
  type NetworkDefinition,
  type NewNetwork,
  readNetworks,
} from './store.ts'
import { removeBridge } from './unwiring.ts'

/** A network that a user has made, where `base` is the engine's own one. */
function networkFor(definition: NetworkDefinition, base: Network): Network {
  const { name, subnet, gateway, internal, range, auxiliary } = definition
  const { driver, mtu } = driverOf(definition)
  return {
    ...{ isAlive: base.isAlive, table: base.table, bridge: bridgeOf(definition), pools: [] },
    ...{ subnet, gateway, internal, directory: `${rootOf(base)}/${name}` },
    ...(driver && { driver }),
    ...(mtu !== undefined && { mtu }),
    ...(range !== undefined && { range }),
    ...(auxiliary && { reserved: Object.values(auxiliary) }),
  }
}

/** The one of this name or id; the engine's own where none is given. Throws a UsageError. */
export const networkNamed = (name: string | undefined, base = bridgeNetwork()): Network =>
  name === undefined ? base : networkFor(findNetwork(rootOf(base), name), base)

/** What a container's flags say about its places in networks. */
type Wish = Pick<RunOptions['network'], 'publish' | 'endpoints' | 'links'> & {
  readonly names: { readonly dns: readonly string[] }
}

/** The most links that a container may have: their number is one character of a link's name. */
export const MOST_LINKS = 36

/** A container's places in its networks. */
export interface Memberships extends Omit<Membership, 'lease'> {
  /** The first is eth0. */
  readonly leases: readonly Lease[]
}

/** As joinNetwork, for a container with these flags and names of its own, in each of its networks. */
export function join(wish: Wish, id: string, names: readonly string[], base = bridgeNetwork()): Memberships {
  const joined: Membership[] = []
  const close = () => {
    for (const membership of joined) membership.close()
  }
  try {
    for (const [i, place] of placesOf(wish, base).entries()) {
      joined.push(joinNetwork(leaseWish(wish, place, { id, names, place: i }), place.network))
      recordMember(place.network, 'connect', id)
    }
    return { leases: joined.map(({ lease }) => lease), sockets: joined.flatMap(({ sockets }) => sockets), close }
  } catch (error) {
    close()
    if (joined.length > 0) leaveNetwork(id, base)
    throw error
  }
}

/** As previewNetwork. */
export const preview = (wish: Wish, id: string, names: readonly string[], base = bridgeNetwork()): Lease[] =>
  placesOf(wish, base).map((place, i) => previewNetwork(leaseWish(wish, place, { id, names, place: i }), place.network))

interface Place {
  readonly endpoint: Endpoint
  readonly network: Network
  /** The way out, and the way in to published ports, lead through it: the first network that has any. */
  readonly isWay: boolean
}

function placesOf({ endpoints, publish }: Wish, base: Network): Place[] {
  const networks = endpoints.map(endpoint => placeIn(endpoint, base))
  const way = networks.findIndex(({ internal }) => !internal)
  const twin = networks.findIndex((network, i) => networks.findIndex(isSame(network)) < i)
  if (twin >= 0) throw new UsageError(`run: --network ${endpoints[twin]!.name ?? 'bridge'}: is given twice`)
  if (endpoints.length > MOST_LINKS) throw new UsageError(`run: --network: at most ${MOST_LINKS} of them`)
  const [port] = publish
  if (port && networks.length > 0) checkWayIn(networks[Math.max(way, 0)]!, port.text)
  return endpoints.map((endpoint, i) => ({ endpoint, network: networks[i]!, isWay: i === way }))
}

const isSame =
  ({ directory }: Network) =>
  (other: Network) =>
    other.directory === directory

function checkWayIn(network: Network, text: string): void {
  const refuse = (why: string) => new UsageError(`run: --publish ${text}: network ${nameOf(network)} is ${why}`)
  if (network.internal) throw refuse('internal, nothing leads into it')
  if (network.driver?.kind === 'macvlan') throw refuse('of driver macvlan: its ports are open to the wire as they are')
}

interface Who {
  readonly id: string
  readonly names: readonly string[]
  /** Its number among the container's links. */
  readonly place: number
}

/** Names and name servers are a matter of networks that users have made. */
export const leaseWish = (
  { publish, names: { dns }, links = [] }: Wish,
  { endpoint, isWay, network }: Place,
  { id, names, place }: Who,
) => ({
  ...{ id, ports: isWay ? publish : [], mac: endpoint.mac, address: endpoint.ip, place },
  secondary: !isWay && !network.internal,
  ...(endpoint.name !== undefined && {
    names: [...new Set([...names, ...endpoint.aliases])],
    links: [...links, ...(endpoint.links ?? [])],
    dns,
  }),
})

/** The network of an endpoint, where it can have the address that it wishes for. Throws a UsageError. */
export function placeIn({ name, ip }: Endpoint, base: Network): Network {
  let network: Network
  try {
    network = networkNamed(name, base)
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`run: --network ${name}: ${error.message}`)
    throw error
  }
  if (ip !== undefined) {
    const { first, last } = parseSubnet(network.subnet!)!
    const address = parseIpv4(ip)!
    if (address <= first || address >= last)
      throw new UsageError(`run: --ip ${ip}: is no address of a container in ${network.subnet}, network ${name}`)
    if (ip === network.gateway) throw new UsageError(`run: --ip ${ip}: is the host’s own in network ${name}`)
  }
  return network
}

/** Makes a network. Throws a UsageError, with exit code 1 where it clashes with another. */
export function createNetwork(wish: NewNetwork, base = bridgeNetwork()): NetworkDefinition {
  if (wish.options?.['com.docker.network.bridge.name'] === base.bridge)
    throw new UsageError(`network ${wish.name}: ${base.bridge} is the bridge of the engine's own network`, 1)
  return exclusively(base, () => {
    const own = parseSubnet(readState(base)?.subnet ?? '') ?? base.pools[0]
    const inUse = own && (readLeases(base).length > 0 || hasLink(base.bridge)) ? [own] : []
    const named = readNetworks(rootOf(base)).flatMap(({ state }) => parseSubnet(state?.subnet ?? '') ?? [])
    const made = makeNetwork(rootOf(base), wish, {
      pools: base.pools,
      others: [...named, ...inUse],
      avoided: () => [...(own ? [own] : []), ...usedByOthers(base)],
    })
    record('network', 'create', made.id, { name: made.name, type: 'bridge' })
    return made
  })
}

/** Also one that cannot be read: then nobody knows its bridge, which has gone with its last container. */
function whatever(word: string, base: Network): { name: string; id: string; network?: Network } {
  const torn = readNetworks(rootOf(base)).find(({ name, state }) => name === word && !state)
  if (torn) return { name: word, id: word }
  const definition = findNetwork(rootOf(base), word)
  return { name: definition.name, id: definition.id, network: networkFor(definition, base) }
}

/** Removes a network. Returns its name. Throws a UsageError (exit code 1) where there is none, or somebody is in it. */
export function removeNetwork(word: string, base = bridgeNetwork()): string {
  return exclusively(base, () => {
    const { name, id, network } = whatever(word, base)
    const users = readLeases({ directory: `${rootOf(base)}/${name}` })
    if (users.length > 0)
      throw new UsageError(`network ${name} is in use by ${users.map(({ id }) => id.slice(0, 12)).join(', ')}`, 1)
    if (network && hasLink(network.bridge)) removeBridge(network) // it would go in a moment by itself, see tidy.ts
    forgetNetwork(rootOf(base), name)
    record('network', 'destroy', id, { name, type: 'bridge' })
    return name
  })
}

/** A container that is in networks has another name now. */
export function renameIn(id: string, old: string, name: string, base = bridgeNetwork()): void {
  if (!readAllLeases(base).some(lease => lease.id === id)) return
  exclusively(base, () => {
    for (const lease of readAllLeases(base))
      if (lease.id === id && lease.names)
        writeLease(networkOf(lease, base), { ...lease, names: lease.names.map(one => (one === old ? name : one)) })
  })
}

/** A network and who is in it. */
export interface NetworkView {
  readonly name: string
  /** Undefined where it cannot be read. */
  readonly state: NetworkDefinition | undefined
  readonly leases: readonly Lease[]
}

/** All that users have made. */
export const listNetworks = (base = bridgeNetwork()): NetworkView[] =>
  readNetworks(rootOf(base)).map(row => ({
    ...row,
    leases: readLeases({ directory: `${rootOf(base)}/${row.name}` }),
  }))
