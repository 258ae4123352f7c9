// The network links of a process's network namespace, as `ip -d address` lists them. rtnetlink(7).
import { AF, CLONE, IFF } from '../kernel/constants.ts'
import { inNetwork } from '../kernel/enter.ts'
import { formatMac } from '../kernel/link-name.ts'
import { dump } from '../kernel/netlink.ts'
import { attributes, textOf } from '../kernel/netlink-message.ts'
import { IFA, IFLA, ifinfomsg, routeMessage } from '../kernel/rtnetlink.ts'
import { formatAddress } from './addresses.ts'
import { visit } from './visit.ts'

/** RFC 2863, in the kernel's order. `unknown`: the driver does not say; the loopback never does. */
const STATES = ['unknown', 'not present', 'down', 'lower layer down', 'testing', 'dormant', 'up'] as const

export interface Traffic {
  readonly bytes: number
  readonly packets: number
}

export interface Link {
  readonly name: string
  /** Its number in this namespace. */
  readonly index: number
  /** What it is: veth, bridge, macvlan, vxlan …; undefined of the loopback and of hardware. */
  readonly kind: string | undefined
  /** Switched on (IFF_UP). */
  readonly up: boolean
  /** Whether it works, too: a cable whose other end is switched off is up, and its state `lower layer down`. */
  readonly state: (typeof STATES)[number]
  readonly loopback: boolean
  /** Undefined where this kind has none. */
  readonly mac: string | undefined
  /** The largest packet, in bytes. */
  readonly mtu: number
  /** The bridge that it is plugged into. */
  readonly master: string | undefined
  /** The index of the other end of a veth pair, or of the link below a macvlan or vxlan. */
  readonly peer: number | undefined
  /** In what namespace that index counts, as this one numbers its neighbours (`ip netns list-id`); undefined: here. */
  readonly peerNamespace: number | undefined
  /** With prefix length, of a link that is up: 127.0.0.1/8. One that is down may have some, but nobody answers there. */
  readonly addresses: readonly string[]
  readonly received: Traffic
  readonly sent: Traffic
}

/** All addresses of the namespace by the index of their link. */
function addressesHere(): Map<number, string[]> {
  const found = new Map<number, string[]>()
  // struct ifaddrmsg: family, prefix length, flags, scope in a byte each, then the index
  for (const payload of dump(routeMessage('RTM_GETADDR', '', [Buffer.alloc(8)]))) {
    const [family, prefix] = payload
    if (family !== AF.INET && family !== AF.INET6) continue
    const values = attributes(payload, 8)
    const bytes = values.get(IFA.LOCAL) ?? values.get(IFA.ADDRESS)
    if (!bytes) continue
    const index = payload.readUInt32LE(4)
    found.set(index, [...(found.get(index) ?? []), `${formatAddress(bytes)}/${prefix}`])
  }
  return found
}

/** The payloads that list the links. struct ifinfomsg comes first in each: 16 bytes. */
export const dumpLinks = (): { index: number; flags: number; values: Map<number, Buffer> }[] =>
  dump(routeMessage('RTM_GETLINK', '', [ifinfomsg()])).map(payload => ({
    index: payload.readInt32LE(4),
    flags: payload.readUInt32LE(8),
    values: attributes(payload, 16),
  }))

/** The name in a link's attributes. */
export const linkName = (values: Map<number, Buffer>): string => textOf(values.get(IFLA.IFNAME) ?? Buffer.alloc(0))

/** struct rtnl_link_stats64: packets received, sent, bytes received, sent, 8 bytes each, and much more. */
function traffic(bytes: Buffer | undefined, at: 0 | 1): Traffic {
  const number = (i: number) => (bytes ? Number(bytes.readBigUInt64LE(8 * i)) : 0)
  return { packets: number(at), bytes: number(2 + at) }
}

function linksHere(): Link[] {
  const addresses = addressesHere()
  const all = dumpLinks()
  const names = new Map(all.map(({ index, values }) => [index, linkName(values)]))
  return all.map(({ index, flags, values }) => {
    const up = (flags & IFF.UP) !== 0
    const number = (type: number) => values.get(type)?.readUInt32LE(0)
    const info = values.get(IFLA.LINKINFO)
    const kind = info && attributes(info).get(IFLA.INFO_KIND)
    const mac = values.get(IFLA.ADDRESS)
    return {
      name: linkName(values),
      index,
      kind: kind && textOf(kind),
      up,
      state: STATES[values.get(IFLA.OPERSTATE)?.[0] ?? 0] ?? 'unknown',
      loopback: (flags & IFF.LOOPBACK) !== 0,
      mac: mac && formatMac(mac),
      mtu: number(IFLA.MTU) ?? 0,
      master: names.get(number(IFLA.MASTER) ?? 0),
      peer: number(IFLA.LINK) || undefined, // 0 of a tunnel that may use any
      peerNamespace: number(IFLA.LINK_NETNSID),
      addresses: (up && addresses.get(index)) || [],
      received: traffic(values.get(IFLA.STATS64), 0),
      sent: traffic(values.get(IFLA.STATS64), 1),
    }
  })
}

/** The links of a process's network namespace; undefined where it is gone or we may not enter. Throws a NetlinkError. */
export const readLinks = (pid: number): Link[] | undefined => visit(pid, CLONE.NEWNET, linksHere)

/**
 * Those of a network namespace that is held by a descriptor, though perhaps no process is in it: an open file that it was
 * bound to. Throws a KernelError of setns for any other file, and a NetlinkError.
 */
export const readLinksOf = (namespace: number): Link[] => inNetwork(namespace, linksHere)
