// A bridge: a switch made of software, into which the cables of containers are plugged. bridge(8).
import { existsSync } from 'node:fs'
import { type Action, writeAction } from '../kernel/action.ts'
import { NLM_F } from '../kernel/constants.ts'
import { checkLinkName, parseMac } from '../kernel/link-name.ts'
import { attribute, string, type ToldMessage, u8, u32 } from '../kernel/netlink-message.ts'
import { BR, BRPORT, braces, IFLA, ifinfomsg, line, linkInfo, routeMessage } from '../kernel/rtnetlink.ts'

const CLOCK = 100 // ticks a second: the kernel's unit here, whatever its own clock is (USER_HZ)

export interface Bridge {
  readonly name: string
  /**
   * Its MAC address, which is the gateway's for the containers. Left out, it is the lowest of its ports' and changes
   * as they come and go; whoever remembers the old one is cut off for a while.
   */
  readonly mac?: string | undefined
  readonly mtu?: number | undefined
  /** Seconds after which it forgets on what port an address was seen; 300 where left out, 0: it sends all to all ports. */
  readonly ageing?: number | undefined
}

/**
 * Makes a bridge and switches it on. It does no spanning tree: nobody plugs it in a circle, and a port that must first
 * listen for that would keep a new container offline for 30 seconds.
 */
export function bridge({ name, mac, mtu, ageing }: Bridge): ToldMessage {
  const data = [attribute(BR.FORWARD_DELAY, u32(0)), attribute(BR.STP_STATE, u32(0))]
  if (ageing !== undefined) data.push(attribute(BR.AGEING_TIME, u32(ageing * CLOCK)))
  return {
    ...routeMessage(
      'RTM_NEWLINK',
      braces(name, [
        'bridge',
        mac,
        mtu !== undefined && `mtu ${mtu}`,
        ageing !== undefined && `ageing ${ageing} s`,
        'no spanning tree',
        'up',
      ]),
      [
        ifinfomsg({ up: true }),
        attribute(IFLA.IFNAME, string(checkLinkName(name))),
        ...(mac === undefined ? [] : [attribute(IFLA.ADDRESS, parseMac(mac))]),
        ...(mtu === undefined ? [] : [attribute(IFLA.MTU, u32(mtu))]),
        linkInfo('bridge', data),
      ],
      { flags: NLM_F.CREATE | NLM_F.EXCL },
    ),
    why: 'the containers of a network are plugged into one switch',
    lesson: '15-bridge',
    shell: line(
      `ip link add ${name}`,
      mac && `address ${mac}`,
      mtu !== undefined && `mtu ${mtu}`,
      'up type bridge forward_delay 0 stp_state 0',
      ageing !== undefined && `ageing_time ${ageing * CLOCK}`,
    ),
  }
}

/**
 * Makes the host deaf to IPv6 router advertisements on a bridge: a container could send them and become the host's
 * default gateway (CVE-2020-13401). Where the kernel has no IPv6 there is nothing to be done.
 */
export function ignoreRouters(name: string): Action {
  const path = `/proc/sys/net/ipv6/conf/${checkLinkName(name)}/accept_ra`
  const write = writeAction(path, '0', {
    why: 'a container that says it is a router must not become the host’s gateway',
    lesson: '17-security',
    shell: `echo 0 > ${path}`,
  })
  return { ...write, apply: context => existsSync('/proc/sys/net/ipv6') && write.apply(context) }
}

/**
 * Lets a bridge send a frame back through the port where it came in. A switch never does; but with br_netfilter a packet
 * to a published port is given its new destination inside the bridge, and that may be who sent it.
 */
export const hairpin = (port: string): ToldMessage => ({
  ...routeMessage('RTM_NEWLINK', braces(port, ['hairpin']), [
    ifinfomsg(),
    attribute(IFLA.IFNAME, string(checkLinkName(port))),
    attribute(IFLA.LINKINFO, [
      attribute(IFLA.INFO_SLAVE_KIND, string('bridge')),
      attribute(IFLA.INFO_SLAVE_DATA, attribute(BRPORT.MODE, u8(1))),
    ]),
  ]),
  why: 'a container that asks for its own published port would get no answer',
  lesson: '15-bridge',
  shell: `ip link set ${port} type bridge_slave hairpin on`,
})
