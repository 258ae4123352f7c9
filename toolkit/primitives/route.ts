// A route: where packets go that are for no network of our own links. ip-route(8).
import { AF, NLM_F } from '../kernel/constants.ts'
import { parseSubnet } from '../kernel/ip.ts'
import { checkLinkName } from '../kernel/link-name.ts'
import { attribute, be32, ip4, type ToldMessage, u32 } from '../kernel/netlink-message.ts'
import { braces, line, linkIndex, RT_SCOPE, RTA, routeMessage, rtmsg } from '../kernel/rtnetlink.ts'

export interface Route {
  /** A network, 10.1.0.0/16; left out: whatever no other route is for. */
  readonly destination?: string | undefined
  /** Who knows the way. It must be in the network of one of our links. */
  readonly gateway?: string | undefined
  /** The link to send through; found by the gateway where left out. */
  readonly link?: string | undefined
  /** Of two routes to one network the one with the lower number is used. */
  readonly metric?: number | undefined
}

/** Adds a route to the main table. Throws a TypeError for what is no address. */
export function route({ destination, gateway, link, metric }: Route): ToldMessage {
  const subnet = parseSubnet(destination ?? '0.0.0.0/0')
  if (!subnet) throw new TypeError(`no IPv4 network: ${destination}`)
  const scope = gateway === undefined ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE
  const via = gateway !== undefined && `via ${gateway}`
  const dev = link !== undefined && `dev ${link}`
  const more = metric !== undefined && `metric ${metric}`
  const to = destination ?? 'default'
  return {
    ...routeMessage(
      'RTM_NEWROUTE',
      braces(to, [via, dev, more]),
      [
        rtmsg(AF.INET, subnet.prefix, scope),
        ...(subnet.prefix === 0 ? [] : [attribute(RTA.DST, be32(subnet.first))]),
        ...(gateway === undefined ? [] : [attribute(RTA.GATEWAY, ip4(gateway))]),
        ...(link === undefined ? [] : [attribute(RTA.OIF, linkIndex(checkLinkName(link)))]),
        ...(metric === undefined ? [] : [attribute(RTA.PRIORITY, u32(metric))]),
      ],
      { flags: NLM_F.CREATE | NLM_F.EXCL },
    ),
    why: 'the namespace knows the networks of its own links and nothing beyond',
    lesson: '14-veth',
    shell: line(`ip route add ${to}`, via, dev, more),
  }
}
