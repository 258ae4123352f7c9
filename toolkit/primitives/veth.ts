// A veth pair: a cable with two ends, one here, one in the network namespace of a container. veth(4).
import { NLM_F } from '../kernel/constants.ts'
import { checkLinkName, parseMac } from '../kernel/link-name.ts'
import { attribute, string, type ToldMessage, u32 } from '../kernel/netlink-message.ts'
import {
  birthplace,
  braces,
  IFLA,
  type Into,
  ifinfomsg,
  line,
  linkIndex,
  linkInfo,
  netnsWords,
  routeMessage,
  VETH,
} from '../kernel/rtnetlink.ts'

export interface Veth {
  /** The end here. */
  readonly name: string
  /** The bridge that the end here is plugged into. */
  readonly master?: string | undefined
  /** Bytes of the largest packet, for both ends; 1500 where left out. */
  readonly mtu?: number | undefined
  readonly peer: {
    /** The end there: eth0. */
    readonly name: string
    readonly mac?: string | undefined
    /** The namespace that it is born in; where left out both ends are here. */
    readonly into?: Into | undefined
  }
}

/**
 * Makes the pair in one request: each end is born in its namespace, with its name and MAC address. An end
 * made here and moved later would be seen by everything on the host that watches for new links, and renamed by some.
 * The end here is switched on, the other is not.
 *
 * The end here gets no address and sees no IPv6 router advertisement of the container: it is a port of the bridge,
 * and the bridge takes all frames before the host's network stack would look at them.
 */
export function vethPair({ name, master, mtu, peer }: Veth): ToldMessage {
  const size = mtu === undefined ? [] : [attribute(IFLA.MTU, u32(mtu))]
  const there = [
    ifinfomsg(), // up it cannot be before there is the other end
    attribute(IFLA.IFNAME, string(checkLinkName(peer.name))),
    ...(peer.mac === undefined ? [] : [attribute(IFLA.ADDRESS, parseMac(peer.mac))]),
    ...size,
    ...birthplace(peer.into),
  ]
  const words = [mtu !== undefined && `mtu ${mtu}`]
  const peerWords = line(`peer ${peer.name}`, peer.mac, peer.into && `in ${netnsWords(peer.into)}`)
  return {
    ...routeMessage(
      'RTM_NEWLINK',
      braces(name, ['veth', ...words, master && `master ${master}`, 'up', peerWords]),
      [
        ifinfomsg({ up: true }),
        attribute(IFLA.IFNAME, string(checkLinkName(name))),
        ...size,
        ...(master === undefined ? [] : [attribute(IFLA.MASTER, linkIndex(checkLinkName(master)))]),
        linkInfo('veth', [attribute(VETH.INFO_PEER, there)]),
      ],
      { flags: NLM_F.CREATE | NLM_F.EXCL },
    ),
    why: 'the new network namespace has no link that leads out',
    lesson: '14-veth',
    shell: line(
      `ip link add ${name}`,
      ...words,
      master && `master ${master}`,
      `up type veth peer name ${peer.name}`,
      peer.mac && `address ${peer.mac}`,
      ...words,
      netnsWords(peer.into),
    ),
  }
}
