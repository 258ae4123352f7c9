// Lesson 4. The checks are in numbers.ts (tasks 1 and 2), first.ts (3 and 4), box.ts (5), module.ts (6).
import { randomInt } from 'node:crypto'
import * as mount from '../../toolkit/primitives/mount.ts'
import * as pid from '../../toolkit/primitives/pid.ts'
import { BOX, makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { waitFor } from '../tools.ts'
import { words } from '../words.ts'
import { boxTask } from './box.ts'
import { procTask, zombieTask } from './first.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { firstTask, numbersTask } from './numbers.ts'

const values = (): Record<string, string> => ({
  nap: String(randomInt(20_000, 50_000)), // of the six
  guard: String(randomInt(50_000, 70_000)), // of the first process in their namespace
  old: String(randomInt(70_000, 90_000)), // of the one in the box of lesson 1
  number: String(randomInt(3, 7)),
  name: words(1)[0]!,
})

/**
 * The box with a process in it, as lesson 1 left it; and a pid namespace whose first process waits for nobody: a sleep
 * that has come to six children, because it was the shell that started them.
 */
async function setup({ lab, values }: Scene): Promise<void> {
  const { nap, guard, old } = values
  await makeBox(
    { lab },
    `mount -t proc proc ${BOX}/proc
setsid chroot ${BOX} /bin/sleep ${old} </dev/null >/dev/null 2>&1 &
setsid unshare --pid --fork sh -c 'for i in 1 2 3 4 5 6; do sleep ${nap} & done; exec sleep ${guard}' \\
  </dev/null >/dev/null 2>&1 &
${waitFor(`[ "$(pgrep -c -x -f 'sleep ${nap}')" = 6 ] && pgrep -x -f 'sleep ${guard}' && pgrep -x -f '/bin/sleep ${old}'`)}`,
  )
}

const proc = { destination: '/proc', type: 'proc', source: 'proc', options: [] }

export const lesson: Lesson = {
  name: '04-pid',
  title: 'Processes',
  text,
  tasks: [firstTask, numbersTask, procTask, zombieTask, boxTask, moduleTask],
  values,
  setup,
  panels: ['processes', 'namespaces'],
  module: 'toolkit/primitives/pid.ts',
  plan: () => [
    ...mount.makePrivate(),
    ...mount.plan({ mounts: [proc] }).filter(({ call }) => call === 'mount'),
    ...pid.dieWithParent().filter(step => 'call' in step),
  ],
  control: 'box',
}
