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

/** Attributes of a link; those with INFO are inside LINKINFO. */
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
  INFO_SLAVE_KIND: 4,
  INFO_SLAVE_DATA: 5,
} as const

/** Inside INFO_DATA, for each kind its own. */
export const VETH = { INFO_PEER: 1 } as const
export const BR = { FORWARD_DELAY: 1, AGEING_TIME: 4, STP_STATE: 5 } as const
/** Inside INFO_SLAVE_DATA: of a link that is plugged into a bridge. */
export const BRPORT = { MODE: 4 } as const
export const MACVLAN = { MODE: 1 } as const
export const VXLAN = { ID: 1, GROUP: 2, LINK: 3, LOCAL: 4, PORT: 15 } as const

/** Attributes of an address. */
export const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4 } as const

/** Attributes of a route. */
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, MULTIPATH: 9, TABLE: 15, VIA: 18 } as const

/** A route's table; how far it leads; who made it; what happens to its packets. */
export const RT_TABLE = { MAIN: 254 } as const
export const RT_SCOPE = { UNIVERSE: 0, LINK: 253 } as const
export const RTPROT = { BOOT: 3 } as const
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

/** IFLA_LINKINFO: a link's kind, and what only this kind has. */
export const linkInfo = (kind: string, data: readonly (Buffer | Part)[] = []): Part =>
  attribute(IFLA.LINKINFO, [
    attribute(IFLA.INFO_KIND, string(kind)),
    ...(data.length > 0 ? [attribute(IFLA.INFO_DATA, data)] : []),
  ])

/** The network namespace that a link is born in: the new process's, or one that an action holds open. */
export type Into = { readonly process: 'pid' } | { readonly descriptor: string }

/** Says so in a message; nothing where it is born at home. */
export function birthplace(into: Into | undefined): Part[] {
  if (into === undefined) return []
  return [attribute('process' in into ? IFLA.NET_NS_PID : IFLA.NET_NS_FD, gap(into))]
}

/** The same as ip(8) is told. */
export const netnsWords = (into: Into | undefined): string =>
  into === undefined ? '' : `netns ${'process' in into ? 'PID' : into.descriptor}`

/** `eth0 {mtu 1500, up}`: what is asked of a link, without what is not. */
export const braces = (name: string, words: readonly (string | false | undefined)[]): string =>
  `${name} {${words.filter(Boolean).join(', ')}}`

/** Words of a command line, without what is not there. */
export const line = (...words: (string | false | undefined)[]): string => words.filter(Boolean).join(' ')

/** The index of a link, which only the kernel knows. */
export const linkIndex = (name: string): Part => gap({ link: name })

/** struct ifaddrmsg. */
export const ifaddrmsg = (family: number, prefix: number, link: string): Part =>
  join([Buffer.from([family, prefix, 0, 0]), linkIndex(link)])

/** struct rtmsg of a unicast route. */
export const rtmsg = (family: number, prefix: number, scope: number): Buffer =>
  Buffer.from([family, prefix, 0, 0, RT_TABLE.MAIN, RTPROT.BOOT, scope, RTN.UNICAST, 0, 0, 0, 0])

/** Asks for one link. */
export const getLink = (name: string): Message =>
  routeMessage('RTM_GETLINK', name, [ifinfomsg(), attribute(IFLA.IFNAME, string(name))])

/** The index of the link in the answer. */
export const indexOf = ([answer]: readonly Buffer[]): number => answer!.readInt32LE(4)
