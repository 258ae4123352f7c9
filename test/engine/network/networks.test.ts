// Networks that users make, on a host of their own: who reaches whom, what is left, and who may have which addresses.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leaveNetwork } from '../../../toolkit/engine/network/network.ts'
import { createNetwork, join, listNetworks, removeNetwork } from '../../../toolkit/engine/network/networks.ts'
import { newId } from '../../../toolkit/engine/state/store.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'
import { until } from '../../observe/helpers.ts'
import { staticBusybox } from '../../rootfs-scripts/static-busybox.ts'
import { type Box, HOST, NEIGHBOUR, NetWorld, skipped } from '../net-world.ts'

const { busybox, missing } = staticBusybox()
const noNft = spawnSync('nft', ['--version']).error ? ' (skipped: nft is not installed)' : ''

describe.skipIf(skipped)(`networks of users${skipped}`, () => {
  let world: NetWorld
  let n: number
  const boxes: Record<string, Box> = {}
  beforeAll(async () => {
    world = new NetWorld()
    n = await world.neighbour('n', '203.0.113')
    world.make('red')
    world.make('blue', { subnet: '10.7.0.0/24', gateway: '10.7.0.99' })
    world.make('closed', { internal: true })
    boxes.own = await world.box('own', '8001:80')
    boxes.own2 = await world.box('own2')
    boxes.red = await world.boxIn('red', 'red', '8002:80', '8002:80/udp')
    boxes.red2 = await world.boxIn('red', 'red2')
    boxes.blue = await world.boxIn('blue', 'blue', '8003:80')
    boxes.closed = await world.boxIn('closed', 'closed')
    boxes.closed2 = await world.boxIn('closed', 'closed2')
  })
  afterAll(() => world.end())

  const address = (name: string) => boxes[name]!.lease.address
  const networkOfBox = (name: string) => boxes[name]!.lease.network

  /** Every pair, TCP and UDP: who gets an answer. */
  async function reach(names: readonly string[], what: (name: string) => string | undefined) {
    const asked = names.flatMap(from => names.map(to => ({ from, to, what: what(to) })))
    const answers = await Promise.all(
      asked.flatMap(({ from, to, what }) =>
        from === to || what === undefined
          ? []
          : [world.ask(boxes[from]!.pid, what).then(answer => (answer ? [`${from} → ${to}`] : []))],
      ),
    )
    return answers.flat().toSorted()
  }

  test('each has its own range: the first that is free, or the one that was asked for', () => {
    const ranges = Object.values(boxes).map(({ lease }) => [lease.network, lease.address, lease.gateway, lease.subnet])
    expect(ranges).toEqual([
      ['bridge', '172.17.0.2', '172.17.0.1', '172.17.0.0/16'],
      ['bridge', '172.17.0.3', '172.17.0.1', '172.17.0.0/16'],
      ['red', '172.18.0.2', '172.18.0.1', '172.18.0.0/16'],
      ['red', '172.18.0.3', '172.18.0.1', '172.18.0.0/16'],
      ['blue', '10.7.0.1', '10.7.0.99', '10.7.0.0/24'],
      ['closed', '172.19.0.2', '172.19.0.1', '172.19.0.0/16'],
      ['closed', '172.19.0.3', '172.19.0.1', '172.19.0.0/16'],
    ])
    expect(world.sh('ip -o link show type bridge').match(/(toolkit0|br-\w+)(?=:)/g)).toHaveLength(4)
  })

  describe('the matrix', () => {
    const names = ['own', 'own2', 'red', 'red2', 'blue', 'closed', 'closed2']
    const pairs = (isIn: (from: string, to: string) => boolean) =>
      names.flatMap(from => names.flatMap(to => (from !== to && isIn(from, to) ? [`${from} → ${to}`] : []))).toSorted()
    const together = () => pairs((from, to) => networkOfBox(from) === networkOfBox(to))

    test.each(['tcp', 'udp'])('%s: containers reach those of their own network, and no others', async protocol => {
      expect(await reach(names, to => `${protocol}/${address(to)}/80`)).toEqual(together())
    })

    /** A ping from one network namespace to an address; resolves to whether there was an answer. */
    const ping = (pid: number, to: string) =>
      new Promise<boolean>(resolve =>
        spawn('nsenter', ['-t', String(pid), '-n', busybox, 'ping', '-c', '1', '-W', '1', to], { stdio: 'ignore' }).on(
          'close',
          code => resolve(code === 0),
        ),
      )

    test.skipIf(missing)(
      `ping: the same; the host by its place in one's own network only; a neighbour from where there is a way out${missing ? ` (skipped: ${missing})` : ''}`,
      async () => {
        const gateways = [...new Set(names.map(name => boxes[name]!.lease.gateway))]
        const targets = [...names.map(name => [name, address(name)]), ...gateways.map(ip => [ip, ip]), ['n', NEIGHBOUR]]
        const asked = names.flatMap(from => targets.map(([to, ip]) => ({ from, to: to!, ip: ip! })))
        const found = await Promise.all(
          asked.map(async ({ from, to, ip }) => ((await ping(boxes[from]!.pid, ip)) ? [`${from} → ${to}`] : [])),
        )
        const wanted = asked.filter(({ from, to }) => {
          if (to === 'n') return networkOfBox(from) !== 'closed'
          if (to in boxes) return networkOfBox(from) === networkOfBox(to)
          return boxes[from]!.lease.gateway === to
        })
        expect(found.flat().toSorted()).toEqual(wanted.map(({ from, to }) => `${from} → ${to}`).toSorted())
        const fromOutside = await Promise.all(names.map(name => ping(n, address(name))))
        expect(fromOutside).toEqual(names.map(() => false))
      },
    )

    test('a published port is not to be had at the gateway of another network, nor by a borrowed address', async () => {
      for (const what of ['tcp/10.7.0.99/8003', 'tcp/172.17.0.1/8001'])
        expect(await world.ask(boxes.red!.pid, what), what).toBeUndefined()
      const { pid } = boxes.red!
      world.in(pid, 'ip address add 10.7.0.1/24 dev eth0; ip route replace default via 172.18.0.1 src 10.7.0.1')
      for (const what of [`tcp/${NEIGHBOUR}/80`, `tcp/${HOST}/8001`])
        expect(await world.ask(pid, what), what).toBeUndefined()
      world.in(pid, 'ip address del 10.7.0.1/24 dev eth0; ip route replace default via 172.18.0.1')
      expect(await world.ask(pid, `tcp/${NEIGHBOUR}/80`)).toBe(`n asked by ${HOST}`)
    })

    test('who is in two networks reaches both, and is no way from one to the other, even if it wants to be', async () => {
      const both = await world.boxIn(['red', 'blue'], 'both')
      const [red, blue] = both.membership.leases.map(({ address }) => address)
      for (const name of names) {
        const isNear = ['red', 'blue'].includes(networkOfBox(name))
        expect(await world.ask(both.pid, `tcp/${address(name)}/80`), name).toEqual(
          isNear ? expect.any(String) : undefined,
        )
      }
      expect(await world.ask(boxes.red!.pid, `tcp/${red}/80`)).toMatch(/^both/)
      expect(await world.ask(boxes.blue!.pid, `tcp/${blue}/80`)).toMatch(/^both/)
      world.in(both.pid, 'echo 1 >/proc/sys/net/ipv4/ip_forward')
      world.in(boxes.red!.pid, `ip route add 10.7.0.0/24 via ${red}`)
      world.in(boxes.blue!.pid, `ip route add 172.18.0.0/16 via ${blue}`)
      expect(await world.ask(boxes.red!.pid, `tcp/${address('blue')}/80`)).toBeUndefined()
      expect(await world.ask(boxes.blue!.pid, `tcp/${address('red')}/80`)).toBeUndefined()
      world.in(boxes.red!.pid, 'ip route del 10.7.0.0/24')
      world.in(boxes.blue!.pid, 'ip route del 172.18.0.0/16')
      world.stop(both)
    })

    test('published ports: for all but who is in a network without a way out', async () => {
      const ports: Record<string, number> = { own: 8001, red: 8002, blue: 8003 }
      const wanted = pairs((from, to) => to in ports && networkOfBox(from) !== 'closed')
      expect(await reach(names, to => (to in ports ? `tcp/${HOST}/${ports[to]}` : undefined))).toEqual(wanted)
      expect(await world.ask(process.pid, 'tcp/127.0.0.1/8003')).toBe('blue asked by 10.7.0.99')
      expect(await world.ask(n, `udp/${HOST}/8002`)).toBe(`red asked by ${NEIGHBOUR}`)
      expect(await world.ask(boxes.red!.pid, `tcp/${HOST}/8002`)).toBe('red asked by 172.18.0.1') // itself
      expect(await world.ask(boxes.closed!.pid, 'tcp/172.19.0.1/8003')).toBeUndefined() // by its own gateway
    })

    test('out to a neighbour: from all but the one without a way out', async () => {
      const out = await Promise.all(names.map(name => world.ask(boxes[name]!.pid, `tcp/${NEIGHBOUR}/80`)))
      expect(out).toEqual(names.map(name => (networkOfBox(name) === 'closed' ? undefined : `n asked by ${HOST}`)))
    })

    test('with a route of its own making a container still does not come out of, or into, a closed network', async () => {
      world.in(boxes.closed!.pid, 'ip route add default via 172.19.0.1')
      for (const what of [`tcp/${NEIGHBOUR}/80`, `tcp/${address('red')}/80`, `tcp/${HOST}/8001`])
        expect(await world.ask(boxes.closed!.pid, what), what).toBeUndefined()
      expect(await world.ask(boxes.red!.pid, `tcp/${address('closed')}/80`)).toBeUndefined()
      world.in(boxes.closed!.pid, 'ip route del default')
    })

    test('row 71: a neighbour with a route to them', async () => {
      world.in(n, 'ip route replace 10.7.0.0/24 via 203.0.113.1; ip route replace 172.16.0.0/12 via 203.0.113.1')
      for (const name of names) expect(await world.ask(n, `tcp/${address(name)}/80`), name).toBeUndefined()
    })

    test('the host itself reaches all', async () => {
      for (const name of names)
        expect(await world.ask(process.pid, `tcp/${address(name)}/80`)).toBe(
          `${name} asked by ${boxes[name]!.lease.gateway}`,
        )
    })

    test.skipIf(noNft)(
      `without our rules they would reach each other: it is the rules that part them${noNft}`,
      async () => {
        world.sh(
          "nft 'flush chain ip toolkit guard; flush chain ip toolkit forward; chain ip toolkit forward { policy accept; }'",
        )
        expect(await world.ask(boxes.red!.pid, `tcp/${address('blue')}/80`)).toMatch(/^blue asked by/)
        world.stop(await world.box('mender'))
        expect(await world.ask(boxes.red!.pid, `tcp/${address('blue')}/80`)).toBeUndefined()
      },
    )
  })

  test('a bridge that somebody deletes is mended by the next of its network, all rules with it', async () => {
    const { bridge } = boxes.blue!.lease
    world.sh(`ip link del ${bridge}${noNft ? '' : '; nft flush ruleset'}`)
    expect(await world.ask(n, `tcp/${HOST}/8003`)).toBeUndefined()
    const next = await world.boxIn('blue', 'next')
    expect(await world.ask(next.pid, `tcp/${address('blue')}/80`)).toBe(`blue asked by ${next.lease.address}`)
    expect(await world.ask(n, `tcp/${HOST}/8003`)).toBe(`blue asked by ${NEIGHBOUR}`)
    expect(await world.ask(n, `tcp/${HOST}/8002`)).toBe(`red asked by ${NEIGHBOUR}`)
    world.stop(next)
  })

  describe('addresses and names', () => {
    const wish = { publish: [], names: { dns: [] } }
    const ask = (name: string, ip: string) => () =>
      join({ ...wish, endpoints: [{ name, ip, aliases: [] }] }, newId(), [], world.network)

    test.each([
      ['blue', '10.7.0.1', /^run: --ip 10.7.0.1: is taken already in network blue, by [0-9a-f]{12}$/],
      ['blue', '10.7.0.99', /is the host’s own/],
      ['blue', '10.7.0.0', /is no address of a container in 10.7.0.0\/24/],
      ['blue', '10.7.0.255', /is no address of a container/],
      ['blue', '10.8.0.1', /is no address of a container/],
      ['green', '10.8.0.1', /^run: --network green: no network "green"/],
    ])('--net %s --ip %s', (name, ip, message) => {
      expect(ask(name, ip)).toThrow(message)
      expect(ask(name, ip)).toThrow(UsageError)
    })

    test('one that is free, by the network’s id as well; names are kept for those who ask', () => {
      const { id } = listNetworks(world.network).find(({ name }) => name === 'blue')!.state!
      const aliases = ['db', 'db', 'box']
      const { leases, close } = join(
        { ...wish, endpoints: [{ aliases, name: id.slice(0, 9), ip: '10.7.0.50' }] },
        '0a'.repeat(32),
        ['box'],
        world.network,
      )
      expect(leases[0]).toMatchObject({ address: '10.7.0.50', network: 'blue', names: ['box', 'db'] })
      close()
      leaveNetwork('0a'.repeat(32), world.network)
    })

    test('a port cannot be published from a network without a way in', () => {
      const publish = [{ protocol: 'tcp', address: '0.0.0.0', host: undefined, container: 80, text: '80' }] as const
      expect(() =>
        join({ ...wish, publish, endpoints: [{ name: 'closed', aliases: [] }] }, newId(), [], world.network),
      ).toThrow('run: --publish 80: network closed is internal')
    })

    const make = (name: string, subnet?: string, gateway?: string) => () =>
      createNetwork({ id: newId(), name, subnet, gateway, internal: false, labels: {} }, world.network)

    test.each([
      ['red', undefined, undefined, 'there is one of this name already'],
      ['bridge', undefined, undefined, 'taken by the engine itself'],
      ['host', undefined, undefined, 'taken by the engine itself'],
      ['../x', undefined, undefined, 'a name is at most 128'],
      ['.new', undefined, undefined, 'a name is at most 128'],
      ['"; flush ruleset', undefined, undefined, 'a name is at most 128'],
      ['new', '10.7.0.128/25', undefined, 'overlaps that of another network'],
      ['new', '172.17.0.0/24', undefined, 'overlaps that of another network'],
      ['new', '10.9.0.0/31', undefined, 'from 8 to 30'],
      ['new', '0.0.0.0/8', undefined, '0.0.0.0/8 is for no hosts'],
      ['new', '127.1.0.0/16', undefined, '127.0.0.0/8 is for no hosts'],
      ['new', '239.0.0.0/24', undefined, '224.0.0.0/4 is for no hosts'],
      ['new', 'fd00::/64', undefined, 'give a range of IPv4'],
      ['new', '10.9.0.0/24', '10.10.0.1', 'give an address in 10.9.0.0/24'],
      ['new', '10.9.0.0/24', '10.9.0.255', 'give an address in 10.9.0.0/24'],
    ])('create %j %s %s is refused', (name, subnet, gateway, why) => {
      expect(make(name, subnet, gateway)).toThrow(why)
      expect(listNetworks(world.network).map(({ name }) => name)).toEqual(['blue', 'closed', 'red'])
    })

    test('a range may be given by any address in it', () => {
      expect(make('new', '10.9.0.7/24')()).toMatchObject({ subnet: '10.9.0.0/24', gateway: '10.9.0.1' })
      removeNetwork('new', world.network)
    })

    test('a range that the host uses is not chosen', () => {
      world.sh('ip address add 172.20.3.1/24 dev lo')
      expect(make('green')().subnet).toBe('172.21.0.0/16')
      expect(removeNetwork('green', world.network)).toBe('green')
      world.sh('ip address del 172.20.3.1/24 dev lo')
    })
  })

  test('a definition that is torn or newer: this network is refused and named, the others work', async () => {
    const path = `${world.state}/networks/red/definition.json`
    const text = readFileSync(path, 'utf8')
    for (const torn of [
      '',
      '{',
      'null',
      '[]',
      text.replace('"version": 1', '"version": 2'),
      text.replace('172.18', '172.400'),
    ]) {
      writeFileSync(path, torn)
      await expect(world.boxIn('red', 'other')).rejects.toThrow('red/definition.json is not a network of version 1')
      world.stop(await world.boxIn('blue', 'other'))
      expect(await world.ask(n, `tcp/${HOST}/8002`), 'who is in it stays').toBe(`red asked by ${NEIGHBOUR}`)
    }
    writeFileSync(path, text)
    world.make('torn')
    writeFileSync(`${world.state}/networks/torn/definition.json`, '{')
    expect(removeNetwork('torn', world.network)).toBe('torn')
  })

  test('one that is in use is not removed; with the last container its bridge goes, and in the end all else', async () => {
    expect(() => removeNetwork('red', world.network)).toThrow(/^network red is in use by [0-9a-f]{12}, [0-9a-f]{12}$/)
    const { bridge } = boxes.red!.lease
    world.stop(boxes.red!)
    world.stop(boxes.red2!)
    await until(() => !existsSync(`/proc/sys/net/ipv4/conf/${bridge}`))
    expect(await world.ask(n, `tcp/${HOST}/8003`)).toBe(`blue asked by ${NEIGHBOUR}`)
    expect(removeNetwork('red', world.network)).toBe('red')
    expect(() => removeNetwork('red', world.network)).toThrow('no network "red"')
    for (const name of ['own', 'own2', 'blue']) world.stop(boxes[name]!)
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe('0\n') // the closed one needs none
    expect(await world.ask(boxes.closed!.pid, `tcp/${address('closed2')}/80`)).toMatch(/^closed2 asked by/)
    world.stopAll()
    expect(removeNetwork('blue', world.network)).toBe('blue') // at once: its bridge may be there yet
    expect(removeNetwork('closed', world.network)).toBe('closed')
    await until(() => !/br-|toolkit0|tk\w/.test(world.sh('ip -o link')))
    if (!noNft) expect(world.sh('nft list ruleset')).toBe('')
    expect(readdirSync(`${world.state}/networks`).toSorted()).toEqual(['.dns', '.host.json', '.lock', 'bridge'])
  })
})
