// Lesson 6. The checks are in ports.ts (tasks 1 to 3), names.ts (4 and 5), keep.ts (6 and 7); what they look at, in stacks.ts.
import { randomInt } from 'node:crypto'
import * as net from '../../toolkit/primitives/net.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { installBusybox } from '../tools.ts'
import { keepTask, moduleTask } from './keep.ts'
import text from './lesson.md'
import { socketTask, sysTask } from './names.ts'
import { stackTask, takenTask, twiceTask } from './ports.ts'

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath', 'inlet', 'larch']
const name = () => `${WORDS[randomInt(WORDS.length)]}-${randomInt(1000, 10000)}`
const part = () => randomInt(1, 255)

function values(): Record<string, string> {
  const [socket, keep] = [name(), name()]
  if (socket === keep) return values()
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
  await installBusybox(scene)
  const script = `cd /lab
mkdir -p box/bin box/proc
cp /usr/local/bin/busybox box/bin/
for name in $(busybox --list); do ln -s busybox "box/bin/$name" 2>/dev/null || :; done
echo 'a page from the box' >box/index.html
ip link add ${scene.values.card} type bridge
ip addr add 192.0.2.7/24 dev ${scene.values.card}
ip link set ${scene.values.card} up`
  const { code, output } = await scene.lab.run(['/bin/sh', '-ec', script])
  if (code !== 0) throw new Error(`lesson 6 cannot prepare the lab: ${output.trim()}`)
}

export const lesson: Lesson = {
  name: '06-net',
  title: 'The network',
  text,
  tasks: [takenTask, stackTask, twiceTask, socketTask, sysTask, keepTask, moduleTask],
  values,
  setup,
  needs: ['bridge'],
  module: 'toolkit/primitives/net.ts',
  plan: () => net.loopbackUp(),
  control: 'twice',
}
