// Failures of requests to the network stack: links, addresses, routes, the firewall. The first row that fits wins.

import { ERRNO, type ErrnoName } from '../errno.ts'
import type { Message } from '../netlink-message.ts'
import type { Cause } from './row.ts'

export interface NetlinkCauseRow extends Cause {
  /** Names of messages; left out: whichever it is. */
  readonly message?: readonly string[]
  readonly errno: ErrnoName
  /** Further condition on what was asked. */
  readonly when?: (message: Message) => boolean
}

const LINKS = ['RTM_NEWLINK', 'RTM_SETLINK', 'RTM_DELLINK', 'RTM_GETLINK'] as const

/** That the message speaks of this word. */
const says =
  (word: string) =>
  ({ text }: Message): boolean =>
    text.split(/[\s{},]+/).includes(word)

export const netlinkCauses = (): readonly NetlinkCauseRow[] => [
  // links
  {
    message: LINKS,
    errno: 'EEXIST',
    when: says('vxlan'),
    cause: 'the name is taken, or another vxlan link has this number and port already',
    remedy: 'look: ip -d link show type vxlan; give it another name or id',
  },
  {
    message: LINKS,
    errno: 'EEXIST',
    cause: 'the name is taken in that network namespace',
    remedy: 'look what has it: ip link; remove that, or choose another name',
  },
  {
    message: LINKS,
    errno: 'ENODEV',
    cause: 'one of the links that it names does not exist in this network namespace',
    remedy: 'look which there are: ip link; is this the right namespace?',
  },
  {
    message: LINKS,
    errno: 'EOPNOTSUPP',
    cause: 'the kernel has no links of this kind, or this kind cannot do that',
    remedy: 'load the module: modprobe bridge, veth, macvlan or vxlan',
  },
  {
    message: LINKS,
    errno: 'EBUSY',
    when: says('macvlan'),
    cause: 'the parent has a bridge or another upper link of its own, or a macvlan in passthru mode',
    remedy: 'use another parent, or take it out first: ip link set PARENT nomaster',
  },
  {
    message: LINKS,
    errno: 'EINVAL',
    when: says('passthru'),
    cause: 'a macvlan in mode passthru has its parent for itself, and this one has another macvlan',
    remedy: 'use another mode, or another parent',
  },
  {
    message: LINKS,
    errno: 'EBUSY',
    cause: 'the link belongs to another already, or is in use for something that excludes this',
    remedy: 'take it out first: ip link set NAME nomaster; or switch it off: ip link set NAME down',
  },
  {
    message: LINKS,
    errno: 'ERANGE',
    cause: 'the name is longer than 15 bytes, or a number is out of its range',
    remedy: 'choose a shorter name',
  },
  {
    message: LINKS,
    errno: 'EADDRNOTAVAIL',
    cause: 'not an address for a link: a multicast MAC, or all zeros',
    remedy: 'clear the lowest bit of the first byte: 02:42:…',
  },
  {
    message: LINKS,
    errno: 'ESRCH',
    cause: 'the process in whose network namespace the link should be born has ended',
    remedy: 'start it again',
  },
  {
    message: LINKS,
    errno: 'ELOOP',
    cause: 'a bridge cannot be put into a bridge',
    remedy: 'join two bridges by a veth pair',
  },
  // addresses
  {
    message: ['RTM_NEWADDR'],
    errno: 'EEXIST',
    cause: 'the link has this address already',
    remedy: 'nothing to be done, or choose another address',
  },
  {
    message: ['RTM_DELADDR'],
    errno: 'EADDRNOTAVAIL',
    cause: 'the link does not have this address',
    remedy: 'look which it has: ip address',
  },
  // routes
  {
    message: ['RTM_NEWROUTE'],
    errno: 'EEXIST',
    cause: 'there is a route to this destination already',
    remedy: 'look: ip route; remove that, or give one of them a metric',
  },
  {
    message: ['RTM_NEWROUTE'],
    errno: 'ENETUNREACH',
    cause: 'the gateway is not in a network of any link that is up',
    remedy: 'give a link an address in the gateway’s network and switch it on first: ip address; ip route',
  },
  {
    message: ['RTM_NEWROUTE'],
    errno: 'ENETDOWN',
    cause: 'the link of the route is switched off',
    remedy: 'ip link set NAME up',
  },
  {
    message: ['RTM_NEWROUTE', 'RTM_DELROUTE', 'RTM_NEWADDR', 'RTM_DELADDR'],
    errno: 'ENODEV',
    cause: 'the link that it names does not exist in this network namespace',
    remedy: 'look which there are: ip link',
  },
  {
    message: ['RTM_DELROUTE'],
    errno: 'ESRCH',
    cause: 'there is no such route',
    remedy: 'look which there are: ip route',
  },
  // the firewall
  {
    message: ['NFT_MSG_NEWTABLE'],
    errno: 'EOPNOTSUPP',
    cause: 'the kernel has no firewall for packets of this family',
    remedy: 'load the module: modprobe nf_tables; for frames of a bridge it must be built with CONFIG_NF_TABLES_BRIDGE',
  },
  {
    message: ['NFT_MSG_NEWCHAIN'],
    errno: 'ENOENT',
    cause: 'the kernel knows no chains of this type for this family',
    remedy: 'load the module: modprobe nft_chain_nat',
  },
  {
    message: ['NFT_MSG_NEWRULE'],
    errno: 'ENOENT',
    cause: 'the rule names a set that is not there, or needs something that the kernel lacks',
    remedy: 'load the modules: modprobe nft_ct, nft_fib_ipv4, nft_nat, nft_masq',
  },
  {
    message: ['NFT_MSG_NEWSETELEM'],
    errno: 'EEXIST',
    cause: 'the map has another value for this key',
    remedy: 'remove that element first: nft list maps',
  },
  {
    message: ['NFT_MSG_GETTABLE'],
    errno: 'ENOENT',
    cause: 'there is no such table in this network namespace',
    remedy: 'look which there are: nft list tables',
  },
  // whatever it is
  {
    errno: 'EPERM',
    cause: 'only root of the network namespace (CAP_NET_ADMIN) may change it',
    remedy: 'run it with sudo, or make a network namespace first: unshare --net',
  },
  {
    errno: 'EAGAIN',
    cause: 'the kernel did not answer in time: another change of the network takes long',
    remedy: 'try again; look at dmesg',
  },
  {
    errno: 'ENOBUFS',
    cause: 'there were more answers than the socket had room for, and some are lost',
    remedy: 'look what was done: ip link, nft list ruleset; try again',
  },
]

/** The likely cause of a refused message, or undefined. */
export function findNetlinkCause(message: Message, errno: number): Cause | undefined {
  return netlinkCauses().find(
    row =>
      ERRNO[row.errno] === errno &&
      (row.message === undefined || row.message.includes(message.name)) &&
      (row.when?.(message) ?? true),
  )
}
