// Lesson 8. The checks are in groups.ts (tasks 1 and 2) and clocks.ts (3 to 5).
import { randomInt } from 'node:crypto'
import { enter } from '../../toolkit/primitives/cgroup-namespace.ts'
import * as time from '../../toolkit/primitives/time.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { installBusybox } from '../tools.ts'
import { clockTask, eightTask, moduleTask } from './clocks.ts'
import { groupTask, topTask } from './groups.ts'
import text from './lesson.md'

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath', 'inlet', 'larch']
const DAY = 86_400

function values(): Record<string, string> {
  const days = randomInt(100, 900)
  return {
    group: `${WORDS[randomInt(WORDS.length)]}-${randomInt(1000, 10000)}`,
    days: String(days),
    seconds: String(days * DAY),
    old: String(randomInt(20_000, 40_000)),
    fresh: String(randomInt(40_000, 60_000)),
    later: String(randomInt(1000, 2000) * DAY),
  }
}

/** The box of the lessons before. */
async function setup(scene: Scene): Promise<void> {
  await installBusybox(scene)
  const script = `cd /lab
mkdir -p box/bin box/proc
cp /usr/local/bin/busybox box/bin/
for name in $(busybox --list); do ln -s busybox "box/bin/$name" 2>/dev/null || :; done`
  const { code, output } = await scene.lab.run(['/bin/sh', '-ec', script])
  if (code !== 0) throw new Error(`lesson 8 cannot prepare the lab: ${output.trim()}`)
}

export const lesson: Lesson = {
  name: '08-cgroup-time',
  title: 'Groups and clocks',
  text,
  tasks: [groupTask, topTask, clockTask, eightTask, moduleTask],
  values,
  setup,
  needs: ['ns-user', 'ns-cgroup', 'ns-time', 'cgroup-write', 'cgroup-pids'],
  module: 'toolkit/primitives/time.ts',
  plan: () => [...time.plan({ timeOffsets: { boottime: { secs: DAY } } }), ...enter()],
  control: 'eight',
}
