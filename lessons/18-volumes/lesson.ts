// Lesson 18. The checks are in bind.ts (tasks 1 and 2), readonly.ts (3), later.ts (4), named.ts (5), run.ts (6 and 7).
import { ensureBusybox, findRootfs } from '../../toolkit/image/rootfs.ts'
import * as bind from '../../toolkit/primitives/bind.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { prepare } from '../tools.ts'
import { words } from '../words.ts'
import { bindTask, outliveTask } from './bind.ts'
import { laterTask } from './later.ts'
import text from './lesson.md'
import { namedTask, OWNER } from './named.ts'
import { readonlyTask } from './readonly.ts'
import { moduleTask, runTask } from './run.ts'

function values(): Record<string, string> {
  const names = ['note', 'own', 'kept', 'key', 'film', 'volume', 'page', 'last']
  const found = words(names.length)
  return Object.fromEntries(names.map((key, i) => [key, found[i]!]))
}

/** A container's root as lesson 12 makes one, and directories outside that it could be given. */
async function setup({ lab, values }: Scene): Promise<void> {
  await ensureBusybox({ yes: true, interactive: false })
  const script = `cp -a "$0" /lab/image
mkdir -p image/data image/srv/site
echo 'From the image.' >image/data/README
echo '<h1>${values.page}</h1>' >image/srv/site/index.html
chmod 640 image/srv/site/index.html
chmod 750 image/srv/site
chown -R ${OWNER}:${OWNER} image/srv/site
mkdir -p box/upper box/work box/root
mount -t overlay overlay -o lowerdir=image,upperdir=box/upper,workdir=box/work box/root
mkdir -p config/keys media
echo 'colour = blue' >config/settings
mount -t tmpfs -o size=64k keys config/keys
echo ${values.key} >config/keys/key`
  await prepare({ lab }, script, findRootfs('busybox'))
}

const settings = { source: '/lab/config', destination: '/settings', options: ['rbind', 'ro'] }

export const lesson: Lesson = {
  name: '18-volumes',
  title: 'Volumes',
  text,
  tasks: [bindTask, outliveTask, readonlyTask, laterTask, namedTask, runTask, moduleTask],
  values,
  setup,
  needs: ['root'], // files of other users, and devices, in its image
  panels: ['mounts', 'layers'],
  module: 'toolkit/primitives/bind.ts',
  plan: () => [
    ...bind.tree('volume', settings),
    ...bind.mountPoint(settings.destination, 'directory'),
    ...bind.attach('volume'),
  ],
  control: 'outlive',
}
