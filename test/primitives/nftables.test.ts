// Oracle: nft(8) lists what we have put into the kernel.
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firewall, type Member } from '../../toolkit/engine/network/firewall.ts'
import { invoke } from '../../toolkit/kernel/call.ts'
import { netlinkCauses } from '../../toolkit/kernel/causes/netlink.ts'
import { CLONE, NETLINK } from '../../toolkit/kernel/constants.ts'
import { type Netlink, openNetlink } from '../../toolkit/kernel/netlink.ts'
import type { NetlinkError } from '../../toolkit/kernel/netlink-error.ts'
import { pack } from '../../toolkit/kernel/nfnetlink.ts'
import { concatenate, fields, inSet, is, keyLength, type Term, typeNumber } from '../../toolkit/kernel/nftables.ts'
import { formatTable, getTable, removeTable, replaceTable, type Table } from '../../toolkit/primitives/nftables.ts'

const missing =
  process.getuid!() !== 0
    ? ' (skipped: needs root)'
    : spawnSync('nft', ['--version']).error
      ? ' (skipped: nft is not installed)'
      : ''

const options = { name: 'toolkit', alone: true }
/** One network, and who is in it. */
const of = (members: readonly Member[], internal = false) => [
  { bridge: 'toolkit0', subnet: '172.16.0.0/12', internal, members },
]
const member = (n: number): Member => ({
  address: `172.17.0.${n}`,
  mac: `02:42:ac:11:00:${n.toString(16).padStart(2, '0')}`,
  link: `tk00000000000${n}`,
  ports: [
    { protocol: 'tcp', address: '0.0.0.0', host: 8000 + n, container: 80 },
    { protocol: 'udp', address: '127.0.0.1', host: 50 + n, container: 53 },
  ],
})

describe('attributes', () => {
  test('length, type and value, padded to 4; numbers big-endian, strings with NUL, nests marked', () => {
    const bytes = pack([
      [1, 0x01020304],
      [2, 'abcd'],
      [3, [[4, Uint8Array.of(9)]]],
    ])
    expect(bytes.toString('hex')).toBe(
      ['08000100', '01020304', '09000200', '61626364', '00000000', '0c000380', '05000400', '09000000'].join(''),
    )
  })

  test('more than 64 KiB are refused, not cut off', () => {
    expect(() => pack([[1, Buffer.alloc(70_000)]])).toThrow(RangeError)
  })

  test('a concatenation fills whole registers; its type is 6 bits a part', () => {
    expect(Buffer.from(concatenate(['inet_proto', 'inet_service'], ['udp', '53'])).toString('hex')).toBe(
      '1100000000350000',
    )
    expect(keyLength(['ifname', 'ether_addr', 'ipv4_addr'])).toBe(28)
    expect(typeNumber(['ipv4_addr', 'inet_service'])).toBe((7 << 6) | 13)
  })

  test('what is no link name and no range is refused', () => {
    expect(() => is(fields.iifname, 'a'.repeat(16))).toThrow(TypeError)
    expect(() => is(fields.ipSource, '10.0.0.0/33')).toThrow(TypeError)
  })
})

describe.skipIf(missing)(`tables in the kernel${missing}`, () => {
  const home = missing ? -1 : openSync('/proc/thread-self/ns/net', 'r')
  let netlink: Netlink
  beforeAll(() => {
    invoke('unshare', [CLONE.NEWNET])
    netlink = openNetlink(NETLINK.NETFILTER)
  })
  afterAll(() => {
    netlink.close()
    invoke('setns', [home, CLONE.NEWNET])
    closeSync(home)
  })
  const put = (tables: readonly Table[]) => netlink.batch(tables.flatMap(replaceTable))
  const listed = (): string => execFileSync('nft', ['--numeric-priority', 'list', 'ruleset'], { encoding: 'utf8' })
  /** Sets are listed in no order, and long ones over several lines. */
  const sorted = (text: string): string =>
    text.replace(/elements = \{([^}]*)\}/g, (_, list: string) =>
      [
        'elements =',
        ...list
          .split(',')
          .map(one => one.trim())
          .sort(),
      ].join(' '),
    )

  test.each([
    ['one network', of([member(2), member(3)])],
    [
      'three, one without a way out',
      [
        ...of([member(2)]),
        { bridge: 'br-1', subnet: '10.1.0.0/24', internal: false, members: [member(3)] },
        { bridge: 'br-2', subnet: '10.2.0.0/24', internal: true, members: [member(4)] },
      ],
    ],
  ])('nft lists the engine’s firewall as we print it: %s', (_, segments) => {
    const tables = firewall(options, segments)
    put(tables)
    expect(sorted(listed())).toBe(sorted(tables.map(formatTable).join('')))
  })

  test('nft reads what we print, and that is the same', () => {
    const text = firewall(options, of([member(2)]))
      .map(formatTable)
      .join('')
    execFileSync('nft', ['flush', 'ruleset'])
    execFileSync('nft', [text])
    expect(sorted(listed())).toBe(sorted(text))
  })

  test('putting it again replaces it: others, fewer, none', () => {
    for (const members of [[member(2)], [member(4), member(5), member(6)], []]) {
      const tables = firewall({ ...options, alone: members.length > 1 }, of(members))
      put(tables)
      expect(sorted(listed())).toBe(sorted(tables.map(formatTable).join('')))
    }
  })

  test('a port that two have is the later one’s', () => {
    const [first, second] = [member(2), { ...member(3), ports: member(2).ports }]
    const tables = firewall(options, of([first, second]))
    put(tables)
    expect(listed()).toContain('tcp . 8002 : 172.17.0.3 . 80')
    expect(listed()).not.toContain(' : 172.17.0.2')
  })

  test('a thousand containers fit', () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ ...member(2), link: `tk${i}`, ports: [] }))
    put(firewall(options, of(many)))
    expect(listed().match(/"tk999"/g)).toHaveLength(2)
  })

  test('of a transaction with an error nothing comes to be, and the message says which rule it was', () => {
    const before = listed()
    const nonsense: Term = {
      text: 'no such thing',
      expressions: [
        [
          1,
          [
            [1, 'nonsense'],
            [2, []],
          ],
        ],
      ],
    }
    const [table] = firewall(options, of([])) as [Table]
    const broken = { ...table, chains: [{ ...table.chains[0]!, rules: [[nonsense]] }] }
    let error: unknown
    try {
      put([broken])
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: 'ENOENT' } satisfies Partial<NetlinkError>)
    expect((error as Error).message).toContain('guard no such thing')
    expect(listed()).toBe(before)
  })

  test('each refusal that the firewall has a cause for', () => {
    const empty: Table = { family: 'ip', name: 'x', sets: [], chains: [] }
    const nat = { name: 'c', type: 'nat', hook: 'prerouting', priority: 0, policy: 'accept', rules: [] } as const
    const unknown = { ...nat, type: 'filter', rules: [[inSet([fields.iifname], 'nobody')]] } as const
    const twice = ['1', '2'].map(port => ({ key: ['53'], data: [port] }))
    const map = { name: 'm', key: ['inet_service'], data: ['inet_service'], elements: twice } as const
    const message = (table: Table, name: string) => replaceTable(table).filter(each => each.name === name)
    const family = message(empty, 'NFT_MSG_NEWTABLE')[0]!
    const cases: [string, () => void][] = [
      [
        'NEWTABLE EOPNOTSUPP',
        () => netlink.batch([{ ...family, body: Buffer.from([99, ...family.body.subarray(1)]) }]),
      ],
      ['NEWCHAIN ENOENT', () => put([{ ...empty, family: 'bridge', chains: [nat] }])],
      ['NEWRULE ENOENT', () => put([{ ...empty, chains: [unknown] }])],
      ['NEWSETELEM EEXIST', () => put([{ ...empty, sets: [map] }])],
      ['GETTABLE ENOENT', () => netlink.request(getTable({ family: 'ip', name: 'nobody' }))],
    ]
    const found = cases.map(([, ask]) => {
      try {
        ask()
      } catch (error) {
        const { request, code, cause } = error as NetlinkError
        return [`${request.name.slice(8)} ${code}`, cause]
      }
      return []
    })
    const rows = netlinkCauses().filter(({ message }) => message?.some(name => name.startsWith('NFT_')))
    expect(found.map(([what]) => what)).toEqual(cases.map(([what]) => what))
    expect(found.map(([, cause]) => cause)).toEqual(rows.map(({ cause }) => cause))
  })

  test('removing is content where there is none; other tables stay', () => {
    execFileSync('nft', ['add', 'table', 'ip', 'other'])
    const tables = firewall(options, of([member(2)]))
    put(tables)
    for (let i = 0; i < 2; i++) netlink.batch(tables.flatMap(removeTable))
    expect(listed()).toBe('table ip other {\n}\n')
    expect(() => netlink.request(getTable(tables[0]!))).toThrow(/ENOENT/)
  })
})
