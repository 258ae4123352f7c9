// An IP address of a link. ip-address(8).
import { AF, NLM_F } from '../kernel/constants.ts'
import { parseSubnet } from '../kernel/ip.ts'
import { checkLinkName } from '../kernel/link-name.ts'
import { attribute, be32, ip4, type ToldMessage } from '../kernel/netlink-message.ts'
import { braces, IFA, ifaddrmsg, routeMessage } from '../kernel/rtnetlink.ts'

/**
 * Gives a link an IPv4 address: 10.0.0.1/24. With it comes a route to that network, as soon as the link is up.
 * Throws a TypeError for what is no address with a prefix length.
 */
export function address(link: string, cidr: string): ToldMessage {
  const subnet = parseSubnet(cidr)
  if (!subnet) throw new TypeError(`no IPv4 address with a prefix length: ${cidr}`)
  const { prefix, last } = subnet
  const bytes = ip4(cidr.split('/')[0]!)
  return {
    ...routeMessage(
      'RTM_NEWADDR',
      braces(link, [cidr]),
      [
        ifaddrmsg(AF.INET, prefix, checkLinkName(link)),
        attribute(IFA.LOCAL, bytes),
        attribute(IFA.ADDRESS, bytes), // the other end's where a link has but one
        ...(prefix < 31 ? [attribute(IFA.BROADCAST, be32(last))] : []),
      ],
      { flags: NLM_F.CREATE | NLM_F.EXCL },
    ),
    why: 'without an address nobody can answer',
    lesson: '14-veth',
    shell: `ip address add ${cidr}${prefix < 31 ? ' broadcast +' : ''} dev ${link}`,
  }
}
