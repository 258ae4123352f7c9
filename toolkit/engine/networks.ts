// The networks of an engine by their names: the one that is always there, and those that users have made.
import { dirname } from 'node:path'
import { parseIpv4, parseSubnet } from '../kernel/ip.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { record } from './events.ts'
import { exclusively, hasLink, type Lease, type Network, readLeases, readState } from './leases.ts'
import { bridgeNetwork, joinNetwork, type Membership, previewNetwork, recordMember, usedByOthers } from './network.ts'
import {
  bridgeOf,
  findNetwork,
  forgetNetwork,
  makeNetwork,
  type NetworkDefinition,
  type NewNetwork,
  readNetworks,
} from './network-store.ts'
import type { RunOptions } from './options.ts'
import { removeBridge } from './wiring.ts'

const rootDir = (base: Network): string => dirname(base.directory)

/** A network that a user has made, where `base` is the engine's own one. */
function networkFor(definition: NetworkDefinition, base: Network): Network {
  const { name, subnet, gateway, internal } = definition
  const directory = `${rootDir(base)}/${name}`
  return { ...base, ...{ subnet, gateway, internal, directory }, bridge: bridgeOf(definition), pools: [] }
}

/** The one of this name or id; the engine's own where none is given. Throws a UsageError. */
export const networkNamed = (name: string | undefined, base = bridgeNetwork()): Network =>
  name === undefined ? base : networkFor(findNetwork(rootDir(base), name), base)

/** What a container's flags say about its place in a network. */
type Wish = Pick<RunOptions['network'], 'name' | 'publish' | 'mac' | 'ip' | 'aliases'> & {
  readonly names: { readonly dns: readonly string[] }
}

/** As joinNetwork, for a container with these flags and names of its own. */
export function join(wish: Wish, id: string, names: readonly string[], base = bridgeNetwork()): Membership {
  const network = named(wish, base)
  const membership = joinNetwork(leaseWish(wish, id, names), network)
  recordMember(network, 'connect', id)
  return membership
}

/** As previewNetwork. */
export function preview(wish: Wish, id: string, names: readonly string[], base = bridgeNetwork()): Lease {
  return previewNetwork(leaseWish(wish, id, names), named(wish, base))
}

/** Names and name servers are a matter of networks that users have made. */
const leaseWish = (wish: Wish, id: string, names: readonly string[]) => ({
  ...{ id, ports: wish.publish, mac: wish.mac, address: wish.ip },
  ...(wish.name !== undefined && { names: [...new Set([...names, ...wish.aliases])], dns: wish.names.dns }),
})

function named({ name, ip, publish }: Wish, base: Network): Network {
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
  if (network.internal && publish.length > 0)
    throw new UsageError(`run: --publish ${publish[0]!.text}: network ${name} is internal, nothing leads into it`)
  return network
}

/** Makes a network. Throws a UsageError, with exit code 1 where it clashes with another. */
export function createNetwork(wish: NewNetwork, base = bridgeNetwork()): NetworkDefinition {
  return exclusively(base, () => {
    const own = parseSubnet(readState(base)?.subnet ?? '') ?? base.pools[0]
    const inUse = own && (readLeases(base).length > 0 || hasLink(base.bridge)) ? [own] : []
    const named = readNetworks(rootDir(base)).flatMap(({ state }) => parseSubnet(state?.subnet ?? '') ?? [])
    const made = makeNetwork(rootDir(base), wish, {
      pools: base.pools,
      others: [...named, ...inUse],
      avoided: () => [...(own ? [own] : []), ...usedByOthers(base)],
    })
    record('network', 'create', made.id, { name: made.name, type: 'bridge' })
    return made
  })
}

/** Also one that cannot be read: then nobody knows its bridge, which has gone with its last container. */
function whatever(word: string, base: Network): { name: string; id: string; bridge?: string } {
  const torn = readNetworks(rootDir(base)).find(({ name, state }) => name === word && !state)
  if (torn) return { name: word, id: word }
  const definition = findNetwork(rootDir(base), word)
  return { name: definition.name, id: definition.id, bridge: bridgeOf(definition) }
}

/** Removes a network. Returns its name. Throws a UsageError (exit code 1) where there is none, or somebody is in it. */
export function removeNetwork(word: string, base = bridgeNetwork()): string {
  return exclusively(base, () => {
    const { name, id, bridge } = whatever(word, base)
    const users = readLeases({ directory: `${rootDir(base)}/${name}` })
    if (users.length > 0)
      throw new UsageError(`network ${name} is in use by ${users.map(({ id }) => id.slice(0, 12)).join(', ')}`, 1)
    if (bridge !== undefined && hasLink(bridge)) removeBridge({ ...base, bridge }) // it would go in a moment by itself, see tidy.ts
    forgetNetwork(rootDir(base), name)
    record('network', 'destroy', id, { name, type: 'bridge' })
    return name
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
  readNetworks(rootDir(base)).map(row => ({
    ...row,
    leases: readLeases({ directory: `${rootDir(base)}/${row.name}` }),
  }))
