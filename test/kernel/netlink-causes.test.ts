// The table of causes for the network stack against the kernel: each case does what its row blames.
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Context } from '../../toolkit/kernel/action.ts'
import { netlinkCauses } from '../../toolkit/kernel/causes/netlink.ts'
import { type Netlink, openNetlink } from '../../toolkit/kernel/netlink.ts'
import { NetlinkError } from '../../toolkit/kernel/netlink-error.ts'
import { attribute, be32, type Message, string } from '../../toolkit/kernel/netlink-message.ts'
import { IFLA, ifinfomsg, linkInfo, RTA, routeMessage, rtmsg } from '../../toolkit/kernel/rtnetlink.ts'
import { address } from '../../toolkit/primitives/address.ts'
import { bridge } from '../../toolkit/primitives/bridge.ts'
import { linkDown, linkMaster, linkUp } from '../../toolkit/primitives/link.ts'
import { macvlan } from '../../toolkit/primitives/macvlan.ts'
import { route } from '../../toolkit/primitives/route.ts'
import { vethPair } from '../../toolkit/primitives/veth.ts'
import { vxlan } from '../../toolkit/primitives/vxlan.ts'
import { script } from '../observe/helpers.ts'

const GONE = 0x3fffff // the highest PID that there can be, and never is

const kind = (name: string) =>
  routeMessage('RTM_NEWLINK', name, [ifinfomsg(), attribute(IFLA.IFNAME, string('x')), linkInfo(name)], {
    flags: bridge({ name: 'x' }).flags,
  })
const cable = (name: string) => vethPair({ name, peer: { name: `${name}-far` } })
const remote = '10.0.0.2'

/** The error, a word of its cause, and the messages, of which the last is refused. */
const cases: [string, RegExp, ...Message[]][] = [
  ['EEXIST', /another vxlan/, vxlan({ name: 'vx0', id: 5, remote }), vxlan({ name: 'vx1', id: 5, remote })],
  ['EEXIST', /name is taken/, bridge({ name: 'br0' }), bridge({ name: 'br0' })],
  ['ENODEV', /links that it names/, linkUp('nobody')],
  ['ENODEV', /links that it names/, linkMaster('lo', 'nobody')],
  ['EOPNOTSUPP', /no links of this kind/, kind('nonsense')],
  ['EBUSY', /the parent has/, cable('a'), linkMaster('a', 'br0'), macvlan({ name: 'm0', parent: 'a' })],
  [
    'EINVAL',
    /in mode passthru/,
    cable('b'),
    macvlan({ name: 'm1', parent: 'b' }),
    macvlan({ name: 'm2', parent: 'b', mode: 'passthru' }),
  ],
  ['EBUSY', /belongs to another/, linkMaster('b', 'br0')],
  ['ERANGE', /out of its range/, vxlan({ name: 'vx2', id: 1 << 24, remote })],
  ['EADDRNOTAVAIL', /multicast MAC/, bridge({ name: 'br1', mac: '01:00:00:00:00:01' })],
  ['ESRCH', /has ended/, vethPair({ name: 'c', peer: { name: 'd', into: { process: 'pid' } } })],
  ['ELOOP', /into a bridge/, bridge({ name: 'br2' }), linkMaster('br2', 'br0')],
  ['EEXIST', /has this address/, address('br0', '10.0.0.1/24'), address('br0', '10.0.0.1/24')],
  [
    'EADDRNOTAVAIL',
    /does not have this address/,
    // struct ifaddrmsg of the loopback, and IFA_LOCAL
    routeMessage('RTM_DELADDR', 'lo', [Buffer.from([2, 24, 0, 0, 1, 0, 0, 0]), attribute(2, be32(0x0a000001))]),
  ],
  ['EEXIST', /a route to this/, route({ gateway: '10.0.0.9' }), route({ gateway: '10.0.0.8' })],
  ['ENETUNREACH', /gateway is not/, route({ destination: '10.5.0.0/16', gateway: '10.77.0.1' })],
  ['ENETDOWN', /switched off/, linkDown('br2'), route({ destination: '10.5.0.0/16', link: 'br2' })],
  ['ENODEV', /the link that it names/, route({ destination: '10.5.0.0/16', link: 'nobody' })],
  ['ENODEV', /the link that it names/, address('nobody', '10.0.0.1/24')],
  [
    'ESRCH',
    /no such route/,
    routeMessage('RTM_DELROUTE', 'x', [rtmsg(2, 16, 253), attribute(RTA.DST, be32(0x0a090000))]),
  ],
]

const CANNOT_BE_PROVOKED = ['EAGAIN', 'ENOBUFS']

let netlink: Netlink
beforeAll(async () => {
  netlink = openNetlink(undefined, { pid: await script('echo ready; read x', 'unshare', '-n') })
})
afterAll(() => netlink.close())

const context: Context = { descriptors: new Map(), process: { pid: GONE, pidfd: -1 } }

function refusal(message: Message): NetlinkError {
  try {
    netlink.request(message, context)
  } catch (error) {
    if (error instanceof NetlinkError) return error
    throw error
  }
  throw new Error('it was not refused')
}

describe('causes', () => {
  for (const [code, cause, ...messages] of cases)
    test(`${messages.at(-1)!.name}: ${code}, ${cause.source}`, () => {
      for (const message of messages.slice(0, -1)) netlink.request(message)
      const error = refusal(messages.at(-1)!)
      expect([error.code, error.request]).toEqual([code, messages.at(-1)])
      expect(error.cause).toMatch(cause)
    })

  test('whatever it is: EPERM, only root', () => {
    const [kernel, primitives] = ['kernel/netlink.ts', 'primitives/link.ts'].map(
      file => `${import.meta.dirname}/../../toolkit/${file}`,
    )
    const program = `
      const { openNetlink } = await import('${kernel}'), { linkUp } = await import('${primitives}')
      process.setuid(65534)
      try { openNetlink().request(linkUp('lo')) } catch (error) { console.log(error.message) }`
    const args = ['-n', process.execPath, '--input-type=module', '-e', program]
    expect(spawnSync('unshare', args, { encoding: 'utf8' }).stdout).toBe(
      'RTM_NEWLINK lo {up}: EPERM, only root of the network namespace (CAP_NET_ADMIN) may change it\n',
    )
  })

  test('every row that can be provoked is', () => {
    const rows = netlinkCauses()
      .filter(({ errno, message }) => message && !CANNOT_BE_PROVOKED.includes(errno))
      .filter(({ message }) => !message!.some(name => name.startsWith('NFT_'))) // by test/primitives/nftables.test.ts
    for (const { cause, errno } of rows)
      expect([errno, cause, cases.some(([code, word]) => code === errno && word.test(cause))]).toEqual([
        errno,
        cause,
        true,
      ])
  })
})
