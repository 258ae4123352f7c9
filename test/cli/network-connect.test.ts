// Containers in several networks: `run` with more than one --network, `network connect` and `disconnect`, --link, -P, on
// a host of their own.
import fs from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { NetWorld } from '../engine/net-world.ts'
import { eventually, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`several networks${skipped}`, () => {
  let host: NetWorld
  let world: World
  let n: number
  beforeAll(async () => {
    host = new NetWorld() // from here on all that this process starts lives there
    world = new World()
    n = await host.neighbour('n', '203.0.113')
    network('create', 'red', '--subnet', '10.1.0.0/24')
    network('create', 'blue', '--subnet', '10.2.0.0/24')
    network('create', 'shut', '--subnet', '10.3.0.0/24', '--internal')
  })
  afterAll(() => {
    world.end()
    host.end()
  })
  afterEach(async () => {
    world.stopAll()
    world.removeAll()
    await eventually(() => !/br-|toolkit-|tk\w/.test(host.sh('ip -o link')), 'no link is left')
    expect(fs.globSync(`${world.state}/networks/*/leases/*`)).toEqual([])
    expect(host.sh('cat /proc/sys/net/ipv4/ip_forward')).toBe('0\n')
    expect(host.sh('command -v nft >/dev/null && nft list ruleset || true')).toBe('')
  })

  const toolkit = (...words: string[]) => world.toolkit(words)
  const network = (...words: string[]) => world.toolkit(['network', ...words])
  /** A container that lives on, and answers `NAME` on port 80. */
  function serve(name: string, ...flags: string[]) {
    const script = `mkdir /w; echo ${name} >/w/index.html; exec httpd -f -p 80 -h /w`
    const { status, stderr } = toolkit('run', '-d', '--init', '--name', name, ...flags, 'busybox', 'sh', '-c', script)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  }
  const inside = (name: string, script: string) => toolkit('exec', name, 'sh', '-c', script).stdout
  const addresses = (name: string) =>
    inside(
      name,
      "ip -o -4 addr | sed -n 's/^.*\\(eth[0-9]*\\) *inet \\([0-9./]*\\).*/\\1 \\2/p'; ip route | grep ^default",
    )
      .split('\n')
      .filter(Boolean)
      .map(line => line.trim())
      .toSorted((a, b) => (a.replace('default', 'out') < b.replace('default', 'out') ? -1 : 1))
  const fetch = 'f() { timeout 1 wget -qO- http://$1 2>/dev/null || echo no; }; '

  test('connect and disconnect while it runs: address, way out, names; kept when it is started again', () => {
    serve('web', '--net', 'red')
    serve('app', '--net', 'blue')
    expect(inside('app', `${fetch}f 10.1.0.2; f web`)).toBe('no\nno\n')
    const { status, stderr, stdout } = network(
      'connect',
      '--explain',
      '--ip',
      '10.1.0.77',
      '--alias',
      'bee',
      'red',
      'app',
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    for (const words of [
      '── 14-veth',
      'peer eth1',
      '$ ip address add 10.1.0.77/24',
      'nfnetlink: tables',
      'a link is born switched off',
    ])
      expect(stderr).toContain(words)
    const both = ['eth0 10.2.0.2/24', 'eth1 10.1.0.77/24', 'default via 10.2.0.1 dev eth0']
    expect(addresses('app')).toEqual(both)
    expect(inside('app', `${fetch}f web; grep -o '^10[.0-9]*' /etc/hosts`)).toBe('web\n10.2.0.2\n10.1.0.77\n')
    expect(inside('web', `${fetch}f bee; f app; f app.red`)).toBe('app\napp\napp\n')
    expect(network('connect', 'red', 'app')).toMatchObject({
      status: 1,
      stderr: 'toolkit: container app is in network red already\n',
    })
    expect(network('rm', 'red').status).toBe(1)
    expect(
      Object.keys(JSON.parse(toolkit('inspect', '-f', '{{json .NetworkSettings.Networks}}', 'app').stdout)),
    ).toEqual(['blue', 'red'])
    toolkit('rename', 'app', 'apple')
    expect(inside('web', `${fetch}f apple; f app`)).toBe('app\nno\n')
    toolkit('rename', 'apple', 'app')
    toolkit('restart', '-t', '0', 'app')
    expect(addresses('app')).toEqual(both)
    expect(inside('web', `${fetch}f bee`)).toBe('app\n')

    const gone = network('disconnect', '--explain', 'blue', 'app')
    expect(gone).toMatchObject({ status: 0, stdout: '' })
    expect(gone.stderr).toMatch(/RTM_DELLINK.*\n(.*\n)*.*ip route add default via 10\.1\.0\.1/)
    expect(addresses('app')).toEqual(['eth1 10.1.0.77/24', 'default via 10.1.0.1 dev eth1'])
    expect(inside('app', `${fetch}grep -o '^10[.0-9]*' /etc/hosts; f web; exec nc -w 1 203.0.113.2 80`)).toBe(
      '10.1.0.77\nweb\nn asked by 203.0.113.1',
    )
    expect(network('disconnect', 'red', 'app').status).toBe(0)
    expect(addresses('app')).toEqual([])
    const networks = () =>
      toolkit('inspect', '-f', '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}', 'app').stdout
    expect(networks()).toBe('\n')
    expect(inside('app', `${fetch}f web; grep -c '^10[.]' /etc/hosts`)).toBe('no\n0\n')
    expect(network('disconnect', 'red', 'app')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not in network red'),
    })
    toolkit('stop', '-t', '0', 'app')
    expect(network('connect', 'shut', 'app').status).toBe(0)
    expect(networks()).toBe('shut \n')
    toolkit('start', 'app')
    expect(addresses('app')).toEqual(['eth0 10.3.0.2/24'])
  })

  test('made and not started: what is changed counts from the first start', () => {
    toolkit('create', '--name', 'box', '--net', 'red', 'busybox', 'sleep', '60')
    expect(network('connect', 'blue', 'box').status).toBe(0)
    expect(network('disconnect', 'red', 'box').status).toBe(0)
    toolkit('start', 'box')
    expect(addresses('box')).toEqual(['eth0 10.2.0.2/24', 'default via 10.2.0.1 dev eth0'])
  })

  test('from the engine’s own network to one with names, and -f out of one that is gone', () => {
    serve('web', '--net', 'red')
    serve('box', '--net', 'bridge')
    expect(inside('box', `${fetch}f web`)).toBe('no\n')
    network('connect', 'red', 'box')
    expect(inside('box', `${fetch}f web; cat /etc/resolv.conf`)).toMatch(/^web\nnameserver 127\.0\.0\.11\n/)
    network('create', 'gone')
    expect(network('connect', 'gone', 'box').status).toBe(0)
    toolkit('stop', '-t', '0', 'box')
    expect(network('rm', 'gone').status).toBe(0)
    expect(toolkit('start', 'box').stderr).toContain('no network "gone"')
    expect(network('disconnect', 'gone', 'box').status).toBe(1)
    expect(network('disconnect', '-f', 'gone', 'box').status).toBe(0)
    expect(toolkit('start', 'box').status).toBe(0)
  })

  test('several --network; the first that leads out has the way out and the ports, the next one inherits both', async () => {
    serve('web', '--net', 'shut', '--net', 'name=red,ip=10.1.0.9,alias=www', '--net', 'blue', '-p', '8080:80')
    expect(addresses('web')).toEqual([
      ...['eth0 10.3.0.2/24', 'eth1 10.1.0.9/24', 'eth2 10.2.0.2/24', 'default via 10.1.0.1 dev eth1'],
    ])
    const ask = () =>
      host.in(n, 'exec 3<>/dev/tcp/203.0.113.1/8080; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; tail -n 1 <&3')
    expect(ask()).toBe('web\n')
    network('disconnect', 'red', 'web')
    expect(ask()).toBe('web\n')
    expect(toolkit('port', 'web').stdout).toBe('80/tcp -> 0.0.0.0:8080\n')
    expect(addresses('web')).toEqual(['eth0 10.3.0.2/24', 'eth2 10.2.0.2/24', 'default via 10.2.0.1 dev eth2'])
    network('connect', 'red', 'web')
    expect(addresses('web')[1]).toBe('eth1 10.1.0.2/24')
    expect(ask()).toBe('web\n')
  })

  const refused: [string[], string][] = [
    [['--net', 'red', '--net', 'name=red'], '--network red: is given twice'],
    [['--net', 'red', '--net', 'none'], 'not beside another network'],
    [['--net', 'shut', '--net', 'red', '--ip', '10.1.0.7'], 'no address of a container in 10.3.0.0/24'],
    [['--net', 'red', '--net', 'name=blue,ip=10.1.0.7'], 'no address of a container in 10.2.0.0/24'],
    [['--net', 'red', '--net', 'green'], 'no network "green"'],
    [['--net', 'shut', '-p', '80'], 'network shut is internal'],
  ]
  test('what cannot be is refused, and nothing stays', () => {
    for (const [flags, message] of refused) {
      const { status, stderr } = toolkit('run', '--rm', ...flags, 'busybox', 'true')
      expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringContaining(message) })
    }
  })

  test('who may not be connected, and to what', () => {
    for (const [name, flag] of [
      ['none', 'none'],
      ['host', 'host'],
    ])
      toolkit('run', '-d', '--name', `of-${name}`, '--net', flag!, 'busybox', 'sleep', '60')
    serve('web', '--net', 'red')
    toolkit('run', '-d', '--name', 'of-web', '--net', 'container:web', 'busybox', 'sleep', '60')
    const said = (...words: string[]) => {
      const { status, stderr } = network('connect', ...words)
      return `${status} ${stderr}`
    }
    expect(said('red', 'of-none')).toMatch(/^1 .*has --network none, and can be in no other/)
    expect(said('red', 'of-host')).toMatch(/^1 .*has --network host, and can be in no other/)
    expect(said('red', 'of-web')).toMatch(/^1 .*has the network of web/)
    expect(said('green', 'web')).toMatch(/^1 .*no network "green"/)
    expect(said('red', 'nobody')).toMatch(/^1 .*no container "nobody"/)
    expect(said('--ip', '10.2.0.1', 'blue', 'web')).toMatch(/^1 .*is the host’s own/)
    expect(said('--ip', '10.9.0.1', 'blue', 'web')).toMatch(/^1 .*is no address of a container/)
    expect(said('--ip', '172.17.0.9', 'bridge', 'web')).toMatch(/only in a network that you have made/)
  })

  test('R22: links deleted, firewall flushed: it can be disconnected, removed and connected all the same', async () => {
    serve('web', '--net', 'red', '-p', '8080:80')
    serve('app', '--net', 'red', '--net', 'blue')
    host.sh(`for l in $(ip -o link | grep -o '\\(br-\\|tk\\)[0-9a-f]*' | sort -u); do ip link del $l 2>/dev/null || true; done
      command -v nft >/dev/null && nft flush ruleset || true`)
    expect(inside('app', `${fetch}f web`)).toBe('no\n')
    expect(network('disconnect', 'blue', 'app')).toMatchObject({ status: 0, stderr: '' })
    expect(network('connect', 'blue', 'app')).toMatchObject({ status: 0, stderr: '' })
    expect(toolkit('rm', '-f', 'web')).toMatchObject({ status: 0, stderr: '' })
    serve('web', '--net', 'red', '-p', '8080:80')
    toolkit('restart', '-t', '0', 'app')
    expect(inside('app', `${fetch}f web`)).toBe('web\n')
  })

  test('a monitor that is killed: the next one holds the port of the host again', () => {
    serve('web', '--net', 'red', '-p', '8080:80')
    const pid = toolkit('inspect', '-f', '{{.State.Pid}}', 'web').stdout.trim()
    const [, monitor] = /^PPid:\t(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))!
    process.kill(Number(monitor), 'SIGKILL')
    toolkit('logs', 'web') // gives it another one
    const second = toolkit('run', '--rm', '--net', 'blue', '-p', '8080:80', 'busybox', 'true')
    expect(second).toMatchObject({ status: 125, stderr: expect.stringContaining('port 8080 is taken already') })
    expect(toolkit('rm', '-f', 'web').status).toBe(0)
    expect(toolkit('run', '--rm', '--net', 'blue', '-p', '8080:80', 'busybox', 'true').status).toBe(0)
  })

  test('kill -9 in the middle: it is out again, or in, and can be taken out; nothing stays', () => {
    serve('web', '--net', 'red')
    for (const place of ['connected 1', 'connected 6', 'connected 10']) {
      const env = { ...world.env, TOOLKIT_FAILPOINT: `${place}:kill` }
      expect(world.toolkit(['network', 'connect', 'blue', 'web'], { env }).signal, place).toBe('SIGKILL')
      network('disconnect', 'blue', 'web')
      expect(network('connect', 'blue', 'web'), place).toMatchObject({ status: 0, stderr: '' })
      expect(addresses('web')).toEqual(['eth0 10.1.0.2/24', 'eth1 10.2.0.2/24', 'default via 10.1.0.1 dev eth0'])
      expect(network('disconnect', 'blue', 'web').status).toBe(0)
    }
    const env = { ...world.env, TOOLKIT_FAILPOINT: 'connected 8:error' }
    expect(world.toolkit(['network', 'connect', 'blue', 'web'], { env }).status).toBe(1)
    expect(addresses('web')).toEqual(['eth0 10.1.0.2/24', 'default via 10.1.0.1 dev eth0'])
    expect(fs.globSync(`${world.state}/networks/blue/leases/*`)).toEqual([])
  })

  test('10 connect and disconnect it at once: in the end it is in, or out, and its files say the same', async () => {
    serve('web', '--net', 'red')
    const commands = Array.from({ length: 10 }, (_, i) =>
      world.start(['network', i % 2 ? 'disconnect' : 'connect', 'blue', 'web']),
    )
    const codes = (await Promise.all(commands.map(({ exit }) => exit))).map(({ code }) => code)
    expect(codes.filter(code => code !== 0 && code !== 1)).toEqual([])
    const isIn = addresses('web').includes('eth1 10.2.0.2/24')
    const [file] = fs.globSync(`${world.state}/containers/live/*/networks.json`)
    const { endpoints } = JSON.parse(fs.readFileSync(file!, 'utf8'))
    expect(endpoints).toHaveLength(isIn ? 2 : 1)
    expect(fs.globSync(`${world.state}/networks/blue/leases/*`)).toHaveLength(isIn ? 1 : 0)
  })

  test.each(['', '{', '{"version":2,"endpoints":[]}'])(
    'networks.json is %j: this container is refused, others go on',
    text => {
      toolkit('create', '--name', 'torn', '--net', 'red', 'busybox', 'true')
      serve('web', '--net', 'red')
      const id = JSON.parse(toolkit('inspect', 'torn').stdout)[0].Id.slice(0, 12)
      fs.writeFileSync(`${world.state}/containers/ended/${id}/networks.json`, text)
      for (const words of [
        ['start', 'torn'],
        ['network', 'connect', 'blue', 'torn'],
      ])
        expect(toolkit(...words)).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('networks.json is not a list of networks of version 1'),
        })
      expect(network('connect', 'blue', 'web').status).toBe(0)
      expect(toolkit('rm', 'torn').status).toBe(0)
    },
  )

  describe('--link', () => {
    test('on the engine’s own network: a line in /etc/hosts, and variables', () => {
      serve('db', '--net', 'bridge', '--expose', '5432', '-e', 'USER=me')
      const look = `${fetch}f sql; env | grep ^SQL | sort; grep sql /etc/hosts`
      const { stdout } = toolkit(
        'run',
        '--rm',
        '--name',
        'app',
        '--net',
        'bridge',
        '--link',
        'db:sql',
        'busybox',
        'sh',
        '-c',
        look,
      )
      const id = JSON.parse(toolkit('inspect', 'db').stdout)[0].Id.slice(0, 12)
      expect(stdout.split('\n')).toEqual([
        ...['db', 'SQL_ENV_USER=me', 'SQL_NAME=/app/sql', 'SQL_PORT=tcp://172.17.0.2:5432'],
        ...['SQL_PORT_5432_TCP=tcp://172.17.0.2:5432', 'SQL_PORT_5432_TCP_ADDR=172.17.0.2'],
        ...['SQL_PORT_5432_TCP_PORT=5432', 'SQL_PORT_5432_TCP_PROTO=tcp', `172.17.0.2\tsql ${id} db`, ''],
      ])
      toolkit('stop', '-t', '0', 'db')
      expect(toolkit('run', '--rm', '--net', 'bridge', '--link', 'db', 'busybox', 'true')).toMatchObject({
        ...{ status: 125, stderr: 'toolkit: run: --link db: it does not run\n' },
      })
    })

    test('in the network of a user: a name that only this container knows', () => {
      serve('db', '--net', 'red')
      serve('app', '--net', 'red', '--link', 'db:sql')
      serve('other', '--net', 'red')
      expect(inside('app', `${fetch}f sql; f db`)).toBe('db\ndb\n')
      expect(inside('other', `${fetch}f sql`)).toBe('no\n')
      network('disconnect', 'red', 'other')
      network('connect', '--link', 'db:base', 'red', 'other')
      expect(inside('other', `${fetch}f base; f sql`)).toBe('db\nno\n')
    })
  })

  test('-P publishes what is exposed', () => {
    serve('web', '--net', 'red', '-P', '--expose', '80', '--expose', '7000-7001/udp')
    const ports = toolkit('port', 'web').stdout.split('\n')
    expect(ports.map(line => line.replace(/:\d+$/, ':…'))).toEqual([
      ...['80/tcp -> 0.0.0.0:…', '7000/udp -> 0.0.0.0:…', '7001/udp -> 0.0.0.0:…', ''],
    ])
    const port = ports[0]!.split(':')[1]
    expect(
      host.in(n, `exec 3<>/dev/tcp/203.0.113.1/${port}; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; tail -n 1 <&3`),
    ).toBe('web\n')
  })

  test('--dns-search, --dns-option, --add-host: what the container makes of them', () => {
    const flags = ['--net', 'red', '--dns-search', 'red', '--dns-option', 'timeout:1', '--add-host', 'far:192.0.2.7']
    serve('web', '--net', 'red')
    const look = `getent hosts far || grep far /etc/hosts; cat /etc/resolv.conf; ${fetch}f web; f me.here:80`
    const { stdout } = toolkit(
      'run',
      '--rm',
      ...flags,
      '--add-host',
      'me.here:host-gateway',
      'busybox',
      'sh',
      '-c',
      `grep me.here /etc/hosts; ${look}`,
    )
    expect(stdout).toBe(
      '10.1.0.1\tme.here\n192.0.2.7\tfar\nnameserver 127.0.0.11\nsearch red\noptions timeout:1 ndots:0\nweb\nno\n',
    )
  })
})
