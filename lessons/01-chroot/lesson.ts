// Lesson 1. The checks are in jail.ts (tasks 1 and 2), box.ts (3 and 4), host.ts (5 and 6), escape.ts (7), container.ts (8).
import { randomInt } from 'node:crypto'
import * as chroot from '../../toolkit/primitives/chroot.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { installBusybox } from '../tools.ts'
import { boxTask, processesTask } from './box.ts'
import { containerTask } from './container.ts'
import { escapeTask } from './escape.ts'
import { hostnameTask, networkTask } from './host.ts'
import { copyTask, librariesTask } from './jail.ts'
import text from './lesson.md'

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath', 'inlet', 'larch']
const name = () => `${WORDS[randomInt(WORDS.length)]}-${randomInt(1000, 10000)}`

function values(): Record<string, string> {
  const [hostname, container] = [name(), name()]
  if (hostname === container) return values()
  return {
    nap: String(randomInt(20_000, 90_000)),
    hostname,
    address: `10.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`,
    container,
  }
}

/** A static busybox on PATH, and a process that has nothing to do with the learner. */
async function setup(scene: Scene): Promise<void> {
  await installBusybox(scene)
  const { code, output } = await scene.lab.run([
    '/bin/sh',
    '-ec',
    `setsid sleep ${scene.values.nap} </dev/null >/dev/null 2>&1 &`,
  ])
  if (code !== 0) throw new Error(`lesson 1 cannot prepare the lab: ${output.trim()}`)
}

export const lesson: Lesson = {
  name: '01-chroot',
  title: 'The root directory',
  text,
  tasks: [copyTask, librariesTask, boxTask, processesTask, hostnameTask, networkTask, escapeTask, containerTask],
  values,
  setup,
  module: 'toolkit/primitives/chroot.ts',
  plan: () => chroot.plan({ root: '/lab/box' }),
  control: 'container',
}
