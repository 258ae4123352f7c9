import { describe, expect, test } from 'vitest'
import { flags, network } from '../../../toolkit/cli/flags/network.ts'
import { parse } from '../../../toolkit/cli/options.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const command = { usage: 'run [OPTIONS] ROOTFS', summary: '', flags }
const read = (...words: string[]) => network(parse(command, words).flags)
const port = (address: string, host: [number, number] | undefined, container: number, protocol = 'tcp') => ({
  ...{ address, host, container, protocol },
})

delete process.env.TOOLKIT_NETWORK // whoever runs the tests may have another default

test('nothing given: the bridge, and nothing else', () => {
  expect(read()).toEqual({
    mode: 'bridge',
    endpoints: [{ name: undefined, ip: undefined, aliases: [], mac: undefined }],
    links: [],
    container: undefined,
    path: undefined,
    publish: [],
    expose: [],
    names: { dns: [], search: [], options: [], hosts: [] },
  })
})

test.each(['none', 'host', 'bridge'])('--network %s, --net %s', mode => {
  expect(read('--network', mode).mode).toBe(mode)
  expect(read('--net', mode).mode).toBe(mode)
  expect(read('--net', mode, '--network', mode).mode).toBe(mode)
})

test('docker’s shorter names', () => {
  expect(read('--net', 'mine', '--net-alias', 'db', '--network-alias', 'sql').endpoints[0]!.aliases).toEqual([
    'sql',
    'db',
  ])
  expect(read('--dns-opt', 'ndots:2', '--dns-option', 'rotate').names.options).toEqual(['rotate', 'ndots:2'])
  expect(() => read('--net', 'container:web', '--dns-opt', 'rotate')).toThrow('which knows its names')
})

test('a network that somebody has made', () => {
  expect(
    read('--net', 'mine', '--ip', '10.0.0.7', '--network-alias', 'db', '--network-alias', 'sql.local'),
  ).toMatchObject({
    mode: 'bridge',
    endpoints: [{ name: 'mine', ip: '10.0.0.7', aliases: ['db', 'sql.local'] }],
  })
  expect(read('--net', 'container:web')).toMatchObject({ mode: 'none', container: 'web' })
  expect(
    read('--net', 'name=mine,ip=10.0.0.7,alias=db,alias=sql', '--net', 'bridge', '--link', 'a', '--link', '/b:c'),
  ).toMatchObject({
    endpoints: [{ name: 'mine', ip: '10.0.0.7', aliases: ['db', 'sql'] }, { name: undefined }],
    links: [
      { name: 'a', alias: 'a' },
      { name: 'b', alias: 'c' },
    ],
  })
  expect(read('-P', '--expose', '80', '--expose', '53/udp', '-p', '8080:80')).toMatchObject({
    expose: ['80/tcp', '53/udp'],
    publish: [{ host: [8080, 8080] }, { host: undefined, container: 80 }, { container: 53, protocol: 'udp' }],
  })
  expect(read('--net', 'default')).toMatchObject({ mode: 'bridge', endpoints: [{ name: undefined }] })
})

describe('-p', () => {
  test.each([
    ['80', [port('0.0.0.0', undefined, 80)]],
    ['80/udp', [port('0.0.0.0', undefined, 80, 'udp')]],
    ['8080:80', [port('0.0.0.0', [8080, 8080], 80)]],
    ['8080:80/tcp', [port('0.0.0.0', [8080, 8080], 80)]],
    ['127.0.0.1:8080:80', [port('127.0.0.1', [8080, 8080], 80)]],
    ['127.0.0.1::80', [port('127.0.0.1', undefined, 80)]],
    [':8080:80', [port('0.0.0.0', [8080, 8080], 80)]],
    ['0.0.0.0:1:65535', [port('0.0.0.0', [1, 1], 65535)]],
    ['8000-8001:80-81', [port('0.0.0.0', [8000, 8000], 80), port('0.0.0.0', [8001, 8001], 81)]],
    ['8000-8009:80', [port('0.0.0.0', [8000, 8009], 80)]],
    ['80-81/udp', [port('0.0.0.0', undefined, 80, 'udp'), port('0.0.0.0', undefined, 81, 'udp')]],
    ['published=8088,target=80,protocol=tcp,mode=host', [port('0.0.0.0', [8088, 8088], 80)]],
    ['target=53,protocol=udp,mode=ingress', [port('0.0.0.0', undefined, 53, 'udp')]],
  ])('%s', (text, expected) => {
    expect(read('-p', text).publish).toEqual(expected.map(wish => ({ ...wish, text })))
  })

  test('several, and the same port for both protocols', () => {
    expect(read('-p', '53:53', '-p53:53/udp').publish).toHaveLength(2)
  })
})

test('names', () => {
  const { names } = read(
    ...['--dns', '192.0.2.1', '--dns', 'fd00::1', '--dns-search', 'example.org', '--dns-option', 'ndots:2'],
    ...['--add-host', 'db:192.0.2.7', '--add-host', 'six:fe80::1', '--add-host', 'seven:[fe80::2]'],
    ...['--add-host=eight=192.0.2.8', '--add-host', 'home:host-gateway'],
  )
  expect(names).toEqual({
    dns: ['192.0.2.1', 'fd00::1'],
    search: ['example.org'],
    options: ['ndots:2'],
    hosts: [
      { name: 'db', address: '192.0.2.7' },
      { name: 'six', address: 'fe80::1' },
      { name: 'seven', address: 'fe80::2' },
      { name: 'eight', address: '192.0.2.8' },
      { name: 'home', address: 'host-gateway' },
    ],
  })
})

test('a MAC address', () =>
  expect(read('--mac-address', '02:42:AC:11:00:09').endpoints[0]!.mac).toBe('02:42:ac:11:00:09'))

const long = 'x'.repeat(4096)
const bad: [string[], string][] = [
  [['--network', 'a/b'], 'must be none, host'],
  [['--network', '-x'], 'must be none, host'],
  [['--ip', '10.0.0.7'], 'only in a network that you have made'],
  [['--ip', '10.0.0', '--net', 'mine'], 'must be an address of IPv4'],
  [['--ip', 'fd00::7', '--net', 'mine'], 'must be an address of IPv4'],
  [['--network-alias', 'db', '--net', 'none'], 'only in a network that you have made'],
  [['--network-alias', 'd b', '--net', 'mine'], 'must be a name as hosts have'],
  [['--net', 'container:'], 'must be container: and the name'],
  [['--net', 'container:a/b'], 'must be container: and the name'],
  [['--net', 'container:web', '-p', '80'], 'on the bridge'],
  [['--net', 'container:web', '--dns', '192.0.2.1'], 'which knows its names'],
  [['--net', 'container:web', '--add-host', 'a:192.0.2.1'], 'which knows its names'],
  [['--net', 'container:web', '--ip', '192.0.2.1'], 'only in a network'],
  [['--net', 'none', '--network', 'host'], 'not together with'],
  [['--net', 'bridge', '--net', 'none'], 'not beside another network'],
  [['--net', 'mine', '--net', 'host'], 'not beside another network'],
  [['--net', 'name=mine,colour=red'], 'unknown key colour'],
  [['--net', 'ip=10.0.0.7'], 'must be none, host'],
  [['--link', 'a:b:c'], 'must be the name of a container'],
  [['--link', 'a', '--net', 'host'], 'on the bridge'],
  [['--expose', '80:80'], 'must be a port'],
  [['--expose', '0'], 'must be a port'],
  [['-p', 'target=80,port=8080'], 'unknown key port'],
  [['-p', 'published=8080'], 'give target=PORT'],
  [['-p', 'target=80,mode=far'], 'mode is ingress or host'],
  [['-p', 'target=80,protocol=sctp'], 'tcp or udp'],
  [['--mac-address', '02:42:ac:11:00:02', '--net', 'host'], 'on the bridge'],
  [['--mac-address', '01:42:ac:11:00:02'], 'first byte even'],
  [['--mac-address', '00:00:00:00:00:00'], 'not all zero'],
  [['--mac-address', '02:42:ac:11:00'], 'such as 02:42'],
  [['-p', '80:80', '-p', '80:81'], 'given twice'],
  ...['', ':', 'x', '0', '65536', '8080:', '80:80:80', '1.2.3:80:80', '[::1]:80:80', '::1:80:80', '80-79:80-79'].map(
    (value): [string[], string] => [['-p', value], ''],
  ),
  ...['80/sctp', '80/', '8000-8001:80-82', '-1:80', '80:80/tcp/udp', '$(id):80', '80:80\n90:90', '8e1:80', long].map(
    (value): [string[], string] => [['-p', value], ''],
  ),
  ...['', 'localhost', '1.2.3', '1.2.3.4\nnameserver 6.6.6.6', 'fe80::1%eth0', '1.2.3.4 #', long].map(
    (value): [string[], string] => [['--dns', value], 'must be an address'],
  ),
  ...['', 'a b', 'a\nnameserver 6.6.6.6', '#', '-x', 'a/b', '\u202ecod', long].map((value): [string[], string] => [
    ['--dns-search', value],
    'must be a domain',
  ]),
  [['--dns-search', '.', '--dns-search', 'a'], 'give it alone'],
  ...['', 'ndots 2', 'a\nnameserver 6.6.6.6', '-h x', 'ndots:two'].map((value): [string[], string] => [
    ['--dns-option', value],
    'must be an option',
  ]),
  ...[
    '',
    'db',
    'db:',
    ':1.2.3.4',
    'db:1.2.3',
    'db:1.2.3.4 evil',
    'db:1.2.3.4\n6.6.6.6\tbank',
    'a b:1.2.3.4',
    'a#:1.2.3.4',
  ].map((value): [string[], string] => [['--add-host', value], 'must be NAME:IP']),
  [['--add-host', 'a:host-gateway', '--net', 'none'], 'on the bridge only'],
]

test.each(bad)('%j is refused in one line that names the flag', (words, why) => {
  let error: unknown
  try {
    read(...words)
  } catch (caught) {
    error = caught
  }
  expect(error).toBeInstanceOf(UsageError)
  const { message, exitCode } = error as UsageError
  expect(message).toMatch(
    /^run: --(net|network|ip|network-alias|publish|mac-address|dns|dns-search|dns-option|add-host|expose|link) [ -~…]+$/,
  )
  expect(message).toContain(why)
  expect(message.length).toBeLessThan(300)
  expect(exitCode ?? 125).toBe(125)
})
