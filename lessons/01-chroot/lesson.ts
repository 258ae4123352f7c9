// Lesson 1. The checks are in jail.ts (tasks 1 and 2), box.ts (3 and 4), host.ts (5), escape.ts (6), container.ts (7) and
// module.ts (8).
import { randomInt } from 'node:crypto'
import * as chroot from '../../toolkit/primitives/chroot.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { installBusybox, prepare } from '../tools.ts'
import { words } from '../words.ts'
import { boxTask, processesTask } from './box.ts'
import { containerTask } from './container.ts'
import { escapeTask } from './escape.ts'
import { machineTask } from './host.ts'
import { copyTask, librariesTask } from './jail.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'

function values(): Record<string, string> {
  const [hostname, container, room] = words(3) as [string, string, string]
  return {
    nap: String(randomInt(20_000, 90_000)),
    hostname,
    address: `10.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`,
    container,
    room,
  }
}

/** A static busybox on PATH, and a process that has nothing to do with the learner. */
async function setup(scene: Scene): Promise<void> {
  await installBusybox(scene)
  await prepare(scene, `setsid sleep ${scene.values.nap} </dev/null >/dev/null 2>&1 &`)
}

export const lesson: Lesson = {
  name: '01-chroot',
  title: 'The root directory',
  text,
  tasks: [copyTask, librariesTask, boxTask, processesTask, machineTask, escapeTask, containerTask, moduleTask],
  values,
  setup,
  panels: ['namespaces', 'mounts', 'processes'],
  module: 'toolkit/primitives/chroot.ts',
  plan: () => chroot.plan({ root: '/lab/box' }),
  control: 'container',
}
