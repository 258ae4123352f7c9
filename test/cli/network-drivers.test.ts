// `network create` with all its options, and its drivers: macvlan on a wire with a neighbour, vxlan between two hosts that
// know nothing of each other, each in a network namespace and with a state directory of its own.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { NetWorld } from '../engine/net-world.ts'
import { bin, eventually, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`kinds of networks${skipped}`, () => {
  let host: NetWorld
  let world: World
  /** The other host. */
  let n: number
  let there: World
  beforeAll(async () => {
    host = new NetWorld() // from here on all that this process starts lives there
    world = new World()
    there = new World()
    n = await host.neighbour('n', '203.0.113')
  })
  afterAll(() => {
    world.end()
    there.end()
    host.end()
  })
  afterEach(async () => {
    for (const [one, toolkit] of [
      [world, here],
      [there, over],
    ] as const) {
      one.stopAll()
      const ids = toolkit('ps', '-aq').stdout.split('\n').filter(Boolean)
      if (ids.length > 0) toolkit('rm', '-f', ...ids)
      toolkit('network', 'prune', '-f')
      expect(fs.globSync(`${one.state}/networks/*/leases/*`)).toEqual([])
    }
    const links = () => host.sh('ip -o link') + host.in(n, 'ip -o link')
    await eventually(() => !/br-|mine0|vx-|toolkit-|tk\w/.test(links()), 'no link of ours is left on either host')
  })

  const here = (...words: string[]) => world.toolkit(words)
  /** On the other host. */
  const over = (...words: string[]) => {
    const options = { env: there.env, timeout: 15_000, encoding: 'utf8' } as const
    return spawnSync('nsenter', ['-t', String(n), '-n', bin, ...words], options)
  }
  const serving = (name: string) => `mkdir /w; echo ${name} >/w/index.html; exec httpd -f -p 80 -h /w`
  function expectDone({ status, stderr }: { status: number | null; stderr: string }) {
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  }
  const fetch = 'f() { timeout 2 wget -qO- http://$1 2>/dev/null || echo no; }; '

  test('macvlan: the container stands on the wire, with an address of its own, and the host itself does not hear it', () => {
    const range = ['--subnet', '203.0.113.0/24', '--gateway', '203.0.113.2', '--ip-range', '203.0.113.64/28']
    expectDone(here('network', 'create', '-d', 'macvlan', '-o', 'parent=to-n', ...range, 'wire'))
    const run = ['run', '-d', '--init', '--net', 'wire', 'busybox', 'sh', '-c']
    expectDone(here(...run.toSpliced(1, 0, '--name', 'web'), serving('web')))
    const look = `ip -o link | grep -o 'eth0@.*mtu [0-9]*'; ip route; nc -w 1 203.0.113.2 80; ${fetch}f 203.0.113.1; echo; f web`
    const { stdout } = here('run', '--rm', '--net', 'wire', 'busybox', 'sh', '-c', look)
    expect(stdout).toMatch(/^eth0@.* mtu 1500\n/)
    expect(stdout.split('\n').slice(1)).toEqual([
      'default via 203.0.113.2 dev eth0 ',
      '203.0.113.0/24 dev eth0 scope link  src 203.0.113.65 ',
      ...['n asked by 203.0.113.65no', '', 'web', ''],
    ])
    expect(host.in(n, 'exec 3<>/dev/tcp/203.0.113.64/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; tail -n 1 <&3')).toBe(
      'web\n',
    )
    expect(host.sh('ip -o link')).not.toMatch(/br-/)
    expect(host.sh('cat /proc/sys/net/ipv4/ip_forward')).toBe('0\n')
    expect(here('run', '--rm', '--net', 'wire', '-p', '80', 'busybox', 'true')).toMatchObject({
      ...{ status: 125, stderr: expect.stringContaining('network wire is of driver macvlan') },
    })
    expectDone(here('network', 'create', 'red'))
    expectDone(here('network', 'connect', 'red', 'web'))
    expectDone(here('network', 'disconnect', 'wire', 'web'))
    expect(here('exec', 'web', 'ip', 'route').stdout).toMatch(/^default via 172\.\d+\.0\.1 dev eth1/)
    expectDone(here('network', 'connect', '--ip', '203.0.113.70', 'wire', 'web'))
    expect(here('exec', 'web', 'ip', '-o', '-4', 'addr').stdout).toContain('203.0.113.70/24')
  })

  test('vxlan: containers on two hosts are in one network, each leaves by its own host', () => {
    const create = (toolkit: typeof here | typeof over, remote: string, range: string) =>
      expectDone(
        toolkit(
          'network',
          'create',
          '-d',
          'vxlan',
          '-o',
          'id=42',
          '-o',
          `remote=${remote}`,
          '--subnet',
          '10.9.0.0/24',
          '--ip-range',
          range,
          'far',
        ) as ReturnType<typeof here>,
      )
    create(here, '203.0.113.2', '10.9.0.0/25')
    create(over, '203.0.113.1', '10.9.0.128/25')
    expectDone(over('run', '-d', '--init', '--name', 'web', '--net', 'far', 'busybox', 'sh', '-c', serving('web')))
    const look = `${fetch}f 10.9.0.128; ip -o link show eth0 | grep -o 'mtu [0-9]*'; ping -c 1 -W 1 -s 1400 10.9.0.128 | grep -c 'bytes from'; nc -w 1 203.0.113.2 80`
    expectDone(here('run', '-d', '--init', '--name', 'box', '--net', 'far', 'busybox', 'sh', '-c', serving('box')))
    expect(here('exec', 'box', 'sh', '-c', look).stdout).toBe('web\nmtu 1450\n1\nn asked by 203.0.113.1')
    expect(over('exec', 'web', 'sh', '-c', `${fetch}f 10.9.0.2`).stdout).toBe('box\n')
    const gateway = 'ping -c 1 -W 1 10.9.0.1 >/dev/null; grep "^10.9.0.1 " /proc/net/arp | grep -o 02:42:0a:09:00:01'
    expect(here('exec', 'box', 'sh', '-c', gateway).stdout).toBe('02:42:0a:09:00:01\n')
    // Each host keeps the other one's gateway out: its bridge would take that for a loop, and the kernel says so.
    const [link] = /vx-[0-9a-f]+/.exec(host.sh('ip -o link show type vxlan'))!
    expect(host.sh(`dmesg 2>/dev/null | grep "own address as source" | grep -c ${link} || true`)).toBe('0\n')
    // Deleted by hand: the next container mends the tunnel for all.
    host.sh('ip link del $(ip -o link show type vxlan | grep -o "vx-[0-9a-f]*" | head -1)')
    expect(here('exec', 'box', 'sh', '-c', `${fetch}f 10.9.0.128`).stdout).toBe('no\n')
    expectDone(here('run', '--rm', '--net', 'far', 'busybox', 'true'))
    expect(here('exec', 'box', 'sh', '-c', `${fetch}f 10.9.0.128`).stdout).toBe('web\n')
    host.sh('ip link del $(ip -o link show type bridge | grep -o "br-[0-9a-f]*" | head -1)')
    expectDone(here('run', '--rm', '--net', 'far', 'busybox', 'true'))
    expect(here('exec', 'box', 'sh', '-c', `${fetch}f 10.9.0.128`).stdout).toBe('web\n')
  })

  test('a bridge: its name, mtu, range, and addresses that are kept free', () => {
    const names = ['-o', 'com.docker.network.bridge.name=mine0', '-o', 'com.docker.network.driver.mtu=1400']
    const range = [
      '--subnet=10.5.0.0/24',
      '--gateway=10.5.0.254',
      '--ip-range=10.5.0.8/30',
      '--aux-address',
      'nas=10.5.0.9',
    ]
    expectDone(here('network', 'create', ...names, ...range, 'mine'))
    const look = `ip -o link show eth0 | grep -o 'mtu [0-9]*'; ip -o -4 addr show eth0 | grep -o 'inet [0-9./]*'; ip route | grep default`
    expectDone(here('run', '-d', '--init', '--net', 'mine', 'busybox', 'sleep', '60'))
    expect(here('run', '--rm', '--net', 'mine', 'busybox', 'sh', '-c', look).stdout.split('\n')).toEqual([
      ...['mtu 1400', 'inet 10.5.0.10/24', 'default via 10.5.0.254 dev eth0 ', ''],
    ])
    expect(host.sh('ip -o link show mine0')).toContain('mine0')
    const [about] = JSON.parse(here('network', 'inspect', 'mine').stdout)
    expect(about).toMatchObject({
      IPAM: {
        Config: [
          {
            Subnet: '10.5.0.0/24',
            Gateway: '10.5.0.254',
            IPRange: '10.5.0.8/30',
            AuxiliaryAddresses: { nas: '10.5.0.9' },
          },
        ],
      },
      Options: { 'com.docker.network.bridge.name': 'mine0' },
    })
    for (let i = 0; i < 2; i++) expectDone(here('run', '-d', '--init', '--net', 'mine', 'busybox', 'sleep', '60'))
    expect(here('run', '--rm', '--net', 'mine', 'busybox', 'true')).toMatchObject({
      ...{ status: 125, stderr: expect.stringContaining('no address is left in 10.5.0.8/30, 3 containers have one') },
    })
    expect(here('run', '--rm', '--net', 'mine', '--ip', '10.5.0.9', 'busybox', 'true').stderr).toContain(
      'an auxiliary address',
    )
    expect(here('network', 'ls', '--format', '{{.Name}} {{.Driver}}').stdout).toContain('mine bridge\n')
  })

  const SUBNET = ['--subnet', '10.6.0.0/24']
  const refused: [string[], string][] = [
    [['-d', 'overlay'], 'there are bridge, macvlan, vxlan'],
    [['-d', 'macvlan'], 'needs -o parent=LINK'],
    [['-d', 'macvlan', '-o', 'parent=eth77'], 'there is no link eth77 here'],
    [['-d', 'macvlan', '-o', 'parent=to-n', '-o', 'macvlan_mode=x'], 'is one of bridge, private'],
    [['-d', 'vxlan', '-o', 'id=1'], 'needs -o id=NUMBER and -o remote=IP'],
    [['-d', 'vxlan', '-o', 'id=0', '-o', 'remote=192.0.2.1'], 'from 1 to 16777215'],
    [['-d', 'vxlan', '-o', 'id=1', '-o', 'remote=host'], 'is an address of IPv4'],
    [['-o', 'parent=lo'], 'driver bridge knows com.docker.network.bridge.name'],
    [['-o', 'mtu=1'], 'from 68 to 65535'],
    [['-o', 'mtu'], 'give KEY=VALUE'],
    [['-o', 'com.docker.network.bridge.name=lo'], 'there is a link lo already'],
    [['-o', 'com.docker.network.bridge.name=a/b'], 'no name for a network link'],
    [['--ipv6'], 'IPv4 only'],
    [['--ingress'], '--ingress: there is no swarm'],
    [['--config-only'], '--config-only: '],
    [['--config-from', 'other'], '--config-from: '],
    [['--scope', 'swarm'], '--scope "swarm": there is only local'],
    [['--ipam-driver', 'dhcp'], '--ipam-driver "dhcp": there is only default'],
    [['-o', 'com.docker.network.bridge.enable_icc=false'], 'can only be true here'],
    [[...SUBNET, '--ip-range', '10.7.0.0/24'], 'give a part of 10.6.0.0/24'],
    [[...SUBNET, '--aux-address', 'x=10.7.0.1'], 'give an address in 10.6.0.0/24'],
  ]
  test('what makes no network is refused in one line', () => {
    for (const [words, message] of refused) {
      const { status, stderr } = here('network', 'create', ...words, 'bad')
      expect(stderr).toContain(message)
      expect(stderr.trimEnd().split('\n')).toHaveLength(1)
      expect(status).toBeGreaterThan(0)
    }
  })
})
