// From leases to the firewall: which containers are behind which bridge.
import { macOfIp4 } from '../../kernel/link-name.ts'
import type { Table } from '../../primitives/nftables.ts'
import { bootId } from '../state/store.ts'
import { firewall } from './firewall.ts'
import { forwards } from './forwarding.ts'
import { isBridged, type Lease, type Network } from './lease.ts'
import { readHost } from './leases.ts'

/** What the firewall's tables are called. */
export const tableNames = ({ table: name }: Network) => [
  { family: 'ip', name } as const,
  { family: 'bridge', name } as const,
]

/** The firewall for these containers, of whatever networks. */
export function tablesOf(network: Network, leases: readonly Lease[]): Table[] {
  const alone = readHost(network).forwarding === bootId() || !forwards()
  const bridges = [...new Set(leases.filter(isBridged).map(({ bridge }) => bridge))]
  const segments = bridges.map(bridge => {
    const members = leases.filter(lease => lease.bridge === bridge)
    const { subnet, internal = false, driver, gateway } = members[0]!
    const tunnel = driver?.kind === 'vxlan' ? { link: driver.link, mac: macOfIp4(gateway) } : undefined
    return { bridge, subnet, internal, members, ...(tunnel && { tunnel }) }
  })
  return firewall({ name: network.table, alone }, segments)
}
