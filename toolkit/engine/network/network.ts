// The engine's networks: who is in them. A container joins before it is made, is wired up while it is made (wiring.ts), and
// leaves when it has ended, by its own engine or by the next command after that was killed.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { NETLINK } from '../../kernel/constants.ts'
import { parseSubnet, type Subnet } from '../../kernel/ip.ts'
import { hashName } from '../../kernel/link-name.ts'
import { withNetlink } from '../../kernel/netlink.ts'
import { getLink, indexOf } from '../../kernel/rtnetlink.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { readLinks } from '../../observe/links.ts'
import { readRoutes } from '../../observe/routes.ts'
import { record } from '../state/events.ts'
import { isFree } from '../state/files.ts'
import { directoryOf } from '../state/store.ts'
import { builtInId } from './built-in.ts'
import { isBridged, type Lease, lockOf, type Network, nameOf, networkOf, rootOf } from './lease.ts'
import {
  chooseSubnet,
  dockerPools,
  exclusively,
  findLease,
  type LeaseWish,
  readLeases,
  readState,
  removeStrangers,
  writeLease,
  writeState,
} from './leases.ts'
import { holdPorts, type PortWish } from './ports.ts'
import { readNetworks } from './store.ts'
import { tidyLater } from './tidy.ts'
import { removeBridge, unwire } from './unwiring.ts'

const USUAL_STATE = '/var/lib/toolkit'
const EXAMPLE_PORT = 32768 // where the kernel may choose one

/** The network of this state directory; engines with another one have a bridge of their own, and addresses beside it. */
export function bridgeNetwork(): Network {
  const state = resolve(stateDir())
  const name = state === USUAL_STATE ? undefined : hashName('toolkit-', state)
  return {
    bridge: name ?? 'toolkit0',
    table: name ?? 'toolkit',
    directory: `${state}/networks/bridge`,
    get pools() {
      return dockerPools() // most containers find the network that is there
    },
    isAlive: id => existsSync(directoryOf('live', id)) && !isFree(`${directoryOf('live', id)}/lock`),
  }
}

/** What a container wants of a network. */
export interface NetworkWish extends Omit<LeaseWish, 'ports'> {
  readonly ports: readonly PortWish[]
}

/** A container's place in the network. */
export interface Membership {
  readonly lease: Lease
  /** Those that hold the host's ports. */
  readonly sockets: readonly number[]
  /** Lets go of the host's ports; they are held only as long as this engine lives, or who else has the sockets. The lease stays: see leaveNetwork. */
  close(): void
}

/**
 * Takes the ports and an address. Throws a UsageError where one is not to be had; then nothing is taken. `check` throws
 * where it shall not be after all: asked when nobody else can change anything any more.
 */
export function joinNetwork(wish: NetworkWish, network = bridgeNetwork(), check = () => {}): Membership {
  const held = holdPorts(wish.ports)
  try {
    const lease = exclusively(network, () => {
      check()
      return takeLease({ ...wish, ports: held.ports }, network)
    })
    return { lease, sockets: held.sockets, close: held.close }
  } catch (error) {
    held.close()
    throw error
  }
}

function takeLease(wish: LeaseWish, network: Network): Lease {
  if (network.subnet !== undefined && !existsSync(network.directory))
    throw new UsageError(`run: --network ${nameOf(network)}: it has just been removed`)
  removeStrangers(network)
  let leases = readLeases(network)
  const subnet = chooseSubnet(network, leases, () => usedByOthers(network))
  let lease = findLease(network, leases, subnet, wish)
  if (!lease) {
    withNetlink(NETLINK.NETFILTER, firewall => {
      for (const { id } of leases.filter(({ id }) => !network.isAlive(id))) unwire(id, network, firewall)
    })
    leases = readLeases(network)
    lease = findLease(network, leases, subnet, wish)
  }
  if (!lease) throw exhausted(network, leases, wish)
  if (network.subnet === undefined) {
    const last = readState(network)?.subnet
    if (last !== undefined && last !== lease.subnet) removeBridge(network) // it still has the addresses of before
    if (last !== lease.subnet) writeState(network, { subnet: lease.subnet })
  }
  writeLease(network, lease)
  return lease
}

function exhausted(network: Network, leases: readonly Lease[], { address }: LeaseWish): UsageError {
  const name = nameOf(network)
  if (address !== undefined) {
    const { id = 'the host' } = leases.find(lease => lease.address === address) ?? {}
    const holder = network.reserved?.includes(address) ? 'an auxiliary address' : id.slice(0, 12)
    return new UsageError(`run: --ip ${address}: is taken already in network ${name}, by ${holder}`)
  }
  const where = network.range ?? network.subnet ?? leases[0]?.subnet
  return new UsageError(
    `run: --network ${name}: no address is left in ${where}, ${leases.length} containers have one; end some, 'toolkit ps' lists them`,
  )
}

/** What `joinNetwork` would take, as far as one can know without taking it. Needs no rights. */
export function previewNetwork({ ports, ...wish }: NetworkWish, network = bridgeNetwork()): Lease {
  const leases = existsSync(network.directory) && process.getuid!() === 0 ? readLeases(network) : []
  const subnet = chooseSubnet(network, leases, () => usedByOthers(network))
  const lease = findLease(network, leases, subnet, {
    ...wish,
    ports: ports.map(({ protocol, address, host, container }) => ({
      ...{ protocol, address, container },
      host: host?.[0] ?? EXAMPLE_PORT,
    })),
  })
  if (!lease) throw exhausted(network, leases, wish as LeaseWish)
  return lease
}

/**
 * Takes away what was made for a container; with the last one the firewall, too, and the forwarding that we switched on,
 * and soon after the bridge. What is gone already, by whomever, is as good. Throws a NetlinkError; then the lease stays
 * for next time.
 */
export function leaveNetwork(id: string, network = bridgeNetwork()): void {
  if (!existsSync(lockOf(network))) return
  withNetlink(NETLINK.NETFILTER, firewall => {
    // As it was under the lock: who joins meanwhile, perhaps the same container, is found by the process that tidies up.
    const last: { lease: Lease; cable: number | undefined }[] = []
    const onLast = (lease: Lease) => last.push({ lease, cable: isBridged(lease) ? indexOfLink(lease.link) : undefined })
    const gone = exclusively(network, () => unwire(id, network, firewall, onLast))
    for (const lease of gone) recordMember(networkOf(lease, network), 'disconnect', id)
    for (const { lease, cable } of last) tidyLater(networkOf(lease, network), firewall, cable)
  })
}

/** Undefined where it is gone already. */
function indexOfLink(name: string): number | undefined {
  const found = withNetlink(NETLINK.ROUTE, netlink => netlink.request({ ...getLink(name), allow: 'ENODEV' }))
  return found.length > 0 ? indexOf(found) : undefined
}

/** Tells that a container has joined or left. */
export function recordMember(network: Network, action: 'connect' | 'disconnect', container: string): void {
  const name = nameOf(network)
  const all = name === 'bridge' ? [] : readNetworks(rootOf(network))
  record('network', action, all.find(row => row.name === name)?.state?.id ?? builtInId(name), {
    container,
    name,
    type: 'bridge',
  })
}

/** Ranges that the host uses itself, where its links are and where it has routes to; and those of other networks. */
export function usedByOthers(network: Network): Subnet[] {
  const { bridge } = network
  const links = (readLinks(process.pid) ?? []).filter(({ name }) => name !== bridge)
  const routes = (readRoutes(process.pid) ?? []).filter(({ device }) => device !== bridge)
  const all = process.getuid!() === 0 ? readNetworks(rootOf(network)) : [] // who only previews may not look
  const named = all.flatMap(({ state }) => (state ? [state.subnet] : []))
  const texts = [
    ...links.flatMap(({ addresses }) => addresses),
    ...routes.map(({ destination }) => destination),
    ...named,
  ]
  return texts.flatMap(text => parseSubnet(text) ?? [])
}
