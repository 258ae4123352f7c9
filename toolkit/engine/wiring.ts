// The bridge, the cables that lead into it, and the firewall around it. The first container finds none of it; each one
// makes or mends what is missing, and the last one takes it away: a machine without containers has nothing of us.
//
// Everything is made from the leases, so it can be made again whenever somebody has removed it: a bridge deleted by
// hand, rules flushed by another firewall. Changes are made under the network's lock.
import { closeSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Action, type Context, writeAction } from '../kernel/action.ts'
import { NETLINK } from '../kernel/constants.ts'
import { KernelError } from '../kernel/error.ts'
import { parseSubnet } from '../kernel/ip.ts'
import { macOfIp4 } from '../kernel/link-name.ts'
import { type Netlink, openNetlink } from '../kernel/netlink.ts'
import { messageAction, netlinkOf } from '../kernel/netlink-action.ts'
import { address } from '../primitives/address.ts'
import { bridge, hairpin, ignoreRouters } from '../primitives/bridge.ts'
import { linkDelete, linkDown, linkMaster, linkUp } from '../primitives/link.ts'
import { addTable, formatTable, getTable, removeTable, replaceTable, type Table } from '../primitives/nftables.ts'
import { route } from '../primitives/route.ts'
import { vethPair } from '../primitives/veth.ts'
import { forgetNames, nameAction } from './dns-service.ts'
import { firewall } from './firewall.ts'
import {
  exclusively,
  hasLink,
  type Lease,
  type Network,
  readAllLeases,
  readHost,
  readLeases,
  removeLease,
  writeHost,
} from './leases.ts'
import { wantedOfHost } from './network-refusal.ts'
import { saying } from './refusal.ts'
import { bootId } from './store.ts'

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward'
const ETH0 = 'eth0'

/** Connects a container: for when its network namespace is there, and before its program starts. */
export function wire(lease: Lease, network: Network): Action[] {
  const prefix = parseSubnet(lease.subnet)!.prefix
  const cable = vethPair({
    name: lease.link,
    master: network.bridge,
    mtu: lease.mtu,
    peer: { name: ETH0, mac: lease.mac, into: { process: 'pid' } },
  })
  return [
    ...wireHost(lease, network),
    saying(messageAction(cable), wantedOfHost('veth')),
    messageAction(hairpin(lease.link)),
    messageAction(address(ETH0, `${lease.address}/${prefix}`), 'inside'),
    messageAction(linkUp(ETH0), 'inside'),
    ...(lease.internal ? [] : [messageAction(route({ gateway: lease.gateway }), 'inside')]),
    ...(lease.network === 'bridge' ? [] : [nameAction(lease, network)]),
  ]
}

/** What the host itself needs for it, and for all others in the network. */
function wireHost(lease: Lease, network: Network): Action[] {
  const { prefix } = parseSubnet(lease.subnet)!
  const gateway = { ...address(network.bridge, `${lease.gateway}/${prefix}`), allow: 'EEXIST' as const }
  const outward = !lease.internal
  return [
    saying(bridgeAction(lease, network), wantedOfHost('bridge')),
    messageAction({ ...gateway, lesson: '15-bridge', why: 'the host’s own place in the network: the way out' }),
    ignoreRouters(network.bridge),
    ...(outward ? [localAction(network)] : []),
    saying(firewallAction(lease, network), wantedOfHost('nftables')), // before anything could pass
    ...(outward ? [saying(forwardAction(network), wantedOfHost('ip-forward'))] : []),
  ]
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

/** Takes away the host's end of a cable, and with it the other. */
export const removeCable = (name: string): void =>
  withNetlink(NETLINK.ROUTE, netlink => netlink.request({ ...linkDelete(name), allow: 'ENODEV' }))

/** Takes the firewall away. To be called `exclusively`, and when there is no container. */
export const removeTables = ({ table }: Network): void =>
  withNetlink(NETLINK.NETFILTER, firewall =>
    firewall.batch((['ip', 'bridge'] as const).flatMap(family => removeTable({ family, name: table }))),
  )

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

/** Lets 127.0.0.1 of the host lead to a published port: such packets are redirected, and leave through the bridge. */
function localAction({ bridge }: Network): Action {
  const path = `/proc/sys/net/ipv4/conf/${bridge}/route_localnet`
  return writeAction(path, '1', {
    why: 'a published port is to answer on 127.0.0.1, too, and such packets may not leave the machine otherwise',
    lesson: '15-bridge',
    shell: `sysctl -w net.ipv4.conf.${bridge}.route_localnet=1`,
  })
}

/** Makes the host pass packets on, and remembers that it did not before. */
function forwardAction(network: Network): Action {
  const write = writeAction(IP_FORWARD, '1', {
    why: 'a host that is no router drops what is not for itself; switched off again with the last container',
    lesson: '15-bridge',
    shell: 'sysctl -w net.ipv4.ip_forward=1',
  })
  const switchOn = (context: Context) => {
    if (forwards()) return
    writeHost(network, { forwarding: bootId() }) // first: so that it is undone after a crash
    write.apply(context)
  }
  return { ...write, apply: context => exclusively(network, () => switchOn(context)) }
}

const forwards = (): boolean => readFileSync(IP_FORWARD, 'utf8').trim() !== '0'

/** The firewall for these containers, of whatever networks. */
function tablesOf(network: Network, leases: readonly Lease[]): Table[] {
  const alone = readHost(network).forwarding === bootId() || !forwards()
  const bridges = [...new Set(leases.map(({ bridge }) => bridge))]
  const segments = bridges.map(bridge => {
    const members = leases.filter(lease => lease.bridge === bridge)
    const { subnet, internal = false } = members[0]!
    return { bridge, subnet, internal, members }
  })
  return firewall({ name: network.table, alone }, segments)
}

function firewallAction(lease: Lease, network: Network): Action {
  const tables = (['ip', 'bridge'] as const).map(family => ({ family, name: network.table }))
  const replace = (netlink: Netlink) => {
    const others = readAllLeases(network).filter(({ id }) => id !== lease.id)
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

/**
 * Takes away what was made for a container, with the last one of all networks all but the bridge (tidy.ts). Returns what
 * it had in which network. `firewall` is a socket of nfnetlink. To be called `exclusively`.
 *
 * The cable is only switched off, which makes it deaf and dumb at once: it goes with the container's network namespace,
 * and to wait for the end of a link takes the kernel 20 to 50 ms.
 */
export function unwire(id: string, network: Network, firewall: Netlink): Lease[] {
  const all = readAllLeases(network)
  const [gone, rest] = [all.filter(lease => lease.id === id), all.filter(lease => lease.id !== id)]
  if (gone.length === 0) return []
  withNetlink(NETLINK.ROUTE, netlink => {
    for (const { link } of gone) netlink.request({ ...linkDown(link), allow: 'ENODEV' })
  })
  if (rest.length > 0) firewall.batch(tablesOf(network, rest).flatMap(replaceTable))
  else firewall.batch((['ip', 'bridge'] as const).flatMap(family => removeTable({ family, name: network.table })))
  if (rest.every(({ internal }) => internal)) restoreForwarding(network)
  for (const lease of gone) {
    removeLease(networkOf(lease, network), lease)
    forgetNames(id, network)
  }
  return gone
}

/** The network that a lease is of, where `network` is another one of the same engine. */
export const networkOf = (lease: Lease, network: Network): Network => ({
  ...network,
  directory: join(dirname(network.directory), lease.network),
  bridge: lease.bridge,
})

/** Switches off what we have switched on. To be called `exclusively`, and when nobody needs it. */
export function restoreForwarding(network: Network): void {
  const { forwarding } = readHost(network)
  if (forwarding === undefined) return
  if (forwarding === bootId()) writeFileSync(IP_FORWARD, '0')
  writeHost(network, {})
}

/** Takes the bridge away at once. To be called `exclusively`, and when nobody is in it. */
export const removeBridge = (network: Network): void =>
  withNetlink(NETLINK.ROUTE, netlink => netlink.request(linkDelete(network.bridge)))

export function withNetlink(
  protocol: (typeof NETLINK)['ROUTE' | 'NETFILTER'],
  action: (netlink: Netlink) => void,
): void {
  const netlink = openNetlink(protocol)
  try {
    action(netlink)
  } finally {
    netlink.close()
  }
}
