// Networks as their users meet them: `toolkit network` and `run --net NAME`, on a host of their own.
import fs from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { NetWorld } from '../engine/net-world.ts'
import { eventually, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`networks${skipped}`, () => {
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
  afterEach(async () => {
    world.stopAll()
    network('prune', '-f')
    expect(made()).toEqual([])
    await eventually(() => host.sh('ip -o link').trim().split('\n').length === 1, 'only lo is left')
  })

  const network = (...words: string[]) => world.toolkit(['network', ...words])
  const made = () => network('ls', '-f', 'type=custom', '--format', '{{.Name}}').stdout.split('\n').filter(Boolean)
  const run = (flags: string[], script: string) =>
    world.toolkit(['run', '--rm', ...flags, 'busybox', 'sh', '-c', script])
  const start = (name: string, ...flags: string[]) =>
    world.start(['run', '--rm', '-i', '--name', name, ...flags, 'busybox', 'sh', '-c', 'hostname -i; read x'], 'pipe')

  test('a cable of the last time that is there still: taken away, and the container has a new one', () => {
    network('create', 'mine', '--subnet', '10.5.0.0/24')
    const flags = ['--name', 'kept', '--net', 'mine']
    const id = world.toolkit(['create', ...flags, 'busybox', 'sleep', '100']).stdout.slice(0, 12)
    host.sh(`ip link add tk${id} type veth peer name stale`)
    expect(world.toolkit(['start', 'kept'])).toMatchObject({ status: 0, stderr: '' })
    expect(host.sh('ip -o link')).not.toContain('stale')
    expect(world.toolkit(['exec', 'kept', 'ping', '-c1', '-W2', '10.5.0.1']).status).toBe(0)
    world.removeAll()
  })

  test('create prints an id; ls, inspect and their templates', async () => {
    const { stdout, status } = network('create', 'mine', '--subnet', '10.5.0.0/24', '--label', 'a=1', '--internal')
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/) })
    const id = stdout.trim()
    const table = network('ls').stdout.split('\n')
    expect(table[0]).toBe('NETWORK ID     NAME      DRIVER    SCOPE')
    expect(table.slice(1, -1).map(line => line.split(/ +/).slice(1))).toEqual([
      ['bridge', 'bridge', 'local'],
      ['host', 'host', 'local'],
      ['mine', 'bridge', 'local'],
      ['none', 'null', 'local'],
    ])
    expect(network('ls', '-f', 'driver=bridge', '--format', '{{.Name}}={{.Label "a"}}').stdout).toBe(
      'bridge=\nmine=1\n',
    )
    expect(network('inspect', '-f', '{{json .ConfigFrom}} {{.ConfigOnly}}', 'mine').stdout).toBe(
      '{"Network":""} false\n',
    )
    expect(network('ls', '-q', '-f', 'label=a').stdout).toBe(`${id.slice(0, 12)}\n`)
    expect(network('ls', '--no-trunc', '-q', '-f', 'name=min', '-f', 'driver=bridge').stdout).toBe(`${id}\n`)
    expect(network('ls', '--format', '{{.Name}}', '-f', 'name=^n|e$').stdout).toBe('bridge\nmine\nnone\n')
    expect(network('ls', '-f', 'name=[')).toMatchObject({ status: 1, stderr: expect.stringContaining('"name=["') })
    const one = start('one', '--net', 'mine', '--ip', '10.5.0.7')
    await one.until('10.5.0.7')
    const wish = '{{range .NetworkSettings.Networks}}{{json .IPAMConfig}}{{end}}'
    expect(world.toolkit(['inspect', '-f', wish, 'one']).stdout).toBe('{"IPv4Address":"10.5.0.7"}\n')
    const [about] = JSON.parse(network('inspect', id.slice(0, 5)).stdout)
    expect(about).toMatchObject({
      ...{ Name: 'mine', Id: id, Scope: 'local', Driver: 'bridge', Internal: true, Labels: { a: '1' } },
      IPAM: { Config: [{ Subnet: '10.5.0.0/24', Gateway: '10.5.0.1' }] },
    })
    expect(Object.values(about.Containers)).toEqual([
      {
        Name: 'one',
        EndpointID: expect.stringMatching(/^tk[0-9a-f]{12}$/),
        MacAddress: '02:42:0a:05:00:07',
        IPv4Address: '10.5.0.7/24',
        IPv6Address: '',
      },
    ])
    expect(network('ls', '-q', '-f', 'dangling=true').stdout).toBe('')
    expect(network('rm', 'mine')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^toolkit: network mine is in use by [0-9a-f]{12}\n$/),
    })
    expect(network('prune', '-f')).toMatchObject({ status: 0, stdout: '' })
    one.child.stdin!.end('\n')
    await one.exit
    expect(network('rm', 'mine', 'bridge', 'none-such')).toMatchObject({
      status: 1,
      stdout: 'mine\n',
      stderr:
        'toolkit: network bridge is always there, and cannot be removed\n' +
        `toolkit: no network "none-such"; 'toolkit network ls' lists them\n`,
    })
  })

  test('create: a network has one range of addresses', () => {
    expect(network('create', 'two', '--subnet', '10.77.1.0/24', '--subnet', '10.77.2.0/24')).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining('--subnet 10.77.2.0/24: a network has one range') },
    })
    expect(made()).toEqual([])
  })

  test('create: docker’s flags that ask for what is so anyhow', () => {
    const anyhow = ['--scope', 'local', '--ipam-driver', 'default', '--ipam-opt', 'a=b', '--ipam-driver', '']
    const icc = ['-o', 'com.docker.network.bridge.enable_icc=true']
    expect(network('create', 'aa', '--attachable', ...anyhow, ...icc)).toMatchObject({ status: 0, stderr: '' })
    network('create', 'bb')
    const shown = network('inspect', '-v', '-f', '{{.Name}} {{.Attachable}} {{.Options}}', 'aa', 'bb').stdout
    expect(shown).toBe('aa true map[com.docker.network.bridge.enable_icc:true]\nbb false map[]\n')
    network('rm', 'aa', 'bb')
  })

  test('prune asks, and tells what has gone', () => {
    network('create', 'aa')
    network('create', 'bb', '--label', 'keep')
    expect(world.toolkit(['network', 'prune'], { input: '\n' }).status).toBe(1)
    expect(network('prune', '-f', '--filter', 'label!=keep').stdout).toBe('Deleted Networks:\naa\n\n')
    expect(made()).toEqual(['bb'])
  })

  test('start of one whose network has gone: exit code 1; that of its last run stays', () => {
    network('create', 'one')
    const create = (name: string, program: string) =>
      world.toolkit(['create', '--name', name, '--net', 'one', 'busybox', program])
    create('failed', 'false')
    create('fresh', 'true')
    expect(world.toolkit(['start', '-a', 'failed']).status).toBe(1)
    expect(network('rm', 'one').status).toBe(0)
    const refusal = { status: 1, stderr: expect.stringContaining('no network "one"') }
    for (const words of [
      ['start', 'failed'],
      ['start', '-a', 'failed'],
      ['restart', 'failed'],
      ['start', 'fresh'],
    ])
      expect(world.toolkit(words)).toMatchObject(refusal)
    expect(world.toolkit(['inspect', '-f', '{{.State.ExitCode}} {{.State.Error}}', 'failed', 'fresh']).stdout).toMatch(
      /^1 .*no network "one".*\n128 .*no network "one".*\n$/,
    )
    world.toolkit(['rm', 'failed', 'fresh'])
  })

  test('run --net NAME: those of a network see each other, at the addresses that were asked for', async () => {
    network('create', 'one')
    network('create', 'two')
    const server = start('server', '--net', 'one')
    await server.until('172.18.0.2')
    const ping = 'ping -c 1 -W 1 172.18.0.2 >/dev/null && echo yes || echo no'
    expect(run(['--net', 'one'], ping).stdout).toBe('yes\n')
    expect(run(['--net', 'two'], ping).stdout).toBe('no\n')
    expect(run(['--net', 'bridge'], ping).stdout).toBe('no\n')
    expect(run(['--net', 'one', '--ip', '172.18.7.7'], 'hostname -i; ip route | grep -c default').stdout).toBe(
      '172.18.7.7\n1\n',
    )
    expect(run(['--net', 'one', '--ip', '172.18.0.2'], 'true')).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('run: --ip 172.18.0.2: is taken already in network one'),
    })
    expect(run(['--net', 'three'], 'true')).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('run: --network three: no network "three"'),
    })
    const { stdout } = world.toolkit(['run', '--dry-run', '--net', 'two', 'busybox', 'true'])
    expect(stdout).toMatch(/br-[0-9a-f]{12}/)
  })

  test('20 at once want a name: one has it', async () => {
    const racers = Array.from({ length: 20 }, () => world.start(['network', 'create', 'race']))
    const codes = (await Promise.all(racers.map(({ exit }) => exit))).map(({ code }) => code)
    expect(codes.toSorted()).toEqual([0, ...Array.from({ length: 19 }, () => 1)])
    const more = Array.from({ length: 10 }, (_, i) => world.start(['network', 'create', `net${i}`]))
    await Promise.all(more.map(({ exit }) => exit))
    const ranges: { IPAM: { Config: { Subnet: string }[] } }[] = JSON.parse(
      network('inspect', 'race', ...more.map((_, i) => `net${i}`)).stdout,
    )
    expect(new Set(ranges.map(({ IPAM }) => IPAM.Config[0]!.Subnet)).size).toBe(11)
  })

  test.each(['network joined', 'process made', 'cgroup removed', 'network released', 'action 24', 'action 30'])(
    'kill -9, %s: the next command of any network undoes it',
    place => {
      network('create', 'mine')
      const env = { ...world.env, TOOLKIT_FAILPOINT: `${place}:kill` }
      expect(world.toolkit(['run', '--rm', '--net', 'mine', 'busybox', 'true'], { env }).signal).toBe('SIGKILL')
      expect(run(['--net', 'none'], 'true').status).toBe(0)
      expect(fs.globSync(`${world.state}/networks/*/leases/*`)).toEqual([])
      expect(host.sh('cat /proc/sys/net/ipv4/ip_forward')).toBe('0\n')
      expect(host.sh('command -v nft >/dev/null && nft list ruleset || true')).toBe('')
    },
  )
})
