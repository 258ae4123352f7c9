// Lesson 6. The checks are in ports.ts (tasks 1 to 3), names.ts (4 and 5), keep.ts (6 and 7); what they look at, in stacks.ts.
import { randomInt } from 'node:crypto'
import * as net from '../../toolkit/primitives/net.ts'
import { makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { words } from '../words.ts'
import { keepTask, moduleTask } from './keep.ts'
import text from './lesson.md'
import { socketTask, sysTask } from './names.ts'
import { stackTask, takenTask, twiceTask } from './ports.ts'

const part = () => randomInt(1, 255)

function values(): Record<string, string> {
  const [socket, keep] = words(2) as [string, string]
  return {
    card: 'eth0',
    port: String(randomInt(8000, 9000)),
    door: String(randomInt(9000, 10000)),
    address: `10.${part()}.${part()}.${part()}`,
    socket,
    keep,
  }
}

/** The box of the lessons before with a page to serve, and something that stands for the machine's network card. */
async function setup(scene: Scene): Promise<void> {
  await makeBox(
    scene,
    `echo 'a page from the box' >box/index.html
ip link add ${scene.values.card} type bridge
ip addr add 192.0.2.7/24 dev ${scene.values.card}
ip link set ${scene.values.card} up`,
  )
}

export const lesson: Lesson = {
  name: '06-net',
  title: 'The network',
  text,
  tasks: [takenTask, stackTask, twiceTask, socketTask, sysTask, keepTask, moduleTask],
  values,
  setup,
  needs: ['bridge'],
  panels: ['network', 'namespaces'],
  module: 'toolkit/primitives/net.ts',
  plan: () => net.loopbackUp(),
  control: 'twice',
}
