// Names in networks that users have made: who is found by whom, on a host of its own with a name server beside it.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { NetWorld } from '../engine/net-world.ts'
import { eventually, skipped, World } from './toolkit.ts'

/** Answers each question for an A with 192.0.2.77, by UDP and TCP, and tells of each. */
const OTHER = '198.18.0.53'
const SERVER = `
import packet from 'dns-packet'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
const reply = (bytes, by) => {
  const { id, questions } = packet.decode(bytes)
  console.log(by, questions[0].name)
  const answers = questions[0].type === 'A' ? [{ name: questions[0].name, type: 'A', data: '192.0.2.77' }] : []
  return packet.encode({ type: 'response', id, questions, answers })
}
const udp = createSocket('udp4')
udp.on('message', (bytes, { port, address }) => udp.send(reply(bytes, 'udp'), port, address)).bind(53, '${OTHER}')
createServer(c => c.on('error', () => {}).once('data', bytes => {
  const text = reply(bytes.subarray(2), 'tcp')
  c.end(Buffer.concat([Buffer.of(text.length >> 8, text.length & 255), text]))
})).listen(53, '${OTHER}')`

describe.skipIf(skipped)(`names in networks${skipped}`, () => {
  let host: NetWorld
  let world: World
  let asked = ''
  let server: ReturnType<typeof spawn>
  beforeAll(async () => {
    host = new NetWorld() // from here on all that this process starts lives there
    world = new World()
    host.sh(`ip address add ${OTHER}/32 dev lo`)
    server = spawn(process.execPath, ['--input-type=module', '-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
    server.stdout!.on('data', data => {
      asked += data
    })
    await eventually(() => /:0035 .*/.test(host.sh('cat /proc/net/tcp')), 'the other name server listens')
  })
  afterAll(() => {
    server?.kill('SIGKILL')
    world.end()
    host.end()
  })
  afterEach(async () => {
    world.stopAll()
    world.toolkit(['network', 'prune', '-f'])
    await eventually(() => servers().length === 0, 'the name server has gone')
    await eventually(() => host.sh('ip -o link').trim().split('\n').length === 1, 'only lo is left')
    expect(fs.readdirSync(`${world.state}/networks/.dns`)).toEqual(['lock'])
  })

  const network = (...words: string[]) => world.toolkit(['network', ...words])
  const run = (flags: string[], script: string) =>
    world.toolkit(['run', '--rm', ...flags, 'busybox', 'sh', '-c', script])
  const start = async (name: string, ...flags: string[]) => {
    const started = world.start(
      ['run', '--rm', '-i', '--name', name, ...flags, 'busybox', 'sh', '-c', 'hostname -i; read x'],
      'pipe',
    )
    await started.until('\n')
    return started
  }
  /** The engine's name servers, of this test's state directory. */
  const servers = () =>
    fs.readdirSync('/proc').filter(pid => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`dns-server\0${world.state}/networks`)
      } catch {
        return false
      }
    })
  const LOOKUP = 'look() { nslookup "$1" 2>&1 | sed -n "s/^Address: //p" | sort; }; '

  test('by name, alias, id and the network’s name; of the same network only', async () => {
    network('create', 'red')
    network('create', 'blue')
    const web = await start('web', '--net', 'red', '--network-alias', 'www', '--network-alias', 'both')
    await start('api', '--net', 'red', '--network-alias', 'both')
    const rows: { id: string; name: string }[] = JSON.parse(world.toolkit(['ps', '--json']).stdout)
    const id = rows.find(({ name }) => name === 'web')!.id.slice(0, 12)
    const script = `${LOOKUP}for n in web WEB www web.red api ${id} both; do echo $(look $n); done; ping -c 1 -W 1 www >/dev/null && echo pong`
    expect(run(['--net', 'red'], script).stdout.split('\n')).toEqual([
      ...['172.18.0.2', '172.18.0.2', '172.18.0.2', '172.18.0.2', '172.18.0.3', '172.18.0.2', '172.18.0.2 172.18.0.3'],
      ...['pong', ''],
    ])
    expect(run(['--net', 'red'], 'nslookup 172.18.0.2 | grep name').stdout).toContain('name = web.red')
    expect(run(['--net', 'blue', '--dns', '127.0.0.1'], `${LOOKUP}look web; look web.red`).stdout).toBe('')
    expect(run(['--net', 'red'], 'cat /etc/resolv.conf').stdout).toMatch(
      /^nameserver 127\.0\.0\.11\n(.*\n)*options .*ndots:0\n$/,
    )
    web.child.stdin!.end('\n')
    await web.exit
    expect(run(['--net', 'red', '--dns', '127.0.0.1'], `${LOOKUP}look www; look both`).stdout).toBe('172.18.0.3\n')
    expect(servers()).toHaveLength(1)
  })

  test('by the host name that it was given, also in a network that it came to later, and by its own id', async () => {
    network('create', 'red')
    network('create', 'blue')
    await start('web', '--net', 'red', '--hostname', 'shop', '--network-alias', 'www')
    network('connect', 'blue', 'web')
    const look = (net: string) => run(['--net', net], `${LOOKUP}look shop`).stdout
    const tail = run(['--net', 'red', '-h', 'till', '--domainname', 'shop.example'], 'tail -n 1 /etc/hosts')
    expect(tail.stdout).toBe('172.18.0.3\ttill.shop.example till\n')
    expect([look('red'), look('blue')]).toEqual(['172.18.0.2\n', '172.19.0.2\n'])
    expect(run(['--net', 'red'], `${LOOKUP}look $(hostname)`).stdout).toBe('172.18.0.3\n')
    const lived = ['run', '-d', '--net', 'red', '--name', 'api', '-h', 'till', 'busybox', 'sleep', '60']
    expect(world.toolkit(lived).status).toBe(0)
    expect(run(['--net', 'red'], `${LOOKUP}look till; nslookup 172.18.0.3 | grep -o 'name = .*'`).stdout).toBe(
      '172.18.0.3\nname = api.red\n',
    )
    world.toolkit(['rm', '-f', 'api'])
  })

  test('all else is asked of the name server that was given, by UDP and by TCP', async () => {
    network('create', 'red')
    asked = ''
    expect(run(['--net', 'red', '--dns', OTHER], `${LOOKUP}look example.org`).stdout).toBe('192.0.2.77\n')
    await eventually(() => asked.includes('udp example.org\n'), 'it was asked')
    await start('web', '--net', 'red', '--dns', OTHER)
    const ask = `import packet from 'dns-packet'; import { connect } from 'node:net'
      const query = name => { const b = packet.encode({ id: 7, questions: [{ type: 'A', name }] }); return Buffer.concat([Buffer.of(0, b.length), b]) }
      const socket = connect(53, '127.0.0.11', () => { socket.write(query('web')); socket.write(query('tcp.example')) })
      let all = Buffer.alloc(0)
      socket.on('data', d => { all = Buffer.concat([all, d])
        for (; all.length > 2 && all.length >= 2 + all.readUInt16BE(0); all = all.subarray(2 + all.readUInt16BE(0)))
          for (const a of packet.decode(all.subarray(2)).answers) { console.log(a.data); if (a.name !== 'web') socket.end() } })`
    const words = ['-t', String(world.init()), '-n', process.execPath, '--input-type=module', '-e', ask]
    expect(execFileSync('nsenter', words, { encoding: 'utf8', timeout: 5000 })).toBe('172.18.0.2\n192.0.2.77\n')
    await eventually(() => asked.includes('tcp tcp.example\n'), 'it was asked by TCP')
  })

  test('row 73: from a network without a way out nobody else is asked', async () => {
    network('create', 'closed', '--internal')
    await start('web', '--net', 'closed')
    asked = ''
    const { stdout } = run(
      ['--net', 'closed', '--dns', OTHER],
      `${LOOKUP}look web; nslookup secret.example.org 2>&1 | grep -o REFUSED | head -1`,
    )
    expect(stdout).toBe(`172.${stdout.slice(4, 6)}.0.2\nREFUSED\n`)
    expect(asked).toBe('')
  })

  test('row 75: it is not seen from outside, and rubbish does it no harm', async () => {
    network('create', 'red')
    const listening = () =>
      new Set(host.sh('cat /proc/net/udp* /proc/net/tcp*').match(/[0-9A-F]+:[0-9A-F]{4}(?= 0+:0000)/g))
    const before = listening()
    await start('web', '--net', 'red', '--dns', OTHER)
    expect(listening()).toEqual(before)
    const served = servers()
    host.in(
      world.init(),
      `for i in $(seq 100); do
        head -c $((i * 10)) /dev/urandom >/dev/udp/127.0.0.11/53
        head -c 3000 /dev/urandom 2>/dev/null >/dev/tcp/127.0.0.11/53 || true
      done`,
    )
    const look = `${LOOKUP}look web; look x.org`
    expect(run(['--net', 'red', '--dns', OTHER], look).stdout).toBe('172.18.0.2\n192.0.2.77\n')
    expect(servers()).toEqual(served)
  })

  test('a container can be a name server itself', async () => {
    network('create', 'red')
    await start('web', '--net', 'red')
    const own = `const { createSocket } = require('node:dgram')
      const { Resolver } = require('node:dns')
      createSocket('udp4').bind(53, '0.0.0.0', () => require('node:net').createServer().listen(53, '0.0.0.0', () => {
        const resolver = new Resolver()
        resolver.setServers(['127.0.0.11'])
        resolver.resolve4('web', (error, found) => { console.log(String(error ?? found)); process.exit() })
      }))`
    const words = ['-t', String(world.init()), '-n', process.execPath, '-e', own]
    expect(execFileSync('nsenter', words, { encoding: 'utf8', timeout: 5000 })).toBe('172.18.0.2\n')
  })

  test('with users of its own, and where the program cannot be started', async () => {
    network('create', 'red')
    await start('web', '--net', 'red')
    expect(run(['--net', 'red', '--userns', 'private'], `${LOOKUP}look web`)).toMatchObject({
      stdout: '172.18.0.2\n',
      stderr: '',
    })
    for (const flags of [
      ['--tmpfs', '/bin/busybox'],
      ['-w', '/bin/busybox'],
    ])
      expect(world.toolkit(['run', '--rm', '--net', 'red', ...flags, 'busybox', 'true'])).toMatchObject({
        status: expect.toSatisfy(status => status > 0),
        stderr: expect.not.stringContaining('name server'), // nobody has waited for it
      })
  })

  test('--net container:NAME: its network, and the names that it knows', async () => {
    network('create', 'red')
    const web = await start('web', '--net', 'red', '--network-alias', 'www')
    await start('api', '--net', 'red')
    const script = `${LOOKUP}hostname -i; ip -o link | grep -c eth0; look api; grep -c 127.0.0.11 /etc/resolv.conf`
    expect(run(['--net', 'container:web'], script).stdout).toBe('172.18.0.2\n1\n172.18.0.3\n1\n')
    const user = run(['--net', 'container:web', '--hostname', 'other'], 'true')
    expect(user).toMatchObject({ status: 125, stderr: expect.stringContaining('leave --hostname other out') })
    web.child.stdin!.end('\n')
    await web.exit
    expect(run(['--net', 'container:web'], 'true')).toMatchObject({
      status: 125,
      stderr: expect.stringContaining('run: --network container:web: no container "web"'),
    })
  })

  test('containers that live on find each other, also when one is started again', () => {
    network('create', 'red')
    const flags = ['run', '-d', '--init', '--net', 'red']
    const serve = 'mkdir -p /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www'
    expect(
      world.toolkit([...flags, '--name', 'web', '--network-alias', 'www', 'busybox', 'sh', '-c', serve]).status,
    ).toBe(0)
    const fetch = `${LOOKUP}look www; wget -qO- http://www`
    expect(run(['--net', 'red'], fetch).stdout).toBe('172.18.0.2\nhello\n')
    expect(world.toolkit(['restart', 'web']).status).toBe(0)
    expect(run(['--net', 'red'], fetch).stdout).toBe('172.18.0.2\nhello\n')
    expect(run(['--net', 'container:web'], 'wget -qO- http://127.0.0.1').stdout).toBe('hello\n')
    expect(world.toolkit(['exec', 'web', 'nslookup', 'www']).stdout).toContain('172.18.0.2')
    expect(network('rm', 'red').status).toBe(1)
    expect(world.toolkit(['rm', '-f', 'web']).status).toBe(0)
  })

  test('killed: who asks is refused at once, and is answered within a second after any command', async () => {
    network('create', 'red')
    const flags = ['run', '-d', '--init', '--net', 'red']
    for (const name of ['web', 'app']) world.toolkit([...flags, '--name', name, 'busybox', 'sleep', '60'])
    const pid = (name: string) => Number(world.toolkit(['inspect', '-f', '{{.State.Pid}}', name]).stdout)
    const [server] = servers()
    const app = pid('app')
    process.kill(Number(server), 'SIGKILL')
    await eventually(() => servers().length === 0, 'it has gone')
    const ask = () => {
      const begun = performance.now()
      const { stdout } = spawnSync('nsenter', ['-t', String(app), '-n', '-m', '/bin/busybox', 'ping', '-c', '1', 'web'])
      return { answer: String(stdout).includes('172.18.0.2'), milliseconds: performance.now() - begun }
    }
    const without = ask()
    expect(without.answer).toBe(false)
    expect(without.milliseconds).toBeLessThan(2000)
    world.toolkit(['ps'])
    await eventually(() => ask().answer, 'the name is known again')
    expect(servers()).toHaveLength(1)
    world.toolkit(['rm', '-f', 'web', 'app'])
  })

  test('killed, it is replaced with the next container, for all', async () => {
    network('create', 'red')
    await start('web', '--net', 'red')
    await start('other', '--net', 'red')
    const [pid] = servers()
    process.kill(Number(pid), 'SIGKILL')
    await eventually(() => servers().length === 0, 'it has gone')
    expect(run(['--net', 'red'], `${LOOKUP}look web`).stdout).toBe('172.18.0.2\n')
    await eventually(() => servers().length === 1, 'there is another')
    const inits = fs
      .globSync(`${world.state}/networks/.dns/*.json`)
      .map(file => JSON.parse(fs.readFileSync(file, 'utf8')).pid)
    for (const init of inits) expect(host.in(init, 'cat /proc/net/udp')).toContain('0B00007F:')
  })

  test('killed before it is ready: another is started, and the container waits for that', async () => {
    network('create', 'red')
    const asks = world.start([
      'run',
      '--rm',
      '--net',
      'red',
      '--network-alias',
      'me',
      'busybox',
      'sh',
      '-c',
      `${LOOKUP}look me`,
    ])
    await eventually(() => servers().length > 0, 'one is started')
    const [first] = servers()
    process.kill(Number(first), 'SIGSTOP')
    expect(fs.globSync(`${world.state}/networks/.dns/*.ready`)).toEqual([])
    process.kill(Number(first), 'SIGKILL')
    await asks.exit
    expect(asks.output()).toBe('172.18.0.2\n')
  })

  test('20 at once, when there is no name server yet: one is started, all can ask', async () => {
    network('create', 'red')
    const runs = Array.from({ length: 20 }, (_, i) =>
      world.start([
        'run',
        '--rm',
        '--net',
        'red',
        '--network-alias',
        `me${i}`,
        'busybox',
        'sh',
        '-c',
        `${LOOKUP}[ "$(look me${i})" = "$(hostname -i)" ] && echo yes`,
      ]),
    )
    await Promise.all(runs.map(({ exit }) => exit))
    expect(runs.map(({ output }) => output())).toEqual(runs.map(() => 'yes\n'))
    expect(servers().length).toBeLessThanOrEqual(1) // two seconds after the last one it goes
  })

  test.each(['process made', 'program started', 'network released'])(
    'kill -9 of the engine, %s: nothing keeps the namespace',
    place => {
      network('create', 'red')
      const env = { ...world.env, TOOLKIT_FAILPOINT: `${place}:kill` }
      expect(world.toolkit(['run', '--rm', '--net', 'red', 'busybox', 'true'], { env }).signal).toBe('SIGKILL')
      expect(run(['--net', 'none'], 'true').status).toBe(0)
      expect(fs.globSync(`${world.state}/networks/.dns/*.json`)).toEqual([])
    },
  )
})
