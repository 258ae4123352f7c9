import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Lease, Network } from '../../../toolkit/engine/network/lease.ts'
import {
  chooseSubnet,
  dockerPools,
  exclusively,
  findLease,
  readLeases,
  writeState,
} from '../../../toolkit/engine/network/leases.ts'
import { joinNetwork, leaveNetwork, previewNetwork } from '../../../toolkit/engine/network/network.ts'
import { invoke } from '../../../toolkit/kernel/call.ts'
import { CLONE } from '../../../toolkit/kernel/constants.ts'
import { formatSubnet, parseSubnet } from '../../../toolkit/kernel/ip.ts'

const skipped = process.getuid!() === 0 ? '' : ' (skipped: needs root)'
const state = mkdtempSync(path.join(tmpdir(), 'toolkit-leases-'))
const home = openSync('/proc/thread-self/ns/net', 'r')
beforeAll(() => {
  if (!skipped) invoke('unshare', [CLONE.NEWNET]) // leaving takes rules and a bridge away: not those of this machine
})
afterAll(() => {
  if (!skipped) invoke('setns', [home, CLONE.NEWNET])
  closeSync(home)
  rmSync(state, { recursive: true, force: true })
})

const networkIn = (name: string, subnet: string): Network => ({
  bridge: 'toolkit0',
  table: 'toolkit',
  directory: `${state}/${name}/networks/bridge`,
  pools: [parseSubnet(subnet)!],
  isAlive: () => true,
})
const wish = (id: string) => ({ id, ports: [] })

describe('which addresses', () => {
  test('docker’s pools, in docker’s order', () => {
    const pools = dockerPools().map(formatSubnet)
    expect([pools.length, pools[0], pools[14], pools[15], pools[30]]).toEqual([
      ...[31, '172.17.0.0/16', '172.31.0.0/16', '192.168.0.0/20', '192.168.240.0/20'],
    ])
  })

  test('the first range that nobody else uses; the one from before while it is free, or somebody is in it', () => {
    const network = { ...networkIn('choose', '10.0.0.0/8'), pools: dockerPools() }
    const used =
      (...texts: string[]) =>
      () =>
        texts.map(text => parseSubnet(text)!)
    const chosen = (...texts: string[]) => formatSubnet(chooseSubnet(network, [], used(...texts)))
    expect(chosen()).toBe('172.17.0.0/16')
    expect(chosen('172.17.5.1/32', '172.18.0.0/15')).toBe('172.20.0.0/16')
    expect(chosen('172.16.0.0/12')).toBe('192.168.0.0/20')
    expect(() => chosen('0.0.0.0/0')).toThrow('overlaps one of the host')
    exclusively(network, () => writeState(network, { subnet: '172.30.0.0/16' }))
    expect(chosen()).toBe('172.30.0.0/16')
    expect(chosen('172.30.0.0/16')).toBe('172.17.0.0/16')
    const somebody = [{ id: 'a' } as Lease]
    expect(formatSubnet(chooseSubnet(network, somebody, used('172.30.0.0/16')))).toBe('172.30.0.0/16')
  })

  test('the lowest that is free; never the first two and the last', () => {
    const subnet = parseSubnet('10.0.0.0/29')!
    const take = (taken: string[]) =>
      findLease(
        { bridge: 'toolkit0', directory: '/nowhere/bridge' },
        taken.map(address => ({ address })),
        subnet,
        { id: '0123456789abcdef', ports: [] },
      )
    expect(take([])).toEqual({
      id: '0123456789abcdef',
      network: 'bridge',
      bridge: 'toolkit0',
      address: '10.0.0.2',
      subnet: '10.0.0.0/29',
      gateway: '10.0.0.1',
      mac: '02:42:0a:00:00:02',
      link: 'tk0123456789ab',
      ports: [],
    })
    expect(take(['10.0.0.2', '10.0.0.4'])?.address).toBe('10.0.0.3')
    expect(take([2, 3, 4, 5, 6].map(n => `10.0.0.${n}`))).toBeUndefined()
  })
})

describe.skipIf(skipped)(`leases${skipped}`, () => {
  test('of a container that is lost are given away when there are no others', () => {
    const network = networkIn('lost', '10.0.0.0/29')
    for (const id of ['a', 'b', 'c', 'd', 'e']) joinNetwork(wish(id), network)
    expect(() => joinNetwork(wish('f'), network)).toThrow(
      /^run: --network bridge: no address is left in 10.0.0.0\/29, 5 containers have one; end some/,
    )
    const { lease } = joinNetwork(wish('f'), { ...network, isAlive: id => id !== 'd' })
    expect(lease.address).toBe('10.0.0.5')
    expect(readLeases(network).map(({ id }) => id)).toEqual(['a', 'b', 'c', 'f', 'e'])
  })

  test('a look at what would be taken takes nothing', () => {
    const network = networkIn('preview', '10.0.0.0/29')
    expect(previewNetwork(wish('a'), network).address).toBe('10.0.0.2')
    expect(previewNetwork(wish('b'), network).address).toBe('10.0.0.2')
    expect(() => readdirSync(network.directory)).toThrow(/ENOENT/)
  })

  test('a torn lease is nobody’s, and leaving twice is leaving once', () => {
    const network = networkIn('torn', '10.0.0.0/29')
    joinNetwork(wish('a'), network)
    writeFileSync(`${network.directory}/leases/10.0.0.3`, '{"id":')
    expect(joinNetwork(wish('b'), network).lease.address).toBe('10.0.0.3')
    for (const id of ['a', 'a', 'b', 'nobody']) leaveNetwork(id, network)
    expect(readLeases(network)).toEqual([])
  })
})

describe.skipIf(skipped)(`what is no lease${skipped}`, () => {
  test.each([
    ['{', 'torn'],
    ['{"subnet":7}', 'of another shape'],
    [
      '{"address":"10.9.0.9","id":"x","link":"veth0","mac":"m","gateway":"g","subnet":"10.9.0.0/26","ports":[],"network":"bridge","bridge":"b"}',
      'of another name',
    ],
    [
      '{"address":"10.9.0.5","id":"x","link":"veth0","mac":"m","gateway":"g","subnet":"10.9.0.0/26","ports":[],"network":"../x","bridge":"b"}',
      'of another network',
    ],
    ['[]', 'a list'],
    ['null', 'nothing'],
  ])('%s is left out, and gone when the next one joins (%s)', text => {
    const network = networkIn('strangers', '10.9.0.0/26')
    mkdirSync(`${network.directory}/leases`, { recursive: true })
    exclusively(network, () => writeFileSync(`${network.directory}/leases/10.9.0.5`, text))
    expect(readLeases(network)).toEqual([])
    const { close } = joinNetwork({ id: 'one', ports: [], mac: undefined }, network)
    expect(readdirSync(`${network.directory}/leases`)).toEqual([readLeases(network)[0]!.address])
    close()
    leaveNetwork('one', network)
  })
})

describe.skipIf(skipped)(`several engines at once${skipped}`, () => {
  const children: ChildProcess[] = []
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
  })

  /** Runs join-many in several processes, in a network namespace of their own; the lines of all, then their end. */
  async function race(processes: number, ...args: string[]): Promise<string[]> {
    const script = path.join(import.meta.dirname, '../join-many.ts')
    const all = `for i in $(seq ${processes}); do "$@" <&3 & done 3<&0; wait`
    const child = spawn(
      'unshare',
      ['--net', 'sh', '-c', `ip link set lo up; exec 3<&0; ${all}`, 'sh', process.execPath, script, ...args],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    children.push(child)
    let text = ''
    child.stdout.on('data', data => {
      text += data
      if ((text.match(/^ready$/gm) ?? []).length === processes) child.stdin.end()
    })
    await once(child, 'close')
    return text.split('\n').filter(line => line !== '' && line !== 'ready')
  }

  test('100 containers in a /26: 61 addresses, none twice, all free again', async () => {
    const lines = await race(5, `${state}/race`, '10.0.0.0/26', '20')
    expect(lines).toHaveLength(100)
    const given = lines.filter(line => line.startsWith('10.0.0.'))
    expect(new Set(given).size).toBe(61)
    expect(given).toHaveLength(61)
    expect(lines.filter(line => line.includes('no address is left in 10.0.0.0/26'))).toHaveLength(39)
    expect(readdirSync(`${state}/race/networks/bridge/leases`)).toEqual([])
  })

  test('20 containers want one of 10 ports: 10 get one each, the others are told; theirs leave no lease', async () => {
    const lines = await race(4, `${state}/ports`, '10.0.0.0/24', '5', '127.0.0.1:41000-41009:80')
    const ports = lines.flatMap(line => /^10\S+ (\d+)$/.exec(line)?.[1] ?? [])
    expect([...ports].sort()).toEqual(Array.from({ length: 10 }, (_, i) => String(41000 + i)))
    expect(lines.filter(line => line.includes('ports 41000 to 41009 are taken already'))).toHaveLength(10)
  })
})
