// Conversations with the network stack: what is sent, what comes back, and what a refusal says.
import { execFileSync } from 'node:child_process'
import { closeSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NETLINK, NLM_F } from '../../toolkit/kernel/constants.ts'
import { ERRNO } from '../../toolkit/kernel/errno.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import { hashName, macOfIp4, parseMac } from '../../toolkit/kernel/link-name.ts'
import { dump, Netlink, openNetlink } from '../../toolkit/kernel/netlink.ts'
import { NetlinkError } from '../../toolkit/kernel/netlink-error.ts'
import {
  attribute,
  attributeList,
  attributes,
  be16,
  be32,
  be64,
  decode,
  encode,
  gap,
  ip4,
  type join,
  type Message,
  message,
  string,
  textOf,
  u8,
  u16,
  u32,
} from '../../toolkit/kernel/netlink-message.ts'
import { braces, getLink, IFLA, ifinfomsg, indexOf, linkInfo, routeMessage } from '../../toolkit/kernel/rtnetlink.ts'
import { script } from '../observe/helpers.ts'

let pid: number
let route: Netlink
let netfilter: Netlink
beforeAll(async () => {
  pid = await script('echo ready; read x', 'unshare', '-n')
  route = openNetlink(NETLINK.ROUTE, { pid })
  netfilter = openNetlink(NETLINK.NETFILTER, { pid })
})
afterAll(() => {
  route.close()
  netfilter.close()
})

const inside = (...command: string[]) =>
  execFileSync('nsenter', ['-t', String(pid), '-n', ...command], { encoding: 'utf8' })

const named = (name: string) => attribute(IFLA.IFNAME, string(name))
const make = (kind: string, name: string, ...more: Parameters<typeof join>[0]): Message =>
  routeMessage('RTM_NEWLINK', braces(name, [kind]), [ifinfomsg(), named(name), linkInfo(kind), ...more], {
    flags: NLM_F.CREATE | NLM_F.EXCL,
  })
const remove = (name: string): Message => routeMessage('RTM_DELLINK', name, [ifinfomsg(), named(name)])
const listLinks = routeMessage('RTM_GETLINK', '', [ifinfomsg()])
const nameOf = (payload: Buffer) => textOf(attributes(payload, 16).get(IFLA.IFNAME)!)

/** nf_tables: struct nfgenmsg of family inet, then NFTA_TABLE_NAME. */
const table = (what: 'NEW' | 'DEL' | 'GET', name = ''): Message =>
  message(
    {
      name: `NFT_MSG_${what}TABLE`,
      type: (10 << 8) | { NEW: 0, GET: 1, DEL: 2 }[what],
      flags: what === 'NEW' ? NLM_F.CREATE : 0,
      text: name,
    },
    [u8(1), u8(0), be16(0), ...(name ? [attribute(1, string(name))] : [])],
  )
const tables = () => netfilter.dump(table('GET')).map(payload => textOf(attributes(payload, 4).get(1)!))

function refusal(act: () => unknown): NetlinkError {
  try {
    act()
  } catch (error) {
    if (error instanceof NetlinkError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('messages', () => {
  test('attributes: length, type, value, padded to 4; nested ones inside', () => {
    expect(attribute(3, string('lo')).bytes.toString('hex')).toBe('070003006c6f0000')
    expect(attribute(1, u32(5)).bytes.toString('hex')).toBe('0800010005000000')
    expect(attribute(18, [attribute(1, u16(7)), attribute(2, u8(1))]).bytes.toString('hex')).toBe(
      '14001200' + '0600010007000000' + '0500020001000000',
    )
    expect(attribute(2, [attribute(1, be16(80))], { nested: true }).bytes.toString('hex')).toBe(
      '0c000280' + '0600010000500000',
    )
    expect(attribute(2, []).bytes.toString('hex')).toBe('04000200')
  })

  test('numbers in the byte order of the machine, or of the network', () => {
    const hex = [u8(1), u16(0x102), u32(0x1020304), be16(0x102), be32(0x1020304), be64(0x102n), ip4('10.0.0.1')]
    expect(hex.map(bytes => bytes.toString('hex'))).toEqual([
      ...['01', '0201', '04030201', '0102', '01020304', '0000000000000102', '0a000001'],
    ])
    expect(() => string('a\0b')).toThrow(TypeError)
    expect(() => ip4('10.0.0')).toThrow(TypeError)
  })

  test('gaps keep their place in whatever they are put into, and are filled when sent', () => {
    const parts = [u32(0), attribute(18, [attribute(1, string('x')), attribute(10, gap({ link: 'br0' }))])]
    const about = message({ name: 'RTM_NEWLINK', type: 16, flags: 0, text: '' }, parts)
    expect(about.gaps).toEqual([{ at: 20, later: { link: 'br0' } }])
    expect(encode(about, 9, [77]).readUInt32LE(16 + 20)).toBe(77)
  })

  test('decode gives back what encode made, several in a row', () => {
    const two = Buffer.concat([encode(make('bridge', 'br0'), 1), encode(remove('br'), 2)])
    const [first, second] = decode(two)
    expect([first!.type, first!.sequence, nameOf(first!.payload)]).toEqual([16, 1, 'br0'])
    expect([second!.type, second!.sequence, nameOf(second!.payload)]).toEqual([17, 2, 'br'])
    expect(attributeList(attribute(1, [attribute(7, u8(1)), attribute(7, u8(2))]).bytes, 4)).toEqual([
      [7, u8(1)],
      [7, u8(2)],
    ])
  })

  test('what is cut off or lies about its length ends the list', () => {
    const bytes = encode(make('bridge', 'br0'), 1)
    expect(decode(bytes.subarray(0, bytes.length - 4))).toEqual([])
    expect(decode(Buffer.alloc(64))).toEqual([]) // a length of 0 would go on for ever
    expect(attributeList(Buffer.from('ffff0100', 'hex'))).toEqual([])
    expect(attributeList(Buffer.alloc(16))).toEqual([])
  })
})

describe('requests', () => {
  test('one is done when it returns', () => {
    route.request(make('bridge', 'br0'))
    expect(inside('ip', 'link', 'show', 'br0')).toContain('br0')
    const [answer] = route.request(getLink('br0'))
    expect(nameOf(answer!)).toBe('br0')
    expect(indexOf([answer!])).toBe(JSON.parse(inside('ip', '-j', 'link', 'show', 'br0'))[0].ifindex)
    route.request(remove('br0'))
    expect(dump(listLinks).length).toBeGreaterThan(0)
    expect(route.dump(listLinks).map(nameOf)).toEqual(['lo'])
  })

  test('a name in a gap is looked up in the namespace of the socket', () => {
    route.request(make('bridge', 'br1'))
    const plugged = make('dummy', 'plug', attribute(IFLA.MASTER, gap({ link: 'br1' })))
    try {
      route.request(plugged)
    } catch (error) {
      if (!(error instanceof NetlinkError && error.code === 'EOPNOTSUPP')) throw error // a kernel without dummy links
      route.request({ ...plugged, body: make('bridge', 'plug').body, gaps: [] })
    }
    expect(
      refusal(() => route.request(make('bridge', 'x', attribute(IFLA.MASTER, gap({ link: 'nobody' }))))),
    ).toMatchObject({
      code: 'ENODEV',
      said: 'no link nobody',
      message: expect.stringMatching(/^RTM_NEWLINK x {bridge}: ENODEV, one of the links that it names does not exist/),
    })
    expect(() => route.request(make('veth', 'v', attribute(IFLA.NET_NS_PID, gap({ process: 'pid' }))))).toThrow(
      /no process yet/,
    )
    const held = gap({ descriptor: 'netns' })
    expect(() => route.request(make('veth', 'v', attribute(IFLA.NET_NS_FD, held)))).toThrow(/no descriptor netns/)
    for (const name of ['plug', 'br1']) route.request(remove(name))
  })

  test('what is allowed is as good as success', () => {
    route.request(make('bridge', 'br2'))
    expect(route.request({ ...make('bridge', 'br2'), allow: 'EEXIST' })).toEqual([])
    expect(refusal(() => route.request({ ...make('bridge', 'br2'), allow: 'ENODEV' })).code).toBe('EEXIST')
    route.request(remove('br2'))
  })

  test('a list that is longer than one datagram, with links of long names', async () => {
    const crowd = await script('echo ready; read x', 'unshare', '-n') // it takes its links with it
    const netlink = openNetlink(NETLINK.ROUTE, { pid: crowd })
    const names = Array.from({ length: 40 }, (_, i) => `bridge-number-${i}`.slice(-15))
    for (const name of names) netlink.request(make('bridge', name))
    expect(netlink.dump(listLinks).map(nameOf)).toEqual(['lo', ...names])
    netlink.close()
  })

  test('only questions can be asked for a list', () => {
    expect(() => route.dump(make('bridge', 'br0'))).toThrow(/not a question/)
  })

  test('answers to what gave up are passed over', () => {
    const netlink = openNetlink(NETLINK.ROUTE, { pid })
    expect(refusal(() => netlink.dump({ ...listLinks, name: 'RTM_GETX', type: 250 })).code).toBe('EOPNOTSUPP')
    expect(netlink.dump(listLinks).map(nameOf)).toEqual(['lo'])
    netlink.close()
  })

  test('of a process that is gone: an error, and no descriptor stays', () => {
    const open = readdirSync('/proc/self/fd').length
    expect(() => openNetlink(NETLINK.ROUTE, { pid: 0x7fffffff })).toThrow(/ENOENT/)
    expect(() => openNetlink(NETLINK.ROUTE, { netns: 0 })).toThrow(KernelError)
    expect(readdirSync('/proc/self/fd')).toHaveLength(open)
  })

  test('a descriptor that is no socket of netlink is an error, not a wait', () => {
    const closed = openNetlink()
    closeSync(closed.descriptor)
    expect(refusal(() => new Netlink(closed.descriptor).dump(listLinks)).code).toMatch(/EBADF|ENOTSOCK/)
  })
})

describe('transactions', () => {
  beforeEach(() => {
    for (const name of tables()) netfilter.batch([table('DEL', name)])
  })

  test('all of it', () => {
    netfilter.batch([])
    netfilter.batch([table('NEW', 'one'), table('NEW', 'two'), table('DEL', 'one')])
    expect(tables()).toEqual(['two'])
  })

  test('or nothing, and which message it was', () => {
    const messages = [table('NEW', 'one'), table('DEL', 'none'), table('DEL', 'nobody'), table('NEW', 'two')]
    const error = refusal(() => netfilter.batch(messages))
    expect(error).toMatchObject({ code: 'ENOENT', position: 2, request: messages[1] })
    expect(error.message).toMatch(/^NFT_MSG_DELTABLE none \(message 2 of 4\): ENOENT/)
    expect(tables()).toEqual([])
    expect(refusal(() => netfilter.batch([table('NEW', 'one'), table('DEL', 'last')])).position).toBe(2)
    netfilter.batch([table('NEW', 'three')]) // the socket has nothing left over
    expect(tables()).toEqual(['three'])
  })

  test('a subsystem that the kernel does not have: the whole is refused', () => {
    const error = refusal(() => netfilter.batch([{ ...table('NEW', 'one'), type: 63 << 8 }]))
    expect(error.errno).toBeGreaterThan(0)
    expect(error.position).toBeUndefined()
  })

  test('larger than a socket’s usual buffers, in both directions', () => {
    const many = Array.from({ length: 4000 }, (_, i) => `table-with-a-long-name-${i}`)
    const error = refusal(() => netfilter.batch(many.map(name => table('DEL', name))))
    expect(error).toMatchObject({ code: 'ENOENT', position: 1 })
    netfilter.batch(many.map(name => table('NEW', name)))
    expect(tables()).toHaveLength(many.length)
    netfilter.batch(many.map(name => table('DEL', name)))
    expect(tables()).toEqual([])
  })
})

describe('refusals', () => {
  test('say what was asked, the kernel’s own words, cause and remedy', () => {
    const error = refusal(() => route.request(make('bridge', 'a-name-longer-than-fifteen')))
    expect(error).toBeInstanceOf(KernelError)
    expect(error).toMatchObject({ name: 'KernelError', call: 'sendto', errno: ERRNO.ERANGE, code: 'ERANGE' })
    expect(error.message).toBe(
      'RTM_NEWLINK a-name-longer-than-fifteen {bridge}: ERANGE, the name is longer than 15 bytes, or a number is out of its range',
    )
    expect(error.long.split('\n')).toEqual([
      'RTM_NEWLINK a-name-longer-than-fifteen {bridge}',
      '  failed with  ERANGE: result out of range',
      `  it says      ${error.said}`,
      `  most likely  ${error.cause}`,
      `  what to do   ${error.remedy}`,
    ])
    expect(error.said).toMatch(/policy validation/)
  })

  test('without a cause that we know, the kernel’s words stand in its place', () => {
    const error = refusal(() => route.request(make('bridge', 'br0', attribute(IFLA.MTU, u32(1)))))
    expect(error.message).toBe(`RTM_NEWLINK br0 {bridge}: EINVAL, ${error.said}`)
    expect(error.said).toMatch(/mtu/)
  })

  test('a link that is part of a system call’s plan is told as before', () => {
    expect(new KernelError('chroot', ['/none'], ERRNO.ENOENT, 3)).toMatchObject({
      asked: 'chroot("/none") (step 3)',
      said: undefined,
    })
  })
})

describe('names', () => {
  test('a hash is the same for the same text, and fits', () => {
    expect(hashName('veth', '')).toBe('veth4222325') // the hash's start, 0xcbf29ce484222325
    expect(hashName('veth', 'a')).toBe('veth601ec8c') // of 0xaf63dc4c8601ec8c, a published test vector
    expect(hashName('br-', 'x'.repeat(9999), 12)).toMatch(/^br-[\da-f]{12}$/)
    expect(() => hashName('much-too-long-', 'x')).toThrow(/no name/)
    const all = new Set(Array.from({ length: 5000 }, (_, i) => hashName('veth', `container-${i}`)))
    expect(all.size).toBeGreaterThan(4995) // 28 bits
  })

  test('a MAC address goes with an IPv4 address', () => {
    expect(macOfIp4('172.17.0.2')).toBe('02:42:ac:11:00:02')
    expect(parseMac('02:42:AC:11:00:02').toString('hex')).toBe('0242ac110002')
    for (const text of ['02:42:ac:11:00', '02:42:ac:11:00:0g', '0242ac110002'])
      expect(() => parseMac(text)).toThrow(/no MAC/)
  })
})
