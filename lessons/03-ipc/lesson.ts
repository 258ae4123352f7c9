// Lesson 3. The checks are in objects.ts (tasks 1 and 3), daemon.ts (2 and 4) and queues.ts (5 and 6).
import { randomInt } from 'node:crypto'
import * as ipc from '../../toolkit/primitives/ipc.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import { makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { prepare } from '../tools.ts'
import { words } from '../words.ts'
import { daemonTask, sidesTask } from './daemon.ts'
import text from './lesson.md'
import { objectTask, ownTask } from './objects.ts'
import { moduleTask, queuesTask } from './queues.ts'

function values(): Record<string, string> {
  const bytes = randomInt(20_000, 30_000) // more than a page, and not those of syslogd
  const [password, queue] = words(2) as [string, string]
  return {
    ...{ password, queue },
    ...{ bytes: String(bytes), own: String(bytes + 11_000), size: String(bytes + 22_000) },
  }
}

/** The box of lesson 1; a syslogd of the lab, with its messages in shared memory; a message queue with a name. */
async function setup(scene: Scene): Promise<void> {
  await makeBox(scene)
  const { password, queue } = scene.values
  const script = `mkdir box/dev
touch /dev/mqueue/${queue}
setsid busybox syslogd -n -C16 </dev/null >/dev/null 2>&1 &
for i in $(seq 200); do
  busybox logread 2>/dev/null | grep -q started && break
  sleep 0.01
done
busybox logger -t backup 'the password is ${password}'
for i in $(seq 200); do
  busybox logread | grep -q ${password} && exit
  sleep 0.01
done
exit 1`
  await prepare(scene, script)
}

export const lesson: Lesson = {
  name: '03-ipc',
  title: 'Memory and messages',
  text,
  tasks: [objectTask, daemonTask, ownTask, sidesTask, queuesTask, moduleTask],
  values,
  setup,
  panels: ['namespaces', 'processes'],
  module: 'toolkit/primitives/ipc.ts',
  plan: () => [
    { call: 'clone3', args: [ipc.namespace.flag], shell: 'unshare --ipc bash' },
    ...mount.plan({ mounts: [{ destination: '/lab/queues', type: 'mqueue', source: 'mqueue', options: [] }] }),
  ],
  control: 'sides',
}
