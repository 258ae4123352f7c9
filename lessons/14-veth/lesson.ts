// Lesson 14. The checks are in cable.ts (tasks 1 and 2), address.ts (3 and 4), route.ts (5 and 6), reach.ts (7), module.ts (8).
import { randomBytes, randomInt } from 'node:crypto'
import { formatMac } from '../../toolkit/kernel/link-name.ts'
import { address } from '../../toolkit/primitives/address.ts'
import { linkUp } from '../../toolkit/primitives/link.ts'
import { route } from '../../toolkit/primitives/route.ts'
import { vethPair } from '../../toolkit/primitives/veth.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { asCall, container, prepareNetwork } from '../network.ts'
import { bareWords } from '../words.ts'
import { addressesTask, neighboursTask } from './address.ts'
import { cableTask, containerTask } from './cable.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { reachTask } from './reach.ts'
import { endTask, routeTask } from './route.ts'

function values(): Record<string, string> {
  const [cable, second, oldCable] = bareWords(3).map(word => `${word}0`) as [string, string, string]
  const third = randomInt(1, 250)
  return {
    ...{ cable, second, oldCable },
    net: `10.${randomInt(1, 250)}.${third}`,
    net2: `10.${randomInt(1, 250)}.${third + 1}`,
    far: `192.0.2.${randomInt(2, 250)}`,
    mac: formatMac(Buffer.concat([Buffer.from([0x02]), randomBytes(5)])), // 02: given by hand, not by a factory
    port: String(randomInt(2000, 9000)),
    alone: String(randomInt(20_000, 50_000)),
    old: String(randomInt(50_000, 90_000)),
  }
}

/** A container as lesson 6 left it, with a server in it; one at the end of a cable; and an address beyond. */
const setup = (scene: Scene): Promise<void> => {
  const { alone, old, oldCable, far, port } = scene.values
  return prepareNetwork(
    scene,
    `${container('alone', alone!)}
setsid inside alone busybox nc -ll -p ${port} -e echo I am alone </dev/null >/dev/null 2>&1 &
${container('old', old!)}
ip link add ${oldCable} up type veth peer name eth0 netns "$(cat old.pid)"
ip addr add ${far}/32 dev lo`,
  )
}

export const lesson: Lesson = {
  name: '14-veth',
  title: 'A cable',
  text,
  tasks: [containerTask, cableTask, addressesTask, neighboursTask, routeTask, endTask, reachTask, moduleTask],
  values,
  setup,
  panels: ['network', 'namespaces'],
  module: 'toolkit/primitives/veth.ts',
  plan: ({ cable, net }) =>
    [
      vethPair({ name: cable!, peer: { name: 'eth0', into: { process: 'pid' } } }),
      address(cable!, `${net}.1/24`),
      address('eth0', `${net}.2/24`),
      linkUp('eth0'),
      route({ gateway: `${net}.1` }),
    ].map(asCall),
  control: 'reach',
}
