// A program for leases.test.ts: joins a network many times at once with others, and tells what came of it. It keeps what
// it has until its input ends, then leaves. Arguments: STATE SUBNET COUNT [PORT…].
import { readSync } from 'node:fs'
import { joinNetwork, leaveNetwork } from '../../toolkit/engine/network/network.ts'
import { parsePublish } from '../../toolkit/engine/network/ports.ts'
import { parseSubnet } from '../../toolkit/kernel/ip.ts'

const [state, subnet, count, ...publish] = process.argv.slice(2)
const network = {
  bridge: 'toolkit0',
  table: 'toolkit',
  directory: `${state}/networks/bridge`,
  pools: [parseSubnet(subnet!)!],
  isAlive: () => true,
}
const ids = Array.from({ length: Number(count) }, (_, i) => `${process.pid.toString(16)}x${i}`)
for (const id of ids) {
  try {
    const { lease } = joinNetwork({ id, ports: publish.flatMap(parsePublish) }, network)
    console.log(`${lease.address} ${lease.ports.map(({ host }) => host)}`)
  } catch (error) {
    console.log((error as Error).message)
  }
}
console.log('ready')
readSync(0, Buffer.alloc(1))
for (const id of ids) leaveNetwork(id, network)
