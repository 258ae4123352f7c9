// The bridge, the cables that lead into it, and the firewall around it. The first container finds none of it; each one
// makes or mends what is missing, and the last one takes it away (unwiring.ts): a machine without containers has nothing
// of us.
//
// Everything is made from the leases, so it can be made again whenever somebody has removed it: a bridge deleted by
// hand, rules flushed by another firewall. Changes are made under the network's lock.
import { closeSync } from 'node:fs'
import type { Action } from '../../kernel/action.ts'
import { NETLINK } from '../../kernel/constants.ts'
import { KernelError } from '../../kernel/error.ts'
import { parseSubnet } from '../../kernel/ip.ts'
import { macOfIp4 } from '../../kernel/link-name.ts'
import { type Netlink, withNetlink } from '../../kernel/netlink.ts'
import { messageAction, netlinkOf } from '../../kernel/netlink-action.ts'
import type { ToldMessage } from '../../kernel/netlink-message.ts'
import { address } from '../../primitives/address.ts'
import { bridge, hairpin, ignoreRouters } from '../../primitives/bridge.ts'
import { linkDelete, linkMaster, linkUp } from '../../primitives/link.ts'
import { macvlan } from '../../primitives/macvlan.ts'
import { addTable, formatTable, getTable, replaceTable } from '../../primitives/nftables.ts'
import { route } from '../../primitives/route.ts'
import { vethPair } from '../../primitives/veth.ts'
import { vxlan } from '../../primitives/vxlan.ts'
import { refusing, saying } from '../refusal.ts'
import { nameAction } from './dns-service.ts'
import { forwardAction, localAction } from './forwarding.ts'
import { deviceOf, isNamed, isWayOut, type Lease, type Network, networkOf } from './lease.ts'
import { exclusively, hasLink, readAllLeases, readLeases } from './leases.ts'
import { wantedOfHost } from './refusal.ts'
import { tableNames, tablesOf } from './tables.ts'

/** Connects a container with its networks: for when its network namespace is there, and before its program starts. */
export const wireAll = (leases: readonly Lease[], network: Network): Action[] => [
  ...leases.flatMap(lease => wire(lease, networkOf(lease, network))),
  ...(leases.some(isNamed) ? [nameAction(leases[0]!, network)] : []),
]

/** Connects a container with one network. */
export function wire(lease: Lease, network: Network): Action[] {
  const { prefix } = parseSubnet(lease.subnet)!
  const device = deviceOf(lease)
  return [
    ...(lease.driver?.kind === 'macvlan' ? [wireCard(lease, device)] : wireCable(lease, network, device)),
    messageAction(address(device, `${lease.address}/${prefix}`), 'inside'),
    messageAction(linkUp(device), 'inside'),
    ...(isWayOut(lease) ? [messageAction(route({ gateway: lease.gateway }), 'inside')] : []),
  ]
}

/** A link of its own on the wire of the host's. */
function wireCard({ network: name, driver, mac }: Lease, device: string): Action {
  const { parent, mode } = driver as Extract<typeof driver, { kind: 'macvlan' }>
  const card = messageAction(macvlan({ name: device, parent, mode, mac, into: { process: 'pid' } }))
  return saying(card, refusing({ asked: `run: --network ${name}`, allowed: `with parent ${parent} there, and free` }))
}

/** A cable to the bridge, and all that makes the bridge a network. */
function wireCable(lease: Lease, network: Network, device: string): Action[] {
  const cable = vethPair({
    name: lease.link,
    master: network.bridge,
    mtu: lease.mtu,
    peer: { name: device, mac: lease.mac, into: { process: 'pid' } },
  })
  return [
    ...wireHost(lease, network),
    saying(cableAction(cable, lease), wantedOfHost('veth')),
    messageAction(hairpin(lease.link)),
  ]
}

/** The cable of the container's last time is taken away where the kernel has not come to that yet. */
function cableAction(cable: ToldMessage, { link }: Lease): Action {
  return messageAction(cable, 'outside', context => {
    const netlink = netlinkOf(context, 'outside')
    if (succeeds(() => netlink.request(cable, context), 'EEXIST')) return
    netlink.request(linkDelete(link))
    netlink.request(cable, context)
  })
}

/** What the host itself needs for it, and for all others in the network. */
function wireHost(lease: Lease, network: Network): Action[] {
  const { prefix } = parseSubnet(lease.subnet)!
  const gateway = { ...address(network.bridge, `${lease.gateway}/${prefix}`), allow: 'EEXIST' as const }
  const outward = !lease.internal
  return [
    saying(bridgeAction(lease, network), wantedOfHost('bridge')),
    ...(lease.driver?.kind === 'vxlan' ? [tunnelAction(lease.driver, network, lease)] : []),
    messageAction({ ...gateway, lesson: '15-bridge', why: 'the host’s own place in the network: the way out' }),
    ignoreRouters(network.bridge),
    ...(outward ? [localAction(network)] : []),
    saying(firewallAction(lease, network), wantedOfHost('nftables')), // before anything could pass
    ...(outward ? [saying(forwardAction(network), wantedOfHost('ip-forward'))] : []),
  ]
}

/** Makes the tunnel to the other host, or plugs it in again where the bridge was gone. */
function tunnelAction(
  driver: Extract<Lease['driver'], { kind: 'vxlan' }>,
  network: Network,
  { network: name }: Lease,
): Action {
  const { link, parent, ...more } = driver
  const wanted = vxlan({ ...more, name: link, link: parent, master: network.bridge })
  const make = (netlink: Netlink) => {
    if (!hasLink(link)) {
      netlink.request(wanted) // EEXIST: another tunnel has this id
      return
    }
    netlink.request(linkMaster(link, network.bridge))
    netlink.request(linkUp(link))
  }
  const action = messageAction(wanted, 'outside', context =>
    exclusively(network, () => make(netlinkOf(context, 'outside'))),
  )
  const allowed = `with an id that no other tunnel has, ${more.id} here${parent ? `, and ${parent} there` : ''}`
  return saying(action, refusing({ asked: `run: --network ${name}`, allowed }))
}

/** Makes on the host again what somebody has taken away from a network with containers in it: one of them is enough. */
export function mend(lease: Lease, network: Network): void {
  const descriptors = new Map<string, number>()
  try {
    for (const action of wireHost(lease, network)) action.apply({ descriptors })
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
  withNetlink(NETLINK.ROUTE, netlink => {
    succeeds(() => netlink.request(linkMaster(lease.link, network.bridge)), 'ENODEV')
  })
}

/** Makes the bridge. Where it was gone, the cables of those who are there already are plugged in again. */
function bridgeAction({ gateway, id }: Lease, network: Network): Action {
  const wanted = bridge({ name: network.bridge, mac: macOfIp4(gateway) })
  const make = (netlink: Netlink) => {
    if (hasLink(network.bridge) || !succeeds(() => netlink.request(wanted), 'EEXIST')) {
      netlink.request(linkUp(network.bridge))
      return
    }
    for (const { link } of readLeases(network).filter(lease => lease.id !== id))
      succeeds(() => netlink.request(linkMaster(link, network.bridge)), 'ENODEV')
  }
  return messageAction(wanted, 'outside', context => exclusively(network, () => make(netlinkOf(context, 'outside'))))
}

/** Does it; false where that fails with the error that is as good as done. */
function succeeds(action: () => void, code: 'EEXIST' | 'ENODEV'): boolean {
  try {
    action()
    return true
  } catch (error) {
    if (error instanceof KernelError && error.code === code) return false
    throw error
  }
}

function firewallAction(lease: Lease, network: Network): Action {
  const tables = tableNames(network)
  const replace = (netlink: Netlink) => {
    const others = readAllLeases(network).filter(({ link }) => link !== lease.link)
    // Closing a socket that has removed a table takes until the kernel has freed it, some 5 ms; so only where there is one.
    const there = tables.some(table => netlink.request({ ...getTable(table), allow: 'ENOENT' }).length > 0)
    const wanted = tablesOf(network, [...others, lease])
    netlink.batch(wanted.flatMap(there ? replaceTable : addTable))
  }
  return {
    text: `nfnetlink: tables ${tables.map(({ family, name }) => `${family} ${name}`).join(' and ')} in one transaction`,
    why: 'out goes what a container sends under its own address; in come answers and published ports, nothing else',
    lesson: '15-bridge',
    get shell() {
      const empty = tables.map(({ family, name }) => `table ${family} ${name}; delete table ${family} ${name}`)
      return `nft '${[...empty, ...tablesOf(network, [lease]).map(formatTable)].join('\n')}'`
    },
    apply: context => exclusively(network, () => replace(netlinkOf(context, 'outside', NETLINK.NETFILTER))),
  }
}
