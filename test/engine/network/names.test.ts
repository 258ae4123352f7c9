import { describe, expect, test } from 'vitest'
import {
  asksResolved,
  hostnameFile,
  hostsFile,
  isName,
  isOption,
  resolvConf,
} from '../../../toolkit/engine/network/names.ts'

const none = { dns: [], search: [], options: [] }
const local = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`

describe('/etc/hosts', () => {
  test('the names every machine has, then the container itself', () => {
    expect(hostsFile({ hostname: 'box', hosts: [], addresses: ['172.17.0.2'], gateway: '172.17.0.1' })).toBe(
      `${local}172.17.0.2\tbox\n`,
    )
    expect(hostsFile({ hostname: 'box', hosts: [] })).toBe(local)
  })

  test('a name with dots is also known by its first part', () => {
    const text = hostsFile({ hostname: 'box.example.org', hosts: [], addresses: ['172.17.0.2'] })
    expect(text).toContain('172.17.0.2\tbox.example.org box\n')
  })

  test('wished lines, and the host by the gateway', () => {
    const hosts = [
      { name: 'db', address: '192.0.2.7' },
      { name: 'home', address: 'host-gateway' },
    ]
    expect(hostsFile({ hostname: 'box', hosts, addresses: ['172.17.0.2'], gateway: '172.17.0.1' })).toBe(
      `${local}192.0.2.7\tdb\n172.17.0.1\thome\n172.17.0.2\tbox\n`,
    )
  })

  test('of a container in the host’s network: the host’s own file, and wished lines', () => {
    const hosts = [{ name: 'db', address: '192.0.2.7' }]
    expect(hostsFile({ hostname: 'me', hosts, inherited: '127.0.0.1 localhost me' })).toBe(
      '127.0.0.1 localhost me\n192.0.2.7\tdb\n',
    )
  })
})

test('/etc/hostname', () => expect(hostnameFile('box')).toBe('box\n'))

describe('/etc/resolv.conf', () => {
  const host = `# made by hand
nameserver 127.0.0.53
nameserver 192.0.2.53
nameserver 2001:db8::53
domain old.example
search example.org example.net
options ndots:2 rotate
`
  test('on the bridge: what can be reached from there; the last search line counts', () => {
    expect(resolvConf(host, 'bridge', none)).toBe(
      'nameserver 192.0.2.53\nsearch example.org example.net\noptions ndots:2 rotate\n',
    )
  })

  test('on the bridge, where the host asks only itself: public servers', () => {
    expect(resolvConf('nameserver 127.0.0.1\nnameserver ::1\n', 'bridge', none)).toBe(
      'nameserver 8.8.8.8\nnameserver 8.8.4.4\n',
    )
    expect(resolvConf('', 'bridge', none)).toBe('nameserver 8.8.8.8\nnameserver 8.8.4.4\n')
  })

  test('without a network: no public servers', () => expect(resolvConf('', 'none', none)).toBe(''))

  test('in the host’s network: the host’s file, word for word, unless something is wished', () => {
    expect(resolvConf(host, 'host', none)).toBe(host)
    expect(resolvConf(host, 'host', { ...none, search: ['.'] })).toBe(
      'nameserver 127.0.0.53\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions ndots:2 rotate\n',
    )
  })

  test('each wish replaces its kind and no other', () => {
    const wish = { dns: ['192.0.2.1', '127.0.0.1'], search: ['a.example'], options: ['use-vc'] }
    expect(resolvConf(host, 'bridge', wish)).toBe(
      'nameserver 192.0.2.1\nnameserver 127.0.0.1\nsearch a.example\noptions use-vc\n',
    )
  })

  test('systemd-resolved alone is noticed, beside another server it is not', () => {
    expect(asksResolved('nameserver 127.0.0.53\noptions edns0\n')).toBe(true)
    expect(asksResolved(host)).toBe(false)
    expect(asksResolved('')).toBe(false)
  })
})

describe('injection into these files (CVE class: an extra line)', () => {
  const nasty = [
    'a\nb',
    'a\n',
    '\na',
    'a b',
    'a\tb',
    'a#b',
    'a\0b',
    'a\rb',
    'a;b',
    '',
    '-a',
    'a..b',
    '.',
    'ä',
    'a\u202eb',
  ]
  test.each([...nasty, 'a'.repeat(254)])('%j is no name', text => expect(isName(text)).toBe(false))
  test.each([...nasty, 'A', 'ndots:', 'ndots:x', ':1'])('%j is no option', text => expect(isOption(text)).toBe(false))
  test.each(['a', 'my_host', 'x-1.example.org', 'example.org.', 'a'.repeat(253)])('%j is a name', text =>
    expect(isName(text)).toBe(true),
  )
})
