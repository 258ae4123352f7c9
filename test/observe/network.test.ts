// Neighbours, counters and the firewall of another network namespace, beside what ip and nft say.
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { NETLINK } from '../../toolkit/kernel/constants.ts'
import { openNetlink } from '../../toolkit/kernel/netlink.ts'
import { drop, fields, is, masquerade } from '../../toolkit/kernel/nftables.ts'
import { readCounters } from '../../toolkit/observe/counters.ts'
import { readFirewall } from '../../toolkit/observe/firewall.ts'
import { readNeighbours } from '../../toolkit/observe/neighbours.ts'
import { replaceTable } from '../../toolkit/primitives/nftables.ts'
import { script } from './helpers.ts'

const SETUP = `set -e
ip link set lo up
ip link add veth0 up type veth peer name eth0 address 02:42:0a:00:00:02 netns $OTHER
ip address add 10.0.0.1/24 dev veth0
nsenter -t $OTHER -n ip address add 10.0.0.2/24 dev eth0
nsenter -t $OTHER -n ip link set eth0 up
echo >/dev/udp/10.0.0.2/9
echo >/dev/udp/10.0.0.9/9
(echo >/dev/tcp/127.0.0.1/9) 2>&1 || true
echo ready; read x`

let pid: number
let other: number
beforeAll(async () => {
  other = await script('echo ready; read x', 'unshare', '-n')
  pid = await script(`exec bash -c '${SETUP}'`, 'env', `OTHER=${other}`, 'unshare', '-n')
})

test('neighbours: who has answered, and who has not', async () => {
  await expect
    .poll(() => readNeighbours(pid)?.find(({ address }) => address === '10.0.0.2'))
    .toEqual({ address: '10.0.0.2', mac: '02:42:0a:00:00:02', device: 'veth0' })
  expect(readNeighbours(pid)).toContainEqual({ address: '10.0.0.9', mac: undefined, device: 'veth0' })
  expect(readNeighbours(2 ** 30)).toBeUndefined()
})

test('counters of this namespace and no other', () => {
  const { Tcp, Udp } = readCounters(pid)!
  expect([Tcp.ActiveOpens, Tcp.AttemptFails, Udp.OutDatagrams]).toEqual([1, 1, 2])
  expect(readCounters(other)!.Tcp.ActiveOpens).toBe(0)
  expect(readCounters(2 ** 30)).toBeUndefined()
})

describe('firewall', () => {
  test('chains, where they hang, and what their rules do to addresses', () => {
    expect(readFirewall(other)).toEqual([])
    const netlink = openNetlink(NETLINK.NETFILTER, { pid: other })
    const base = { priority: 0, policy: 'accept' } as const
    netlink.batch(
      replaceTable({
        family: 'ip',
        name: 'mine',
        sets: [],
        chains: [
          {
            name: 'in',
            type: 'filter',
            hook: 'input',
            ...base,
            policy: 'drop',
            rules: [[is(fields.iifname, 'lo'), drop]],
          },
          { name: 'out', type: 'nat', hook: 'postrouting', ...base, priority: -5, rules: [[masquerade]] },
        ],
      }),
    )
    netlink.close()
    const found = readFirewall(other)!
    expect(found.map(({ rules, ...chain }) => chain)).toEqual([
      { family: 'ip', table: 'mine', name: 'in', type: 'filter', hook: 'input', priority: 0, policy: 'drop' },
      { family: 'ip', table: 'mine', name: 'out', type: 'nat', hook: 'postrouting', priority: -5, policy: 'accept' },
    ])
    expect(found[0]!.rules).toEqual([{ expressions: ['meta', 'cmp', 'immediate'], translation: undefined }])
    expect(found[1]!.rules).toEqual([{ expressions: ['masq'], translation: 'masquerade' }])
    expect(readFirewall(2 ** 30)).toBeUndefined()
  })

  const nft = (rules: string) => execFileSync('nsenter', ['-t', String(pid), '-n', 'nft', rules])
  const hasNft = (() => {
    try {
      execFileSync('nft', ['--version'])
      return true
    } catch {
      return false
    }
  })()

  test.skipIf(!hasNft)('what nft makes', () => {
    nft(
      'table inet t { chain jumped { accept; } ; chain pre { type nat hook prerouting priority dstnat; tcp dport 80 dnat ip to 10.0.0.2:8080; udp dport 7 redirect to :9; } ; chain post { type nat hook postrouting priority srcnat; ip saddr 10.0.0.0/8 snat ip to 10.0.0.1; } ; }',
    )
    const found = readFirewall(pid)!
    expect(
      found.map(({ name, hook, priority, rules }) => [name, hook, priority, ...rules.map(rule => rule.translation)]),
    ).toEqual([
      ['jumped', undefined, undefined, undefined],
      ['pre', 'prerouting', -100, 'dnat', 'redirect'],
      ['post', 'postrouting', 100, 'snat'],
    ])
  })
})
