// A macvlan: a second network card on the wire of a first one, with a MAC address of its own. ip-link(8).
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
  MACVLAN,
  netnsWords,
  routeMessage,
} from '../kernel/rtnetlink.ts'

/**
 * What the macvlans of one parent may say to each other: all (`bridge`), nothing (`private`), only by way of the switch
 * outside (`vepa`); `passthru`: there is only one, and it has the parent for itself. With the parent itself none of
 * them can talk, in any mode.
 */
export const MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const

export interface Macvlan {
  readonly name: string
  /** The link whose wire it shares. */
  readonly parent: string
  readonly mode?: keyof typeof MODES | undefined
  readonly mac?: string | undefined
  /** The namespace that it is born in; ours where left out. */
  readonly into?: Into | undefined
}

/** Makes a macvlan and switches it on; its mode is `bridge` where left out. */
export function macvlan({ name, parent, mode = 'bridge', mac, into }: Macvlan): ToldMessage {
  return {
    ...routeMessage(
      'RTM_NEWLINK',
      braces(name, [`macvlan ${mode}`, `on ${parent}`, mac, 'up', into && `in ${netnsWords(into)}`]),
      [
        ifinfomsg({ up: true }),
        attribute(IFLA.IFNAME, string(checkLinkName(name))),
        attribute(IFLA.LINK, linkIndex(checkLinkName(parent))),
        ...(mac === undefined ? [] : [attribute(IFLA.ADDRESS, parseMac(mac))]),
        ...birthplace(into),
        linkInfo('macvlan', [attribute(MACVLAN.MODE, u32(MODES[mode]))]),
      ],
      { flags: NLM_F.CREATE | NLM_F.EXCL },
    ),
    why: 'the container stands in the network of the host’s own card, without a bridge and without translation',
    lesson: '15-bridge',
    shell: line(
      `ip link add ${name} link ${parent}`,
      mac && `address ${mac}`,
      'up',
      netnsWords(into),
      `type macvlan mode ${mode}`,
    ),
  }
}
