// A vxlan: frames of one network carried between hosts in UDP packets, so that bridges on two hosts are one. RFC 7348.
import { NLM_F } from '../kernel/constants.ts'
import { checkLinkName } from '../kernel/link-name.ts'
import { attribute, be16, ip4, string, type ToldMessage, u32 } from '../kernel/netlink-message.ts'
import { braces, IFLA, ifinfomsg, line, linkIndex, linkInfo, routeMessage, VXLAN } from '../kernel/rtnetlink.ts'

export interface Vxlan {
  readonly name: string
  /** The network's number, 1 to 16777215: both ends have the same. */
  readonly id: number
  /** The other host's address. */
  readonly remote?: string | undefined
  /** Or a multicast group that all hosts join; then `link` is needed, too. */
  readonly group?: string | undefined
  /** Our own address: the packets' sender. */
  readonly local?: string | undefined
  /** The link that the packets go through. */
  readonly link?: string | undefined
  /** UDP port, 4789 where left out (the RFC's; the kernel's own default is an older one). */
  readonly port?: number | undefined
  /** The bridge that it is plugged into. */
  readonly master?: string | undefined
}

/** Makes a vxlan and switches it on. Its largest packet is 50 bytes less than the one of the link below. */
export function vxlan({ name, id, remote, group, local, link, port = 4789, master }: Vxlan): ToldMessage {
  const words = [
    `id ${id}`,
    remote && `remote ${remote}`,
    group && `group ${group}`,
    local && `local ${local}`,
    link && `dev ${link}`,
    `dstport ${port}`,
  ]
  const to = remote ?? group
  return {
    ...routeMessage(
      'RTM_NEWLINK',
      braces(name, ['vxlan', ...words, master && `master ${master}`, 'up']),
      [
        ifinfomsg({ up: true }),
        attribute(IFLA.IFNAME, string(checkLinkName(name))),
        ...(master === undefined ? [] : [attribute(IFLA.MASTER, linkIndex(checkLinkName(master)))]),
        linkInfo('vxlan', [
          attribute(VXLAN.ID, u32(id)),
          ...(to === undefined ? [] : [attribute(VXLAN.GROUP, ip4(to))]),
          ...(local === undefined ? [] : [attribute(VXLAN.LOCAL, ip4(local))]),
          ...(link === undefined ? [] : [attribute(VXLAN.LINK, linkIndex(checkLinkName(link)))]),
          attribute(VXLAN.PORT, be16(port)),
        ]),
      ],
      { flags: NLM_F.CREATE | NLM_F.EXCL },
    ),
    why: 'containers on two hosts are to be in one network, whatever lies between the hosts',
    lesson: '15-bridge',
    shell: line(`ip link add ${name}`, master && `master ${master}`, 'up type vxlan', ...words),
  }
}
