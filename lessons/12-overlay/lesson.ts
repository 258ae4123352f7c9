// Lesson 12. The checks are in shared.ts (task 1), stack.ts (2 and 6), changes.ts (3 to 5), module.ts (7).
import { ensureBusybox, findRootfs } from '../../toolkit/image/rootfs.ts'
import * as overlay from '../../toolkit/primitives/overlay.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { prepare } from '../tools.ts'
import { words } from '../words.ts'
import { copyUpTask, opaqueTask, whiteoutTask } from './changes.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { sharedTask } from './shared.ts'
import { overlayTask, twoTask } from './stack.ts'

function values(): Record<string, string> {
  const names = ['scribble', 'line', 'secret', 'note', 'first', 'second', 'third']
  const found = words(names.length)
  return Object.fromEntries(names.map((key, i) => [key, found[i]!]))
}

/** A root for chroots and overlays: busybox, and files to read, change, delete and replace. */
async function setup({ lab, values }: Scene): Promise<void> {
  await ensureBusybox({ yes: true, interactive: false })
  const script = `cp -a "$0" /lab/image
cd /lab/image
mkdir -p usr/share/notes etc
echo 'Welcome to the box.' >etc/motd
for n in 1 2 3 4 5 6 7 8 9; do echo "Good morning, number $n."; done >etc/greeting
echo 'swordfish' >etc/${values.secret}
echo old >etc/twin-a && ln etc/twin-a etc/twin-b
for n in monday tuesday friday; do echo "$n" >usr/share/notes/$n; done
head -c 8M /dev/zero >usr/share/book`
  await prepare({ lab }, script, findRootfs('busybox'))
}

export const lesson: Lesson = {
  name: '12-overlay',
  title: 'The overlay',
  text,
  tasks: [sharedTask, overlayTask, copyUpTask, whiteoutTask, opaqueTask, twoTask, moduleTask],
  values,
  setup,
  needs: ['root'], // attributes that only root may set
  panels: ['layers', 'mounts'],
  module: 'toolkit/primitives/overlay.ts',
  plan: () => overlay.plan({ lower: ['/lab/image'], upper: '/lab/one/upper', work: '/lab/one/work' }, '/lab/one/root'),
  control: 'two',
}
