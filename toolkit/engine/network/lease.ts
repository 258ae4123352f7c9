// A network of containers, and a container's place in one: what they are, and what can be told from them alone. Who has
// which is on disk (leases.ts).
import { basename, dirname, join } from 'node:path'
import type { Subnet } from '../../kernel/ip.ts'
import type { Driver } from './driver.ts'
import type { Member } from './firewall.ts'

/** A network of containers: names on the host, and where its state is. */
export interface Network {
  /** Its link on the host. */
  readonly bridge: string
  /** Of the firewall's tables. */
  readonly table: string
  readonly directory: string
  /** From which its addresses are taken: the first that nobody else uses. */
  readonly pools: readonly Subnet[]
  /** That a container still is there, for when the addresses run out. */
  readonly isAlive: (id: string) => boolean
  /** address/prefix, where that is given and not chosen when it is needed. */
  readonly subnet?: string
  /** The bridge's own address; default: the first of the network. */
  readonly gateway?: string
  /** Without a way out. */
  readonly internal?: boolean
  /** Where it is more than a bridge. */
  readonly driver?: Driver
  /** address/prefix: only from here addresses are given. */
  readonly range?: string
  /** Addresses that are never given. */
  readonly reserved?: readonly string[]
  /** Bytes of the largest packet, for all in it. */
  readonly mtu?: number
}

/** What a user calls a network: the name of its directory. */
export const nameOf = ({ directory }: Pick<Network, 'directory'>): string => basename(directory)
/** STATE/networks. */
export const rootOf = ({ directory }: Pick<Network, 'directory'>): string => dirname(directory)

/** The lock of all networks of a state directory. */
export const lockOf = (network: Pick<Network, 'directory'>): string => `${rootOf(network)}/.lock`

export interface Lease extends Member {
  /** The container. */
  readonly id: string
  /** The network and its link on the host. */
  readonly network: string
  readonly bridge: string
  /** address/prefix of the network. */
  readonly subnet: string
  /** The bridge's own address, and so the way out. */
  readonly gateway: string
  /** Nothing leads out of the network. */
  readonly internal?: boolean
  /** By which others in the network may look for it. */
  readonly names?: readonly string[]
  /** The name servers that are asked for it; default: the host's. */
  readonly dns?: readonly string[]
  /** Bytes of the largest packet. */
  readonly mtu?: number
  /** Where the network is more than a bridge. */
  readonly driver?: Driver
  /** What the container calls its link; default: eth0. */
  readonly device?: string
  /** Its way out leads through another network. */
  readonly secondary?: true
  /** Others in the network under names that only this container knows. */
  readonly links?: readonly { readonly alias: string; readonly name: string }[]
}

/** What a container calls the link of a lease. */
export const deviceOf = ({ device = 'eth0' }: Pick<Lease, 'device'>): string => device
/** That the container's way out leads through this network. */
export const isWayOut = ({ internal, secondary }: Pick<Lease, 'internal' | 'secondary'>): boolean =>
  !internal && !secondary

/** In a network that users have made, containers find each other by name. */
export const isNamed = ({ network }: Lease): boolean => network !== 'bridge'

/** What a container sends comes by our bridge, and so by our firewall. */
export const isBridged = ({ driver }: Lease): boolean => driver?.kind !== 'macvlan'

/** The network that a lease is of, where `network` is another one of the same engine. */
export const networkOf = (lease: Lease, network: Network): Network => ({
  ...network,
  directory: join(rootOf(network), lease.network),
  bridge: lease.bridge,
  ...(lease.driver && { driver: lease.driver }),
})
