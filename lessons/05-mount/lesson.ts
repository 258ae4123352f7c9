// Lesson 5. The checks are in table.ts (tasks 1 and 2), spread.ts (3 and 4), root.ts (5 and 6), module.ts (7).
import { randomInt } from 'node:crypto'
import { MS } from '../../toolkit/kernel/constants.ts'
import { step } from '../../toolkit/kernel/step.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import { BOX, makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { waitFor } from '../tools.ts'
import { words } from '../words.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { escapeTask, pivotTask } from './root.ts'
import { leakTask, slaveTask } from './spread.ts'
import { bindTask, tableTask } from './table.ts'

/** Names for file systems in memory, all different; and how long the process in the old box sleeps. */
function values(): Record<string, string> {
  const [scratch, leak, disk, own, tmp] = words(5) as [string, string, string, string, string]
  return { scratch, leak, disk, own, tmp, old: String(randomInt(20_000, 90_000)) }
}

/** Mounts spread, as on a machine with systemd; the box with a process in it, as lesson 1 left it. */
async function setup({ lab, values }: Scene): Promise<void> {
  await makeBox(
    { lab },
    `mount --make-rshared /
mkdir -p /lab/notes /lab/disks/in /lab/disks/out
echo 'The first note.' >/lab/notes/first
mount -t proc proc ${BOX}/proc
setsid chroot ${BOX} /bin/sleep ${values.old} </dev/null >/dev/null 2>&1 &
${waitFor(`pgrep -x -f '/bin/sleep ${values.old}'`)}`,
  )
}

const bindBox = step('mount', [BOX, BOX, null, MS.BIND, null], {
  why: 'pivot_root takes nothing but a mount point',
  lesson: '05-mount',
  shell: `mount --bind ${BOX} ${BOX}`,
})

export const lesson: Lesson = {
  name: '05-mount',
  title: 'Mounts',
  text,
  tasks: [tableTask, bindTask, leakTask, slaveTask, pivotTask, escapeTask, moduleTask],
  values,
  setup,
  panels: ['mounts', 'namespaces'],
  module: 'toolkit/primitives/mount.ts',
  plan: () => [
    ...mount.makePrivate(),
    bindBox,
    ...mount.pivotRoot(BOX),
    ...mount.detachOldRoot(),
    ...mount.makeReadOnly(),
  ],
  control: 'escape',
}
