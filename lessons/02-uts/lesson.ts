// Lesson 2. The checks are in names.ts (tasks 1 to 3), sides.ts (4) and module.ts (5).
import { randomInt } from 'node:crypto'
import * as uts from '../../toolkit/primitives/uts.ts'
import { makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { prepare } from '../tools.ts'
import { words } from '../words.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { nameTask, renameTask, unshareTask } from './names.ts'
import { sidesTask } from './sides.ts'

function values(): Record<string, string> {
  const [name, theirs, renamed, leak, inside, called] = words(6) as [string, string, string, string, string, string]
  return { nap: String(randomInt(20_000, 90_000)), name, theirs, renamed, leak, inside, called }
}

/** The box of lesson 1, and a process in a UTS namespace of its own. */
async function setup(scene: Scene): Promise<void> {
  await makeBox(scene)
  const { values } = scene
  const script = `setsid unshare --uts sh -c 'hostname ${values.theirs}; exec sleep ${values.nap}' </dev/null >/dev/null 2>&1 &
for i in $(seq 200); do
  [ "$(cat /proc/$!/comm)" = sleep ] && exit
  sleep 0.01
done
exit 1`
  await prepare(scene, script)
}

export const lesson: Lesson = {
  name: '02-uts',
  title: 'A host name of its own',
  text,
  tasks: [unshareTask, nameTask, renameTask, sidesTask, moduleTask],
  values,
  setup,
  panels: ['namespaces', 'processes'],
  module: 'toolkit/primitives/uts.ts',
  plan: ({ called = '' }) => [
    { call: 'clone3', args: [uts.namespace.flag], shell: 'unshare --uts bash' },
    ...uts.plan({ hostname: called }),
  ],
  control: 'sides',
}
