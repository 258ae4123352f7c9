// The vocabulary of rtnetlink(7): message types, attributes, and the fixed structures in front of those.
import { IFF } from './constants.ts'
import { attribute, gap, join, type Message, message, type Part, string } from './netlink-message.ts'

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
} as const

/** Attributes of a link; INFO_KIND and INFO_DATA are inside LINKINFO. */
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKINFO: 18,
  NET_NS_PID: 19,
  STATS64: 23,
  NET_NS_FD: 28,
  LINK_NETNSID: 37,
  INFO_KIND: 1,
  INFO_DATA: 2,
  BR_FORWARD_DELAY: 1,
  BR_AGEING_TIME: 4,
  BR_STP_STATE: 5,
  MACVLAN_MODE: 1,
  VXLAN_ID: 1,
  VXLAN_GROUP: 2,
  VXLAN_LINK: 3,
  VXLAN_LOCAL: 4,
  VXLAN_PORT: 15,
} as const

/** Attributes of the kind veth. */
export const VETH = { INFO_PEER: 1 } as const

/** Attributes of an address. */
export const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3 } as const

/** Attributes of a route. */
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const

/** Tables of routes, and how far and why a route is there. */
export const RT = { TABLE_MAIN: 254, SCOPE_UNIVERSE: 0, SCOPE_LINK: 253 } as const
export const RTPROT = { KERNEL: 2, BOOT: 3 } as const
export const RTN = { UNICAST: 1 } as const

type Name = `RTM_${keyof typeof RTM}`

/** A message of rtnetlink by its name: type and text go with it. */
export function routeMessage(
  name: Name,
  text: string,
  parts: readonly (Buffer | Part)[],
  more: Partial<Pick<Message, 'flags' | 'allow'>> = {},
): Message {
  return message({ name, type: RTM[name.slice(4) as keyof typeof RTM], flags: 0, text, ...more }, parts)
}

/** struct ifinfomsg: a link, by its name where `index` is 0, and which of its flags to set or clear. */
export function ifinfomsg({ index = 0, up }: { index?: number; up?: boolean | undefined } = {}): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(index, 4)
  if (up === undefined) return bytes
  bytes.writeUInt32LE(up ? IFF.UP : 0, 8)
  bytes.writeUInt32LE(IFF.UP, 12) // the flags that it is about
  return bytes
}

/** The index of a link, which only the kernel knows. */
export const linkIndex = (name: string): Part => gap({ link: name })

/** struct ifaddrmsg. */
export const ifaddrmsg = (family: number, prefix: number, link: string): Part =>
  join([Buffer.from([family, prefix, 0, 0]), linkIndex(link)])

/** struct rtmsg of a unicast route. */
export const rtmsg = (family: number, prefix: number, scope: number): Buffer =>
  Buffer.from([family, prefix, 0, 0, RT.TABLE_MAIN, RTPROT.BOOT, scope, RTN.UNICAST, 0, 0, 0, 0])

/** Asks for one link. */
export const getLink = (name: string): Message =>
  routeMessage('RTM_GETLINK', name, [ifinfomsg(), attribute(IFLA.IFNAME, string(name))])

/** The index of the link in the answer. */
export const indexOf = ([answer]: readonly Buffer[]): number => answer!.readInt32LE(4)
