// What one may do with any network link: switch it, put it into a bridge, take it away. rtnetlink(7), ip-link(8).
import { checkLinkName } from '../kernel/link-name.ts'
import { attribute, string, type ToldMessage, u32 } from '../kernel/netlink-message.ts'
import { braces, getLink, IFLA, ifinfomsg, linkIndex, routeMessage } from '../kernel/rtnetlink.ts'
import type { LessonName } from '../kernel/step.ts'

const lesson: LessonName = '14-veth'

const named = (name: string) => attribute(IFLA.IFNAME, string(checkLinkName(name)))

/** Switches a link on: from now on it carries packets, and the routes to its networks are there. */
export const linkUp = (name: string): ToldMessage => ({
  ...routeMessage('RTM_NEWLINK', braces(name, ['up']), [ifinfomsg({ up: true }), named(name)]),
  why: 'a link is born switched off',
  lesson,
  shell: `ip link set ${name} up`,
})

/** Switches a link off. With it go the routes that lead through it. */
export const linkDown = (name: string): ToldMessage => ({
  ...routeMessage('RTM_NEWLINK', braces(name, ['down']), [ifinfomsg({ up: false }), named(name)]),
  why: 'nothing more shall pass',
  lesson,
  shell: `ip link set ${name} down`,
})

/** The same by the link's index, which no other gets after it. */
export const linkDownAt = (index: number): ToldMessage => ({
  ...routeMessage('RTM_NEWLINK', braces(`if${index}`, ['down']), [ifinfomsg({ index, up: false })]),
  why: 'nothing more shall pass; by its index, because a new link may have its name by now',
  lesson,
  shell: `ip link set if${index} down`,
})

/** Sets the largest packet in bytes that a link carries. */
export const linkMtu = (name: string, mtu: number): ToldMessage => ({
  ...routeMessage('RTM_NEWLINK', braces(name, [`mtu ${mtu}`]), [
    ifinfomsg(),
    named(name),
    attribute(IFLA.MTU, u32(mtu)),
  ]),
  why: 'larger packets would be lost further on',
  lesson,
  shell: `ip link set ${name} mtu ${mtu}`,
})

/** Plugs a link into a bridge; without one it is pulled out. */
export const linkMaster = (name: string, master?: string): ToldMessage => ({
  ...routeMessage('RTM_NEWLINK', braces(name, [master === undefined ? 'nomaster' : `master ${master}`]), [
    ifinfomsg(),
    named(name),
    attribute(IFLA.MASTER, master === undefined ? u32(0) : linkIndex(checkLinkName(master))),
  ]),
  why: master === undefined ? 'it leaves the bridge' : 'a cable that is plugged in nowhere leads nowhere',
  lesson: '15-bridge',
  shell: `ip link set ${name} ${master === undefined ? 'nomaster' : `master ${master}`}`,
})

/** Takes a link away; of a veth pair the other end goes, too. One that is gone already (ENODEV) is as good. */
export const linkDelete = (name: string): ToldMessage => ({
  ...routeMessage('RTM_DELLINK', name, [ifinfomsg(), named(name)], { allow: 'ENODEV' }),
  why: 'links outlive whoever made them, until their namespace ends',
  lesson,
  shell: `ip link del ${name}`,
})

/**
 * Waits until a link that has just been switched on or plugged in really sends. The kernel notes at once that the other
 * end of a cable is there, but acts upon it later, and drops packets until then. Who asks about the link is answered
 * after it has acted (Linux 6.8; before that the question has no such effect).
 */
export const linkSettled = (name: string): ToldMessage => ({
  ...getLink(checkLinkName(name)),
  why: 'a packet sent before the kernel has noticed the cable is lost, and the next try comes a second later',
  lesson,
  shell: `ip link show ${name}`,
})
