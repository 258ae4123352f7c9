// Links, addresses and routes as we read them, beside what `ip` says.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { formatAddress } from '../../toolkit/observe/addresses.ts'
import { type Link, readLinks, readLinksOf } from '../../toolkit/observe/links.ts'
import { defaultRoute, readRoutes } from '../../toolkit/observe/routes.ts'
import { script } from './helpers.ts'

// biome-ignore lint/suspicious/noExplicitAny: ip's JSON has a shape for every kind of link
type Json = any

const ip = (pid: number, ...args: string[]): Json[] =>
  JSON.parse(execFileSync('nsenter', ['-t', String(pid), '-n', 'ip', '-json', ...args], { encoding: 'utf8' }) || '[]')

const SETUP = `set -e
ip link set lo up
ip address add 10.9.8.7/24 dev lo
ip link add br0 address 02:42:0a:00:00:01 mtu 1400 up type bridge
ip address add 10.0.0.1/24 dev br0
ip address add fd00:1::1/64 dev br0 nodad
ip link add veth1 master br0 up type veth peer name eth0
ip address add 10.3.0.1/24 dev eth0
ip link add veth2 up type veth peer name away netns $OTHER
ip link add mac0 link br0 type macvlan mode bridge
ip link add vx0 up type vxlan id 7 remote 10.0.0.9 dstport 4789
ip route add default via 10.0.0.254
ip route add default via 10.0.0.253 metric 50
ip route add 10.7.0.0/16 dev br0 src 10.0.0.1
ip route add 10.8.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3
ip route add blackhole 10.99.0.0/16
ip route add 10.98.0.0/16 via inet6 fe80::1 dev br0
ip route add table 77 10.97.0.0/16 dev br0
ip -6 route add default via fd00:1::ff
echo ready; read x`

let pid: number
beforeAll(async () => {
  const other = await script('echo ready; read x', 'unshare', '-n')
  pid = await script(SETUP, 'env', `OTHER=${other}`, 'unshare', '-n')
})

describe('links', () => {
  const STATES: Record<string, string> = { LOWERLAYERDOWN: 'lower layer down' }

  const byIp = (of: number): Omit<Link, 'peerNamespace'>[] =>
    ip(of, '-details', '-statistics', 'address').map(row => {
      const { flags, linkinfo, stats64, addr_info = [] } = row
      const up = flags.includes('UP')
      const peer = row.link_index ?? ip(of, 'link').find(({ ifname }: Json) => ifname === row.link)?.ifindex
      return {
        name: row.ifname,
        index: row.ifindex,
        kind: linkinfo?.info_kind,
        up,
        state: STATES[row.operstate] ?? row.operstate.toLowerCase(),
        loopback: flags.includes('LOOPBACK'),
        mac: row.address,
        mtu: row.mtu,
        master: row.master,
        peer,
        addresses: up ? addr_info.map(({ local, prefixlen }: Json) => `${local}/${prefixlen}`) : [],
        received: { bytes: stats64.rx.bytes, packets: stats64.rx.packets },
        sent: { bytes: stats64.tx.bytes, packets: stats64.tx.packets },
      }
    })

  const still = ({ name, index, kind, up, state, loopback, mac, mtu, master, peer, addresses }: Json) => ({
    ...{ name, index, kind, up, state, loopback, mac, mtu, master, peer, addresses },
  })

  // A state may change between two looks: a new link settles, another test makes one.
  const asByIp = (of: number) =>
    vi.waitFor(() => expect(readLinks(of)!.map(still)).toEqual(byIp(of).map(still)), { timeout: 5000 })

  test('of this process are those of ip', () => asByIp(process.pid))

  test('of another network namespace too, of every kind', async () => {
    await asByIp(pid)
    const found = readLinks(pid)!
    expect(found.map(({ name, kind, master }) => [name, kind, master])).toEqual([
      ['lo', undefined, undefined],
      ['br0', 'bridge', undefined],
      ['eth0', 'veth', undefined],
      ['veth1', 'veth', 'br0'],
      ['veth2', 'veth', undefined],
      ['mac0', 'macvlan', undefined],
      ['vx0', 'vxlan', undefined],
    ])
  })

  test('the other end of a pair: here, or in a namespace that has a number here', () => {
    const found = new Map(readLinks(pid)!.map(link => [link.name, link]))
    const [veth1, eth0, veth2] = ['veth1', 'eth0', 'veth2'].map(name => found.get(name)!)
    expect([veth1!.peer, veth1!.peerNamespace]).toEqual([eth0!.index, undefined])
    expect(veth2!.peerNamespace).toBe(ip(pid, 'link', 'show', 'veth2')[0].link_netnsid)
    expect(veth2!.peerNamespace).toBeTypeOf('number')
  })

  test('counts what went through', async () => {
    const quiet = await script('ip link set lo up; echo ready; read x', 'unshare', '-n')
    execFileSync('nsenter', ['-t', String(quiet), '-n', 'bash', '-c', 'echo hello > /dev/udp/127.0.0.1/9'])
    const [lo] = readLinks(quiet)!
    // The UDP packet (20 + 8 + 6 bytes and 14 of the link), and the answer that nobody listens.
    const [{ received, sent }] = byIp(quiet) as [Link]
    expect([lo!.received, lo!.sent]).toEqual([received, sent])
    expect(sent.packets).toBe(2)
  })

  test('a new namespace has a loopback that is down', async () => {
    const fresh = await script('echo ready; read x', 'unshare', '-n')
    const lo = readLinks(fresh)?.find(({ loopback }) => loopback)
    expect(lo).toMatchObject({ name: 'lo', up: false, loopback: true, addresses: [], state: 'down' })
  })
})

describe('routes', () => {
  const byIp = (of: number) =>
    (['inet', 'inet6'] as const).flatMap(family =>
      ip(of, '-details', family === 'inet' ? '-4' : '-6', 'route').flatMap(row => {
        const route = { family, type: row.type, destination: row.dst, source: row.prefsrc, metric: row.metric ?? 0 }
        if (row.dst !== 'default' && !row.dst.includes('/')) route.destination += family === 'inet' ? '/32' : '/128'
        const ways: Json[] = row.nexthops ?? [row]
        return ways.map(({ gateway, via, dev }) => ({ ...route, gateway: gateway ?? via?.host, device: dev }))
      }),
    )

  test('of this process are those of ip', () =>
    vi.waitFor(() => expect(readRoutes(process.pid)).toEqual(byIp(process.pid)), { timeout: 5000 }))

  test('of another network namespace too: several ways, dead ends, gateways of the other family', () => {
    const found = readRoutes(pid)!
    expect(found).toEqual(byIp(pid))
    const destinations = found.map(({ destination }) => destination)
    for (const wanted of ['10.7.0.0/16', '10.8.0.0/16', '10.99.0.0/16', '10.98.0.0/16'])
      expect(destinations).toContain(wanted)
    expect(destinations).not.toContain('10.97.0.0/16') // of another table
  })

  test('the default route is the one that is used', () => {
    const routes = readRoutes(pid)!
    expect(defaultRoute(routes)).toMatchObject({ gateway: '10.0.0.254', device: 'br0' })
    expect(defaultRoute(routes, 'inet6')).toMatchObject({ gateway: 'fd00:1::ff' })
    expect(defaultRoute(routes.filter(({ metric }) => metric > 0))).toMatchObject({ gateway: '10.0.0.253' })
    expect(defaultRoute([])).toBeUndefined()
  })
})

test('by a descriptor they are the same, and only of a network namespace', () => {
  const namespace = openSync(`/proc/${pid}/ns/net`, 'r')
  const other = openSync(`/proc/${pid}/ns/uts`, 'r')
  expect(readLinksOf(namespace).map(({ name }) => name)).toEqual(readLinks(pid)!.map(({ name }) => name))
  expect(() => readLinksOf(other)).toThrow(/setns/)
  for (const fd of [namespace, other]) closeSync(fd)
})

test('of a process that is gone there is nothing, and no descriptor stays', () => {
  const open = readdirSync('/proc/self/fd').length
  expect([readLinks(0x7fffffff), readRoutes(0x7fffffff)]).toEqual([undefined, undefined])
  for (let i = 0; i < 50; i++) [readLinks(pid), readRoutes(pid)]
  expect(readdirSync('/proc/self/fd')).toHaveLength(open)
})

test.each([
  ['0a000001', '10.0.0.1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['20010db8000000000000000000000001', '2001:db8::1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'], // a single zero is written
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'], // the first of two runs
  ['20010000000000010000000000000001', '2001:0:0:1::1'], // the longer of two
  ['fe800000000000000000000000000000', 'fe80::'],
  ['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
  ['00100000000000000000000000000100', '10::100'],
])('%s is %s', (hex, text) => {
  expect(formatAddress(Buffer.from(hex, 'hex'))).toBe(text)
})
