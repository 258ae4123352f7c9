// Who has which address of the engine's network, on disk, so that engines that know nothing of each other agree.
//
//   STATE/networks/bridge/lock             held (flock) by whoever changes anything of the network
//   STATE/networks/bridge/network.json     its addresses, and what we have changed on the host for it
//   STATE/networks/bridge/leases/ADDRESS   a container's link, and all that the firewall must know of it
//
// A lease is written before anything is made for it and removed when all of that is gone.
import { closeSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { formatIpv4, formatSubnet, overlap, parseSubnet, type Subnet } from '../kernel/ip.ts'
import { checkLinkName, macOfIp4 } from '../kernel/link-name.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { entries, lock, makeTree, writeJson } from './files.ts'
import type { Member } from './firewall.ts'
import type { Port } from './ports.ts'

/** A network of containers: names on the host, and where its state is. */
export interface Network {
  readonly bridge: string
  /** Of the firewall's tables. */
  readonly table: string
  readonly directory: string
  /** From which its addresses are taken: the first that nobody else uses. */
  readonly pools: readonly Subnet[]
  /** That a container still is there, for when the addresses run out. */
  readonly isAlive: (id: string) => boolean
}

export interface Lease extends Member {
  /** The container. */
  readonly id: string
  /** address/prefix of the network. */
  readonly subnet: string
  /** The bridge's own address, and so the way out. */
  readonly gateway: string
  /** Bytes of the largest packet. */
  readonly mtu?: number
}

export interface LeaseWish {
  readonly id: string
  readonly ports: readonly Port[]
  /** Default: made of the address, so that who gets an address again has the MAC that its neighbours remember. */
  readonly mac?: string | undefined
  readonly mtu?: number | undefined
}

/** network.json. */
interface NetworkState {
  readonly subnet: string
  /** The start of the machine (boot_id) in which we switched forwarding on. */
  readonly forwarding?: string
}

/** Docker's: 172.17.0.0/16 to 172.31.0.0/16, then 192.168.0.0/16 in sixteen parts. */
export const dockerPools = (): Subnet[] => [
  ...Array.from({ length: 15 }, (_, i) => parseSubnet(`172.${17 + i}.0.0/16`)!),
  ...Array.from({ length: 16 }, (_, i) => parseSubnet(`192.168.${16 * i}.0/20`)!),
]

/** Runs `action`, which waits for nothing, while no other engine changes the network. */
export function exclusively<T>({ directory }: Network, action: () => T): T {
  makeTree(directory)
  const fd = lock(`${directory}/lock`, { wait: true })!
  try {
    makeTree(`${directory}/leases`) // whoever tidies up removes it, see tidy.ts
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
  writeJson(`${directory}/network.json`, state, { durable: false })
}

/** That a file says what a lease says: it may have been torn by a full disk, or written by somebody else. */
const isLease = (found: Lease | undefined, name: string): found is Lease =>
  found?.address === name &&
  [found.id, found.link, found.mac, found.gateway].every(word => typeof word === 'string') &&
  parseSubnet(String(found.subnet)) !== undefined &&
  Array.isArray(found.ports)

/** All leases of the network; a file that is none is nobody's. */
export const readLeases = ({ directory }: Network): Lease[] =>
  entries(`${directory}/leases`).flatMap(name => {
    const found = read<Lease>(`${directory}/leases/${name}`)
    return isLease(found, name) ? [found] : []
  })

/** Removes what lies among the leases and is none. To be called `exclusively`. */
export function removeStrangers({ directory }: Network): void {
  for (const name of entries(`${directory}/leases`))
    if (!isLease(read(`${directory}/leases/${name}`), name)) rmSync(`${directory}/leases/${name}`, { recursive: true })
}

/** Whether there is a link of this name in our network namespace. */
export const hasLink = (name: string): boolean => existsSync(`/proc/sys/net/ipv4/conf/${name}`)

/**
 * The addresses of the network: those it has; where it has no bridge now, those it had, unless somebody else has come to
 * use them.
 */
export function chooseSubnet(network: Network, leases: readonly Lease[], used: () => readonly Subnet[]): Subnet {
  const last = parseSubnet(readState(network)?.subnet ?? '')
  if (last && (leases.length > 0 || hasLink(network.bridge))) return last
  const others = used()
  const found = [...(last ? [last] : []), ...network.pools].find(pool => !others.some(other => overlap(pool, other)))
  if (found) return found
  throw new UsageError(
    'run: --network bridge: every range of addresses for containers overlaps one of the host; `ip route` lists them',
  )
}

/** The lease for the lowest free address; undefined where there is none. Changes nothing. */
export function findLease(
  leases: readonly Lease[],
  subnet: Subnet,
  { id, ports, mac, mtu }: LeaseWish,
): Lease | undefined {
  const taken = new Set(leases.map(({ address }) => address))
  // The first address names the network, the second is the bridge's, the last one is for broadcasts.
  for (let number = subnet.first + 2; number < subnet.last; number++) {
    const address = formatIpv4(number)
    if (taken.has(address)) continue
    return {
      id,
      address,
      subnet: formatSubnet(subnet),
      gateway: formatIpv4(subnet.first + 1),
      mac: mac ?? macOfIp4(address),
      link: checkLinkName(`tk${id.slice(0, 12)}`),
      ports,
      ...(mtu !== undefined && { mtu }),
    }
  }
  return undefined
}

/** To be called `exclusively`, as all that writes. */
export function writeLease({ directory }: Network, lease: Lease): void {
  writeJson(`${directory}/leases/${lease.address}`, lease, { durable: false })
}

export function removeLease({ directory }: Network, { address }: Lease): void {
  rmSync(`${directory}/leases/${address}`, { force: true })
}
