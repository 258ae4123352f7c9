// Lesson 8. The checks are in groups.ts (tasks 1 and 2) and clocks.ts (3 to 5).
import { randomInt } from 'node:crypto'
import { enter } from '../../toolkit/primitives/cgroup-namespace.ts'
import * as time from '../../toolkit/primitives/time.ts'
import { makeBox } from '../box.ts'
import type { Lesson } from '../lesson.ts'
import { words } from '../words.ts'
import { clockTask, eightTask, moduleTask } from './clocks.ts'
import { groupTask, topTask } from './groups.ts'
import text from './lesson.md'

const DAY = 86_400

function values(): Record<string, string> {
  const days = randomInt(100, 900)
  return {
    group: words(1)[0]!,
    days: String(days),
    seconds: String(days * DAY),
    old: String(randomInt(20_000, 40_000)),
    fresh: String(randomInt(40_000, 60_000)),
    later: String(randomInt(1000, 2000) * DAY),
  }
}

export const lesson: Lesson = {
  name: '08-cgroup-time',
  title: 'Groups and clocks',
  text,
  tasks: [groupTask, topTask, clockTask, eightTask, moduleTask],
  values,
  setup: makeBox,
  needs: ['root', 'ns-user', 'ns-cgroup', 'ns-time', 'cgroup-write', 'cgroup-pids'], // a lab's own groups
  panels: ['namespaces', 'cgroups'],
  module: 'toolkit/primitives/time.ts',
  plan: () => [...time.plan({ timeOffsets: { boottime: { secs: DAY } } }), ...enter()],
  control: 'eight',
}
