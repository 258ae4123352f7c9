// The bridge network under `toolkit run`, on a host of its own: engines that are killed, many at once, and other hands
// at the bridge and the firewall.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { totalmem } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually, skipped, World } from '../cli/toolkit.ts'
import { expectAsBefore, lookAt } from './as-before.ts'
import { NetWorld } from './net-world.ts'

const noNft = spawnSync('nft', ['--version']).error ? ' (skipped: nft is not installed)' : ''
const why = skipped || noNft

describe.skipIf(why)(`the bridge of toolkit run${why}`, () => {
  let host: NetWorld
  let world: World
  beforeAll(() => {
    host = new NetWorld() // from here on all that this process starts lives there
    world = new World()
  })
  afterAll(() => {
    world.end()
    host.end()
  })

  afterEach(() => world.stopAll())

  const bridge = ['run', '--name', 'box', '--net', 'bridge', '-p', '8080:80']
  const run = (failpoint?: string, ...flags: string[]) =>
    world.toolkit([...bridge, ...flags, 'busybox', 'sh', '-c', 'exit 7'], {
      env: { ...world.env, ...(failpoint && { TOOLKIT_FAILPOINT: failpoint }) },
    })
  const leases = () => fs.readdirSync(`${world.state}/networks/bridge/leases`)
  const links = () => host.sh('ip -o link').trim().split('\n').length
  const rules = () => host.sh('nft list ruleset')
  /** No lease, rule or link, and the host passes nothing on; the bridge itself goes a moment later. */
  async function expectNoNetwork() {
    await eventually(() => links() === 1, 'only lo is left')
    expect(rules()).toBe('')
    expect(host.sh('cat /proc/sys/net/ipv4/ip_forward')).toBe('0\n')
    const directory = `${world.state}/networks/bridge/leases`
    expect(fs.existsSync(directory) ? leases() : []).toEqual([])
  }
  /** Starts a server on port 80, and waits until it answers. */
  async function serve(name: string, port: number) {
    const script = `mkdir /www; echo ${name} >/www/index.html; echo up; exec httpd -f -p 80 -h /www`
    const flags = ['run', '--rm', '--init', '--name', name, '--net', 'bridge', '-p', `${port}:80`]
    const server = world.start([...flags, 'busybox', 'sh', '-c', script])
    await server.until('up')
    await eventually(() => ask(port) === `${name}\n`, `${name} answers`)
    return server
  }
  const ask = (port: number) => {
    const request = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; tail -n 1 <&3`
    return spawnSync('timeout', ['1', 'bash', '-c', request], { encoding: 'utf8' }).stdout
  }

  const places = [
    ...['network joined', 'process made', 'cgroup removed', 'network released'],
    ...[9, 6, 3, 0].map(back => `last action but ${back}`), // those before make groups and files, as many as there are
  ]
  function failpointOf(place: string): string {
    const back = /^last action but (\d+)$/.exec(place)?.[1]
    if (back === undefined) return place
    const { stdout } = world.toolkit(['run', '--dry-run', '--net', 'bridge', '-p', '8080:80', 'busybox', 'true'])
    const all = stdout.match(/^ {2}· {2}/gm)!.length
    return `action ${all - Number(back)}`
  }

  test.each(places)('kill -9, %s: the next command undoes it', async words => {
    const place = failpointOf(words)
    const before = lookAt(world)
    expect(run(`${place}:kill`, '--rm').signal).toBe('SIGKILL')
    expect(run(undefined, '--rm')).toMatchObject({ status: 7, stderr: '' }) // with the same name and port
    await expectNoNetwork()
    const files = ['networks', 'networks/bridge', 'networks/.lock', 'networks/bridge/network.json']
    for (const file of files) expect(fs.existsSync(`${world.state}/${file}`)).toBe(true)
    fs.rmSync(`${world.state}/networks`, { recursive: true })
    await expectAsBefore(world, before)
  })

  test.each(places)('an error, %s: undone at once', async words => {
    const place = failpointOf(words)
    const ended = ['cgroup removed', 'network released'].includes(place)
    expect(run(`${place}:error`, '--rm')).toMatchObject({
      status: ended ? 7 : 125,
      stderr: expect.stringMatching(new RegExp(`^toolkit: .*failpoint: ${place}\n$`)),
    })
    if (ended) expect(run(undefined, '--rm').status).toBe(7)
    await expectNoNetwork()
  })

  test('30 at once: each has an address of its own, and none is left', async () => {
    const runs = Array.from({ length: 30 }, () =>
      world.start(['run', '--rm', '-i', '--net', 'bridge', 'busybox', 'sh', '-c', 'hostname -i; read x'], 'pipe'),
    )
    await eventually(() => runs.every(run => run.output().includes('\n')), 'all are up')
    const addresses = runs.map(run => run.output().trim())
    expect(addresses.filter(address => !/^172\.\d+\.0\.\d+$/.test(address))).toEqual([])
    expect(new Set(addresses).size).toBe(30)
    for (const run of runs) run.child.stdin!.end('\n')
    expect((await Promise.all(runs.map(run => run.exit))).map(({ code }) => code)).toEqual(runs.map(() => 0))
    await expectNoNetwork()
  })

  const small = totalmem() > 4e9 ? '' : ' (skipped: a hundred engines at once need 4 GB of memory)'
  test.skipIf(small)(`R11: 100 at once on a /26: 61 have an address each, the others are told${small}`, async () => {
    world.toolkit(['network', 'create', '--subnet', '10.77.0.0/26', 'small'])
    const one = '$TOOLKIT run -d --net small busybox sleep 1000 || echo "code $?"'
    const said = world.shell(`for i in $(seq 100); do { ${one}; } 2>&1 & done; wait`).stdout.trim().split('\n')
    const ids = said.filter(line => /^[0-9a-f]{64}$/.test(line))
    const full =
      /^toolkit: run: --network small: no address is left in 10\.77\.0\.0\/26, 61 containers have one; end some/
    expect(said.filter(line => !ids.includes(line) && line !== 'code 125' && !full.test(line))).toEqual([])
    expect(said.filter(line => line === 'code 125')).toHaveLength(39)
    expect(said.filter(line => full.test(line))).toHaveLength(39)
    const format = '{{.NetworkSettings.Networks.small.IPAddress}}'
    const addresses = world
      .toolkit(['inspect', '-f', format, ...ids])
      .stdout.trim()
      .split('\n')
    const last = (address: string) => Number(/^10\.77\.0\.(\d+)$/.exec(address)?.[1])
    expect(addresses.map(last).sort((a, b) => a - b)).toEqual(Array.from({ length: 61 }, (_, i) => i + 2))
    world.toolkit(['rm', '-f', ...ids])
    expect(world.toolkit(['network', 'rm', 'small']).status).toBe(0)
    await expectNoNetwork()
  })

  test('12 who want one of 5 ports: five have one each, the others are told so; then all are free', async () => {
    const runs = Array.from({ length: 12 }, () =>
      world.start(
        ['run', '--rm', '-i', '--net', 'bridge', '-p', '8000-8004:80', 'busybox', 'sh', '-c', 'echo up; read x'],
        'pipe',
      ),
    )
    await eventually(() => runs.every(run => run.output().includes('\n')), 'each knows')
    const lost = runs.filter(run => run.output() !== 'up\n')
    for (const run of lost) {
      expect(await run.exit).toEqual({ code: 125, signal: null })
      expect(run.output()).toMatch(/^toolkit: run: --publish .*8000-8004.*\n$/)
    }
    expect(lost).toHaveLength(7)
    for (const run of runs) run.child.stdin?.end('\n')
    await Promise.all(runs.map(run => run.exit))
    await expectNoNetwork()
  })

  test('nft flush ruleset, and the bridge deleted, while a container runs: the next one repairs both', async () => {
    const one = await serve('one', 8081)
    host.sh('nft flush ruleset')
    expect(ask(8081)).toBe('')
    const [link] = host.sh('ip -o link show type bridge').match(/toolkit[\w-]*/)!
    host.sh(`ip link del ${link}`)
    const two = await serve('two', 8082)
    await eventually(() => ask(8081) === 'one\n', 'the first one answers again')
    host.sh('nft flush ruleset')
    host.sh(`ip link del ${link}`)
    for (const server of [one, two]) {
      server.child.kill('SIGTERM')
      expect((await server.exit).code).toBe(143)
    }
    await expectNoNetwork()
  })

  test('network.json and leases that are no such thing: passed over', async () => {
    const one = await serve('one', 8081)
    const directory = `${world.state}/networks/bridge`
    for (const text of ['', '{', 'null', '[]', '\0\0\0\0']) {
      fs.writeFileSync(`${directory}/network.json`, text)
      fs.writeFileSync(`${directory}/leases/172.17.0.77`, text)
      expect(run(undefined, '--rm'), text).toMatchObject({ status: 7, stderr: '' })
    }
    expect(ask(8081)).toBe('one\n')
    one.child.kill('SIGTERM')
    expect((await one.exit).code).toBe(143)
    expect(rules()).toBe('')
    expect(fs.existsSync(`${directory}/leases/172.17.0.77`)).toBe(false) // and taken away
    expect(run(undefined, '--rm')).toMatchObject({ status: 7, stderr: '' })
    await expectNoNetwork()
  })

  test('no state of the network left: the container ends, and the next works', async () => {
    const one = await serve('one', 8081)
    fs.rmSync(`${world.state}/networks`, { recursive: true, maxRetries: 10 })
    one.child.kill('SIGTERM')
    expect(await one.exit).toEqual({ code: 143, signal: null })
    host.sh('echo 0 >/proc/sys/net/ipv4/ip_forward')
    expect(run(undefined, '--rm')).toMatchObject({ status: 7, stderr: '' })
    await expectNoNetwork()
  })
})
