// Where a process's packets go: the main routing table of its network namespace, as `ip route` lists it. rtnetlink(7).
import { AF, CLONE } from '../kernel/constants.ts'
import { dump } from '../kernel/netlink.ts'
import { attributes } from '../kernel/netlink-message.ts'
import { RT_TABLE, RTA, routeMessage } from '../kernel/rtnetlink.ts'
import { formatAddress } from './addresses.ts'
import { dumpLinks, linkName } from './links.ts'
import { visit } from './visit.ts'

const CLONED = 0x200 // RTM_F_CLONED: no route, but a remembered answer

/** What becomes of packets, rtnetlink(7): the first is an ordinary route, the others send nothing. */
const TYPES: Readonly<Record<number, string>> = { 1: 'unicast', 6: 'blackhole', 7: 'unreachable', 8: 'prohibit' }

export interface Route {
  readonly family: 'inet' | 'inet6'
  /** unicast; or blackhole, unreachable, prohibit: nothing gets there. */
  readonly type: string
  /** 10.0.0.0/24, or `default`: whatever no other route is for. */
  readonly destination: string
  /** Who knows the way; undefined where the destination is on this link itself. */
  readonly gateway: string | undefined
  /** The link that packets leave through. */
  readonly device: string | undefined
  /** The address that they are sent from, where one has not chosen. */
  readonly source: string | undefined
  /** Of two routes to one destination the lower is used. */
  readonly metric: number
}

/** A way: its link and gateway. A route may have several ways, in RTA_MULTIPATH. */
function ways(values: Map<number, Buffer>): { link: number | undefined; gateway: Buffer | undefined }[] {
  const several = values.get(RTA.MULTIPATH)
  if (!several) return [{ link: values.get(RTA.OIF)?.readUInt32LE(0), gateway: gatewayOf(values) }]
  const found: ReturnType<typeof ways> = []
  // struct rtnexthop: length, flags, weight, index of the link; then attributes
  for (let at = 0; at + 8 <= several.length; ) {
    const length = several.readUInt16LE(at)
    if (length < 8) break
    const gateway = gatewayOf(attributes(several.subarray(at, at + length), 8))
    found.push({ link: several.readUInt32LE(at + 4), gateway })
    at += (length + 3) & ~3
  }
  return found
}

/** RTA_VIA names a gateway of the other family: struct rtvia, 2 bytes of family in front. */
const gatewayOf = (values: Map<number, Buffer>): Buffer | undefined =>
  values.get(RTA.GATEWAY) ?? values.get(RTA.VIA)?.subarray(2)

function routesHere(): Route[] {
  const names = new Map(dumpLinks().map(({ index, values }) => [index, linkName(values)]))
  const address = (bytes: Buffer | undefined) => bytes && formatAddress(bytes)
  // struct rtmsg: family, length of destination, of source, tos, table, protocol, scope, type, flags
  return dump(routeMessage('RTM_GETROUTE', '', [Buffer.alloc(12)])).flatMap(payload => {
    const [family, length, , , table, , , type] = payload
    const values = attributes(payload, 12)
    if ((values.get(RTA.TABLE)?.readUInt32LE(0) ?? table) !== RT_TABLE.MAIN) return []
    if ((family !== AF.INET && family !== AF.INET6) || payload.readUInt32LE(8) & CLONED) return []
    const destination = address(values.get(RTA.DST)) ?? (family === AF.INET ? '0.0.0.0' : '::')
    return ways(values).map(({ link, gateway }) => ({
      family: family === AF.INET ? ('inet' as const) : ('inet6' as const),
      type: TYPES[type!] ?? String(type),
      destination: length === 0 ? 'default' : `${destination}/${length}`,
      gateway: address(gateway),
      device: link === undefined ? undefined : names.get(link),
      source: address(values.get(RTA.PREFSRC)),
      metric: values.get(RTA.PRIORITY)?.readUInt32LE(0) ?? 0,
    }))
  })
}

/** The main routing table of a process's network namespace; undefined where it is gone or we may not enter. */
export const readRoutes = (pid: number): Route[] | undefined => visit(pid, CLONE.NEWNET, routesHere)

/** The route for whatever no other is for: of several the one that is used. */
export function defaultRoute(routes: readonly Route[], family: Route['family'] = 'inet'): Route | undefined {
  return routes
    .filter(route => route.family === family && route.destination === 'default')
    .sort((a, b) => a.metric - b.metric)[0]
}
