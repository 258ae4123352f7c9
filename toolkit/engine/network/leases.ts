// Who has which address of the engine's networks, on disk, so that engines that know nothing of each other agree.
//
//   STATE/networks/.lock                 held (flock) by whoever changes anything of any network: they share a firewall
//   STATE/networks/.host.json            what we have changed on the host for them
//   STATE/networks/NAME/network.json     its addresses, where they are not given (store.ts)
//   STATE/networks/NAME/leases/ADDRESS   a container's link, and all that the firewall must know of it
//
// A lease is written before anything is made for it and removed when all of that is gone.
import { closeSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { formatIpv4, formatSubnet, overlap, parseSubnet, type Subnet } from '../../kernel/ip.ts'
import { checkLinkName, macOfIp4 } from '../../kernel/link-name.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { entries, lock, makeTree, writeJson } from '../state/files.ts'
import { type Lease, lockOf, type Network, nameOf, rootOf } from './lease.ts'
import type { Port } from './ports.ts'

export interface LeaseWish {
  readonly id: string
  readonly ports: readonly Port[]
  /** Default: made of the address, so that who gets an address again has the MAC that its neighbours remember. */
  readonly mac?: string | undefined
  readonly mtu?: number | undefined
  /** Default: the lowest that is free. */
  readonly address?: string | undefined
  readonly names?: readonly string[]
  readonly dns?: readonly string[]
  readonly links?: Lease['links']
  /** Of the container's links: 0 is eth0. */
  readonly place?: number
  /** Its way out leads through another network. */
  readonly secondary?: boolean
}

/** network.json. */
interface NetworkState {
  readonly subnet: string
}

/** .host.json. */
interface HostState {
  /** The start of the machine (boot_id) in which we switched forwarding on. */
  readonly forwarding?: string
}

/** Docker's: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in sixteen parts. */
export const dockerPools = (): Subnet[] => [
  ...Array.from({ length: 15 }, (_, i) => parseSubnet(`172.${17 + i}.0.0/16`)!),
  ...Array.from({ length: 16 }, (_, i) => parseSubnet(`192.168.${16 * i}.0/20`)!),
]

/** Runs `action`, which waits for nothing, while no other engine changes a network. Not within itself. */
export function exclusively<T>(network: Pick<Network, 'directory'>, action: () => T): T {
  makeTree(rootOf(network))
  const fd = lock(lockOf(network), { wait: true })!
  try {
    return action()
  } finally {
    closeSync(fd)
  }
}

function read<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return undefined // not there, or torn by a full disk
  }
}

export const readState = ({ directory }: Network): NetworkState | undefined => read(`${directory}/network.json`)

export function writeState({ directory }: Network, state: NetworkState): void {
  makeTree(directory)
  writeJson(`${directory}/network.json`, state, { durable: false })
}

export const readHost = (network: Pick<Network, 'directory'>): HostState => read(`${rootOf(network)}/.host.json`) ?? {}

export function writeHost(network: Pick<Network, 'directory'>, state: HostState): void {
  writeJson(`${rootOf(network)}/.host.json`, state, { durable: false })
}

/** That a file says what a lease says: it may have been torn by a full disk, or written by somebody else. */
const isLease = (found: Lease | undefined, name: string, network: Pick<Network, 'directory'>): found is Lease =>
  found?.address === name &&
  found.network === nameOf(network) &&
  [found.id, found.bridge, found.link, found.mac, found.gateway].every(word => typeof word === 'string') &&
  parseSubnet(String(found.subnet)) !== undefined &&
  Array.isArray(found.ports)

/** All leases of the network; a file that is none is nobody's. */
export const readLeases = ({ directory }: Pick<Network, 'directory'>): Lease[] =>
  entries(`${directory}/leases`).flatMap(name => {
    const found = read<Lease>(`${directory}/leases/${name}`)
    return isLease(found, name, { directory }) ? [found] : []
  })

/** Those of all networks. */
export const readAllLeases = (network: Pick<Network, 'directory'>): Lease[] =>
  entries(rootOf(network)).flatMap(name =>
    name.startsWith('.') ? [] : readLeases({ directory: `${rootOf(network)}/${name}` }),
  )

/** Whether a file among the leases is one. */
export const isLeaseFile = (name: string, network: Pick<Network, 'directory'>): boolean =>
  isLease(read(`${network.directory}/leases/${name}`), name, network)

/** Removes what lies among the leases and is none. To be called `exclusively`. */
export function removeStrangers({ directory }: Network): void {
  for (const name of entries(`${directory}/leases`))
    if (!isLeaseFile(name, { directory })) rmSync(`${directory}/leases/${name}`, { recursive: true })
}

/** Whether there is a link of this name in our network namespace. */
export const hasLink = (name: string): boolean => existsSync(`/proc/sys/net/ipv4/conf/${name}`)

/**
 * The addresses of the network: those it has; where it has no bridge now, those it had, unless somebody else has come to
 * use them.
 */
export function chooseSubnet(network: Network, leases: readonly unknown[], used: () => readonly Subnet[]): Subnet {
  const given = parseSubnet(network.subnet ?? '')
  if (given) return given
  const last = parseSubnet(readState(network)?.subnet ?? '')
  if (last && (leases.length > 0 || hasLink(network.bridge))) return last
  const others = used()
  const isUnused = (pool: Subnet) => !others.some(other => overlap(pool, other))
  const found = last && isUnused(last) ? last : network.pools.find(isUnused)
  if (found) return found
  throw new UsageError(
    'run: --network bridge: every range of addresses for containers overlaps one of the host; `ip route` lists them',
  )
}

/** The lease for the lowest free address, or the one that is wished for; undefined where there is none. Changes nothing. */
export function findLease(
  network: Pick<Network, 'directory' | 'bridge' | 'gateway' | 'internal' | 'driver' | 'range' | 'reserved' | 'mtu'>,
  leases: readonly Pick<Lease, 'address'>[],
  subnet: Subnet,
  { id, ports, mac, mtu = network.mtu, address, names = [], dns = [], links = [], place = 0, secondary }: LeaseWish,
): Lease | undefined {
  const gateway = network.gateway ?? formatIpv4(subnet.first + 1)
  const taken = new Set([gateway, ...(network.reserved ?? []), ...leases.map(({ address }) => address)])
  const range = parseSubnet(network.range ?? '') ?? subnet
  const free = address === undefined ? lowestFree(subnet, range, taken) : taken.has(address) ? undefined : address
  if (free === undefined) return undefined
  return {
    id,
    network: nameOf(network),
    bridge: network.bridge,
    address: free,
    subnet: formatSubnet(subnet),
    gateway,
    mac: mac ?? macOfIp4(free),
    link: checkLinkName(`tk${id.slice(0, 12)}${place === 0 ? '' : place.toString(36)}`),
    ports,
    ...(network.internal && { internal: true }),
    ...(names.length > 0 && { names }),
    ...(dns.length > 0 && { dns }),
    ...(mtu !== undefined && { mtu }),
    ...(network.driver && { driver: network.driver }),
    ...(place > 0 && { device: `eth${place}` }),
    ...(secondary && { secondary }),
    ...(links.length > 0 && { links }),
  }
}

/** The first address of a network names it, the last one is for broadcasts. */
function lowestFree(subnet: Subnet, range: Subnet, taken: ReadonlySet<string>): string | undefined {
  const [first, last] = [Math.max(range.first, subnet.first + 1), Math.min(range.last, subnet.last - 1)]
  for (let number = first; number <= last; number++) if (!taken.has(formatIpv4(number))) return formatIpv4(number)
  return undefined
}

/** To be called `exclusively`, as all that writes. */
export function writeLease({ directory }: Network, lease: Lease): void {
  makeTree(`${directory}/leases`) // whoever tidies up removes it, see tidy.ts
  writeJson(`${directory}/leases/${lease.address}`, lease, { durable: false })
}

export function removeLease({ directory }: Pick<Network, 'directory'>, { address }: Lease): void {
  rmSync(`${directory}/leases/${address}`, { force: true })
}
