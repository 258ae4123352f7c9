// What was made for containers (wiring.ts) is taken away: their cables, the firewall around them, the bridge.
import { NETLINK } from '../../kernel/constants.ts'
import { type Netlink, withNetlink } from '../../kernel/netlink.ts'
import { linkDelete, linkDown } from '../../primitives/link.ts'
import { removeTable, replaceTable } from '../../primitives/nftables.ts'
import { forgetNames } from './dns-service.ts'
import { restoreForwarding } from './forwarding.ts'
import { deviceOf, isBridged, type Lease, type Network, networkOf } from './lease.ts'
import { exclusively, readAllLeases, removeLease, writeLease } from './leases.ts'
import { tableNames, tablesOf } from './tables.ts'

/**
 * Takes away what was made for a container, with the last one of all networks all but the bridge (tidy.ts). Returns what
 * it had in which network. `firewall` is a socket of nfnetlink. To be called `exclusively`.
 *
 * The cable is only switched off, which makes it deaf and dumb at once: it goes with the container's network namespace,
 * and to wait for the end of a link takes the kernel 20 to 50 ms. Where nobody else is in the network, nobody could hear it;
 * then even that can be left to `onLast`, which is told of such a lease: it takes 0.7 ms.
 */
export function unwire(id: string, network: Network, firewall: Netlink, onLast?: (lease: Lease) => void): Lease[] {
  const all = readAllLeases(network)
  const gone = all.filter(lease => lease.id === id)
  if (gone.length === 0) return []
  const isLast = (lease: Lease) => !all.some(other => other.id !== id && other.network === lease.network)
  const last = onLast ? gone.filter(isLast) : []
  const heard = gone.filter(lease => isBridged(lease) && !last.includes(lease))
  if (heard.length > 0)
    withNetlink(NETLINK.ROUTE, netlink => {
      for (const { link } of heard) netlink.request({ ...linkDown(link), allow: 'ENODEV' })
    })
  withoutLeases(gone, network, firewall)
  forgetNames(id, network)
  for (const lease of last) onLast?.(lease)
  return gone
}

/** Takes what the host has for these leases, but for their links, and at last the leases. To be called `exclusively`. */
export function withoutLeases(gone: readonly Lease[], network: Network, firewall: Netlink): void {
  const links = new Set(gone.map(({ link }) => link))
  const rest = readAllLeases(network).filter(lease => isBridged(lease) && !links.has(lease.link))
  if (rest.length > 0) firewall.batch(tablesOf(network, rest).flatMap(replaceTable))
  else firewall.batch(tableNames(network).flatMap(removeTable))
  if (rest.every(({ internal }) => internal)) restoreForwarding(network)
  for (const lease of gone) removeLease(networkOf(lease, network), lease)
}

/** The way out and the published ports of a lease become those of the container's next network that leads out, if any. */
export function handOver({ id, ports }: Lease, network: Network): Lease | undefined {
  return exclusively(network, () => {
    const next = readAllLeases(network)
      .filter(lease => lease.id === id && !lease.internal)
      .toSorted((a, b) => deviceOf(a).localeCompare(deviceOf(b), undefined, { numeric: true }))[0]
    if (!next) return undefined
    const { secondary: _not, ...rest } = next
    const heir = { ...rest, ports: isBridged(next) ? ports : [] }
    writeLease(networkOf(heir, network), heir)
    const tables = tablesOf(network, readAllLeases(network).filter(isBridged))
    withNetlink(NETLINK.NETFILTER, firewall => firewall.batch(tables.flatMap(replaceTable)))
    return heir
  })
}

/** Takes away the host's end of a cable, and with it the other. */
export const removeCable = (name: string): void =>
  withNetlink(NETLINK.ROUTE, netlink => void netlink.request({ ...linkDelete(name), allow: 'ENODEV' }))

/** Takes the firewall away. To be called `exclusively`, and when there is no container. */
export const removeTables = (network: Network): void =>
  withNetlink(NETLINK.NETFILTER, firewall => firewall.batch(tableNames(network).flatMap(removeTable)))

/** Takes the bridge away at once. To be called `exclusively`, and when nobody is in it. */
export const removeBridge = ({ bridge, driver }: Network): void =>
  withNetlink(NETLINK.ROUTE, netlink => {
    netlink.request(linkDelete(bridge))
    if (driver?.kind === 'vxlan') netlink.request(linkDelete(driver.link))
  })
