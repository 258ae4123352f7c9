// Lesson 13. The checks are in pack.ts (tasks 1 to 3), config.ts (4), manifest.ts (5), forged.ts (6)
// and run.ts (7 and 8).
import { ensureBusybox, findRootfs } from '../../toolkit/image/rootfs.ts'
import * as overlay from '../../toolkit/primitives/overlay.ts'
import * as whiteout from '../../toolkit/primitives/whiteout.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { prepare } from '../tools.ts'
import { words } from '../words.ts'
import { configTask } from './config.ts'
import { forgedTask } from './forged.ts'
import text from './lesson.md'
import { manifestTask } from './manifest.ts'
import { blobsTask, tarTask, whiteoutTask } from './pack.ts'
import { moduleTask, stackTask } from './run.ts'
import * as templates from './templates.ts'

function values(): Record<string, string> {
  const names = ['secret', 'hello', 'ref', 'forgery', 'note', 'welcome']
  const found = words(names.length)
  return Object.fromEntries(names.map((key, i) => [key, found[i]!]))
}

/**
 * What lesson 12 ends with: a root, and an upper directory that an overlay over it has filled. And the JSON files of an
 * image, with words to be replaced.
 */
async function setup({ lab, values }: Scene): Promise<void> {
  await ensureBusybox({ yes: true, interactive: false })
  const script = `cp -a "$0" /lab/base
echo 'Welcome to the box.' >base/etc/motd
echo swordfish >base/etc/${values.secret}
mkdir changes .work .seen
mount -t overlay overlay -o lowerdir=base,upperdir=changes,workdir=.work .seen
echo 'Welcome to ${values.welcome}.' >.seen/etc/motd
rm .seen/etc/${values.secret}
printf '#!/bin/sh\\necho "$HELLO says:"\\ncat /etc/motd\\nexec /bin/sh\\n' >.seen/bin/greet
chmod +x .seen/bin/greet
umount .seen
rm -r .work .seen
arch=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
printf '%s\\n' "$1" | sed "s/ARCHITECTURE/$arch/" >config.json
printf '%s\\n' "$2" >manifest.json
printf '%s\\n' "$3" >index.json`
  const files = [templates.config(), templates.manifest(), templates.index(values.ref!)]
  await prepare({ lab }, script, findRootfs('busybox'), ...files)
}

const layers = { lower: ['/lab/layers/CHANGES', '/lab/layers/BASE'], upper: '/lab/one/upper', work: '/lab/one/work' }

export const lesson: Lesson = {
  name: '13-layers',
  title: 'Layers and images',
  text,
  tasks: [tarTask, whiteoutTask, blobsTask, configTask, manifestTask, forgedTask, stackTask, moduleTask],
  values,
  setup,
  panels: ['layers', 'mounts'],
  module: 'toolkit/image/layout.ts',
  plan: ({ secret }) => [
    ...whiteout.plan('/lab/layers/CHANGES/etc', { hides: 'name', name: secret! }),
    ...overlay.plan(layers, '/lab/one/root'),
  ],
  control: 'forged',
}
