// Links, addresses and routes that our messages make, beside those that `ip` makes when it is told the same.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Context } from '../../toolkit/kernel/action.ts'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { inNamespaces } from '../../toolkit/kernel/enter.ts'
import { hashName, macOfIp4 } from '../../toolkit/kernel/link-name.ts'
import { type Netlink, openNetlink } from '../../toolkit/kernel/netlink.ts'
import { messageAction } from '../../toolkit/kernel/netlink-action.ts'
import type { ToldMessage } from '../../toolkit/kernel/netlink-message.ts'
import { address } from '../../toolkit/primitives/address.ts'
import { bridge, ignoreRouters } from '../../toolkit/primitives/bridge.ts'
import { linkDelete, linkDown, linkMaster, linkMtu, linkSettled, linkUp } from '../../toolkit/primitives/link.ts'
import { MODES, macvlan } from '../../toolkit/primitives/macvlan.ts'
import { route } from '../../toolkit/primitives/route.ts'
import { vethPair } from '../../toolkit/primitives/veth.ts'
import { vxlan } from '../../toolkit/primitives/vxlan.ts'
import { deliver } from '../kernel/packets.ts'
import { script } from '../observe/helpers.ts'

// biome-ignore lint/suspicious/noExplicitAny: ip's JSON has a shape for every kind of link
type Json = any

const namespaceOf = () => script('echo ready; read x', 'unshare', '-n')
const inside = (pid: number, ...command: string[]) =>
  execFileSync('nsenter', ['-t', String(pid), '-n', ...command], { encoding: 'utf8' })
const ip = (pid: number, ...args: string[]): Json[] =>
  JSON.parse(inside(pid, 'ip', '-json', '-details', ...args) || '[]')

/** A machine and a container on it. */
interface Pair {
  readonly host: number
  readonly container: number
}
const pairOf = async (): Promise<Pair> => ({ host: await namespaceOf(), container: await namespaceOf() })

const open: Netlink[] = []
const socket = (pid: number): Netlink => {
  const netlink = openNetlink(undefined, { pid })
  open.push(netlink)
  return netlink
}
const contextOf = (pid: number): Context => ({ descriptors: new Map(), process: { pid, pidfd: -1 } })

/** Sends messages to the host; what is born elsewhere is so in the container. */
function send({ host, container }: Pair, ...messages: ToldMessage[]): void {
  const netlink = socket(host)
  for (const message of messages) netlink.request(message, contextOf(container))
}

let descriptors: number
beforeEach(() => {
  descriptors = readdirSync('/proc/self/fd').length
})
afterEach(() => {
  for (const netlink of open.splice(0)) netlink.close()
})

const BY_CHANCE =
  /^(address|operstate|ipv6_address|bridge_id|root_id|gc_timer|hello_timer|tcn_timer|.*_timer|.*_life_time)$/

/** All links and routes of a namespace, but for what chance decides; whether a new link works is seen only later. */
function picture(pid: number, macs: readonly (string | undefined)[]): Json {
  const links = ip(pid, 'address').map(link => ({
    ...link,
    mac: macs.includes(link.address) ? link.address : 'by chance',
    flags: link.flags.filter((flag: string) => flag !== 'NO-CARRIER'),
    addr_info: link.addr_info?.filter(({ family }: Json) => family === 'inet'), // IPv6 makes its own of the MAC
  }))
  return JSON.parse(
    JSON.stringify({ links, routes: ip(pid, 'route') }, (key, value) => (BY_CHANCE.test(key) ? undefined : value)),
  )
}

const MAC = '02:42:0a:00:00:02'
const born = { process: 'pid' } as const

const recipes: [string, ToldMessage[]][] = [
  ['a bridge', [bridge({ name: 'br0', mac: MAC, mtu: 1400, ageing: 60 })]],
  ['a bridge as it comes', [bridge({ name: 'br0' })]],
  ['a cable to a container', [vethPair({ name: 'veth1', mtu: 1400, peer: { name: 'eth0', mac: MAC, into: born } })]],
  ['a cable here', [vethPair({ name: 'veth1', peer: { name: 'veth2' } })]],
  [
    'a container on a bridge',
    [
      bridge({ name: 'br0', mac: macOfIp4('10.0.0.1') }),
      address('br0', '10.0.0.1/24'),
      vethPair({ name: 'veth1', master: 'br0', peer: { name: 'eth0', mac: MAC, into: born } }),
    ],
  ],
  [
    'links changed',
    [
      vethPair({ name: 'veth1', peer: { name: 'veth2' } }),
      bridge({ name: 'br0', mac: MAC }),
      linkMaster('veth1', 'br0'),
      linkMaster('veth2', 'br0'),
      linkMaster('veth2'),
      linkMtu('veth2', 1300),
      linkDown('veth2'),
      linkUp('lo'),
    ],
  ],
  ['links removed', [vethPair({ name: 'veth1', peer: { name: 'eth0', into: born } }), linkDelete('veth1')]],
  [
    'addresses and routes',
    [
      bridge({ name: 'br0', mac: MAC }),
      address('br0', '10.0.0.130/25'),
      address('br0', '10.1.0.1/32'),
      address('br0', '10.2.0.0/31'),
      route({ gateway: '10.0.0.254' }),
      route({ gateway: '10.0.0.253', metric: 7 }),
      route({ destination: '10.7.0.0/16', gateway: '10.0.0.253', link: 'br0' }),
      route({ destination: '10.8.0.0/16', link: 'br0' }),
    ],
  ],
  ...Object.keys(MODES).map((mode): [string, ToldMessage[]] => [
    `a macvlan in mode ${mode}`,
    [
      vethPair({ name: 'wire', peer: { name: 'far' } }),
      macvlan({ name: 'eth0', parent: 'wire', mode: mode as keyof typeof MODES, mac: MAC, into: born }),
    ],
  ]),
  [
    'a vxlan to one other host',
    [
      bridge({ name: 'br0', mac: MAC }),
      vxlan({ name: 'vx0', id: 42, remote: '10.0.0.9', local: '10.0.0.1', master: 'br0' }),
    ],
  ],
  [
    'a vxlan to many',
    [
      bridge({ name: 'br0', mac: MAC }),
      vxlan({ name: 'vx0', id: 16777215, group: '239.1.1.1', link: 'br0', port: 8472 }),
    ],
  ],
]

describe('what a message makes is what its shell line makes', () => {
  test.each(recipes)('%s', async (_, messages) => {
    const [ours, theirs] = [await pairOf(), await pairOf()]
    send(ours, ...messages)
    for (const { shell } of messages)
      inside(theirs.host, 'sh', '-ec', shell.replace(/\bPID\b/, String(theirs.container)))
    for (const where of ['host', 'container'] as const) {
      const [a, b] = [
        picture(ours[where], [MAC, macOfIp4('10.0.0.1')]),
        picture(theirs[where], [MAC, macOfIp4('10.0.0.1')]),
      ]
      expect(a).toEqual(b)
    }
  })
})

describe('links', () => {
  test('a veth pair: each end is where it belongs from its birth, with its name', async () => {
    const pair = await pairOf()
    const names = [hashName('veth', 'web'), 'eth0'] as const
    send(
      pair,
      bridge({ name: 'br0' }),
      vethPair({ name: names[0], master: 'br0', mtu: 1450, peer: { name: names[1], mac: MAC, into: born } }),
    )
    expect(ip(pair.container, 'link', 'show', names[1])[0]).toMatchObject({ operstate: 'DOWN' })
    send({ host: pair.container, container: 0 }, linkUp(names[1]))
    const [here] = ip(pair.host, 'link', 'show', names[0])
    const [there] = ip(pair.container, 'link', 'show', names[1])
    expect(here).toMatchObject({ master: 'br0', mtu: 1450, operstate: 'UP', linkinfo: { info_kind: 'veth' } })
    expect(there).toMatchObject({ mtu: 1450, operstate: 'UP', address: MAC, link_index: here.ifindex })
    expect(ip(pair.host, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'br0', names[0]])
  })

  test('into a namespace that a descriptor holds', async () => {
    const pair = await pairOf()
    const netns = openSync(`/proc/${pair.container}/ns/net`, 'r')
    try {
      const cable = vethPair({ name: 'veth1', peer: { name: 'eth0', into: { descriptor: 'netns' } } })
      socket(pair.host).request(cable, { descriptors: new Map([['netns', netns]]) })
      const inHost = openNetlink(undefined, { netns })
      open.push(inHost)
      inHost.request(linkMtu('eth0', 1200))
      expect(ip(pair.container, 'link', 'show', 'eth0')[0]).toMatchObject({ mtu: 1200 })
    } finally {
      closeSync(netns)
    }
  })

  test('a name that is taken, on either end: an error, and nothing is made', async () => {
    const pair = await pairOf()
    send(pair, vethPair({ name: 'veth1', peer: { name: 'eth0', into: born } }))
    const again = (name: string, peer: string) => () => send(pair, vethPair({ name, peer: { name: peer, into: born } }))
    expect(again('veth1', 'eth1')).toThrow(
      /^RTM_NEWLINK veth1 \{veth, up, peer eth1 in netns PID\}: EEXIST, the name is taken/,
    )
    expect(again('veth2', 'eth0')).toThrow(/EEXIST/)
    expect(ip(pair.host, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'veth1'])
    expect(ip(pair.container, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0'])
  })

  test('100 pairs made and removed: no link and no descriptor stays', async () => {
    const pair = await pairOf()
    descriptors = readdirSync('/proc/self/fd').length
    const netlink = openNetlink(undefined, { pid: pair.host })
    const names = Array.from({ length: 100 }, (_, i) => hashName('veth', `container ${i}`))
    expect(new Set(names).size).toBe(100)
    netlink.request(bridge({ name: 'br0' }))
    for (const [i, name] of names.entries())
      netlink.request(
        vethPair({ name, master: 'br0', peer: { name: `eth${i}`, into: born } }),
        contextOf(pair.container),
      )
    expect([ip(pair.host, 'link').length, ip(pair.container, 'link').length]).toEqual([102, 101])
    for (const name of names) netlink.request(linkDelete(name))
    netlink.request(linkDelete(names[0]!)) // gone is as good
    expect([ip(pair.host, 'link').length, ip(pair.container, 'link').length]).toEqual([2, 1])
    netlink.close()
    expect(readdirSync('/proc/self/fd')).toHaveLength(descriptors)
  })

  test('names that the kernel would misunderstand are refused before', () => {
    for (const name of ['', '.', '..', 'a/b', 'a b', 'a:b', 'eth%d', '-a', 'a\n', 'ä', 'sixteen-letters-'])
      expect(() => bridge({ name }), name).toThrow(/no name for a network link/)
    expect(() => vethPair({ name: 'ok', peer: { name: '../x' } })).toThrow(/no name/)
    expect(() => macvlan({ name: 'ok', parent: 'a b' })).toThrow(/no name/)
  })

  test('addresses that are none are refused before', () => {
    for (const cidr of ['10.0.0.1', '10.0.0/24', '10.0.0.256/24', '10.0.0.1/33', '1/2/3'])
      expect(() => address('eth0', cidr), cidr).toThrow(TypeError)
    expect(() => route({ gateway: 'here' })).toThrow(TypeError)
    expect(() => route({ destination: '10.0.0.0' })).toThrow(TypeError)
  })
})

describe('packets', () => {
  /** Containers, each with an address, on a bridge of the host. */
  async function network(addresses: readonly string[]): Promise<{ host: number; containers: number[] }> {
    const host = await namespaceOf()
    const containers = await Promise.all(addresses.map(namespaceOf))
    send({ host, container: 0 }, bridge({ name: 'br0', mac: macOfIp4('10.0.0.1') }), address('br0', '10.0.0.1/24'))
    for (const [i, each] of addresses.entries()) {
      const container = containers[i]!
      const cable = vethPair({
        name: `veth${i}`,
        master: 'br0',
        peer: { name: 'eth0', mac: macOfIp4(each), into: born },
      })
      send({ host, container }, cable)
      send(
        { host: container, container },
        linkUp('eth0'),
        address('eth0', `${each}/24`),
        route({ gateway: '10.0.0.1' }),
      )
      send({ host, container }, linkSettled(`veth${i}`))
    }
    return { host, containers }
  }

  test('from container to container, and to the host and back', async () => {
    const { host, containers } = await network(['10.0.0.2', '10.0.0.3'])
    const [a, b] = containers as [number, number]
    expect(deliver(a, b, '10.0.0.3')).toBe('hello')
    expect(deliver(b, host, '10.0.0.1')).toBe('hello')
    expect(deliver(host, a, '10.0.0.2')).toBe('hello')
    send({ host, container: a }, linkMaster('veth1'))
    expect(deliver(a, b, '10.0.0.3', 'unplugged', 2)).toBeUndefined()
  })

  test('by the default route, to a network beyond the host', async () => {
    const { host, containers } = await network(['10.0.0.2'])
    const [a] = containers as [number]
    const far = await namespaceOf()
    send(
      { host, container: far },
      vethPair({ name: 'uplink', peer: { name: 'eth0', into: born } }),
      address('uplink', '10.5.0.1/24'),
    )
    send({ host: far, container: far }, linkUp('eth0'), address('eth0', '10.5.0.2/24'), route({ gateway: '10.5.0.1' }))
    inside(host, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    expect(deliver(a, far, '10.5.0.2')).toBe('hello')
  })

  test('macvlans of one wire reach each other in mode bridge, and not in mode private', async () => {
    const host = await namespaceOf()
    for (const [mode, wire] of [
      ['bridge', 'wire1'],
      ['private', 'wire2'],
    ] as const) {
      const [a, b] = [await namespaceOf(), await namespaceOf()]
      send({ host, container: a }, vethPair({ name: wire, peer: { name: `${wire}far` } }), linkUp(`${wire}far`))
      for (const [container, last] of [
        [a, 2],
        [b, 3],
      ] as const) {
        send({ host, container }, macvlan({ name: 'eth0', parent: wire, mode, into: born }))
        send({ host: container, container }, address('eth0', `10.6.0.${last}/24`))
      }
      expect([mode, deliver(a, b, '10.6.0.3', 'hello', mode === 'bridge' ? 25 : 2)]).toEqual([
        mode,
        mode === 'bridge' ? 'hello' : undefined,
      ])
    }
  })

  test('a vxlan joins the networks of two hosts', async () => {
    const [one, two] = [await network(['10.0.0.2']), await network(['10.0.0.3'])]
    send({ host: one.host, container: two.host }, vethPair({ name: 'wire', peer: { name: 'wire', into: born } }))
    const ends = [
      [one.host, '192.168.9.1', '192.168.9.2'],
      [two.host, '192.168.9.2', '192.168.9.1'],
    ] as const
    for (const [host, local, remote] of ends)
      send(
        { host, container: host },
        linkUp('wire'),
        address('wire', `${local}/30`),
        vxlan({ name: 'vx0', id: 7, local, remote, master: 'br0' }),
      )
    expect(deliver(one.containers[0]!, two.containers[0]!, '10.0.0.3')).toBe('hello')
    send({ host: two.host, container: two.host }, linkDown('vx0'))
    expect(deliver(one.containers[0]!, two.containers[0]!, '10.0.0.3', 'cut', 2)).toBeUndefined()
  })
})

describe('actions', () => {
  test('outside and inside: sockets are opened once, and left in the context', async () => {
    const { container } = await pairOf()
    const context = contextOf(container)
    try {
      for (const message of [bridge({ name: 'br0' }), address('br0', '10.0.0.9/24'), linkUp('lo')])
        messageAction(message, 'inside').apply(context)
      expect([...context.descriptors.keys()]).toEqual(['rtnetlink inside'])
      expect(ip(container, 'address', 'show', 'br0')[0].addr_info[0]).toMatchObject({
        local: '10.0.0.9',
        broadcast: '10.0.0.255',
      })
    } finally {
      for (const fd of context.descriptors.values()) closeSync(fd)
    }
    const action = messageAction(vethPair({ name: 'veth1', master: 'br0', peer: { name: 'eth0', into: born } }))
    expect(action).toMatchObject({
      text: 'RTM_NEWLINK veth1 {veth, master br0, up, peer eth0 in netns PID}',
      shell: 'ip link add veth1 master br0 up type veth peer name eth0 netns PID',
      lesson: '14-veth',
    })
    expect(() => messageAction(linkUp('lo'), 'inside').apply({ descriptors: new Map() })).toThrow(/no process yet/)
  })

  test('into a network namespace that belongs to another user namespace', async () => {
    const host = await namespaceOf()
    const container = await script('echo ready; read x', 'unshare', '-U', '-n')
    send({ host, container }, vethPair({ name: 'veth1', peer: { name: 'eth0', into: born } }))
    send({ host: container, container }, linkUp('eth0'), address('eth0', '10.0.0.2/24'))
    expect(ip(container, 'address', 'show', 'eth0')[0]).toMatchObject({ operstate: 'UP' })
  })

  test('a host that is deaf to routers', async () => {
    const host = await namespaceOf()
    send({ host, container: host }, bridge({ name: 'br0' }))
    const action = ignoreRouters('br0')
    const accept = () => inside(host, 'cat', '/proc/sys/net/ipv6/conf/br0/accept_ra').trim()
    const had = accept()
    inNamespaces(host, CLONE.NEWNET, () => action.apply({ descriptors: new Map() })) // /proc/sys asks who writes
    expect([had, accept()]).toEqual(['1', '0'])
    expect(action.shell).toBe('echo 0 > /proc/sys/net/ipv6/conf/br0/accept_ra')
  })
})
