// Lesson 19. The checks are in bundle.ts (tasks 1 and 2), states.ts (3 and 4), sides.ts (5) and module.ts (6).
import { randomInt } from 'node:crypto'
import { final } from '../../toolkit/primitives/capabilities.ts'
import * as masks from '../../toolkit/primitives/masks.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import { execute } from '../../toolkit/primitives/process.ts'
import * as uts from '../../toolkit/primitives/uts.ts'
import { BOX, makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { waitFor } from '../tools.ts'
import { words } from '../words.ts'
import { bundleTask, formTask } from './bundle.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { sidesTask } from './sides.ts'
import { createTask, endTask } from './states.ts'

// none of them in the sample that runc writes
const KEPT = ['CHOWN', 'FOWNER', 'SETUID', 'SETGID', 'NET_RAW', 'SYS_CHROOT'] as const
const HIDDEN = ['/proc/version', '/proc/devices', '/proc/partitions', '/proc/diskstats', '/proc/buddyinfo']

function values(): Record<string, string> {
  const [name, id, leak, own] = words(4) as [string, string, string, string]
  return {
    ...{ name, id, leak, own },
    nap: String(randomInt(20_000, 50_000)), // seconds of sleep, here and in the next
    old: String(randomInt(50_000, 90_000)),
    limit: String(randomInt(50, 500)),
    hidden: HIDDEN[randomInt(HIDDEN.length)]!,
    kept: KEPT[randomInt(KEPT.length)]!,
    address: `10.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`,
  }
}

/** The box, and a process in it with the namespaces that runc's sample has on such a host, all but the one for the name. */
async function setup({ lab, host: { cgroups }, values: { old } }: Scene): Promise<void> {
  const own = `--mount --ipc --net --pid${cgroups === 'v2' ? ' --cgroup' : ''}`
  await makeBox(
    { lab },
    `setsid unshare ${own} --fork chroot ${BOX} /bin/sleep ${old} </dev/null >/dev/null 2>&1 &
${waitFor(`pgrep -x -f '/bin/sleep ${old}'`)}`,
  )
}

/** Of the sample's mounts only the first, and of its paths the one that the learner adds and one more. */
const plan: Lesson['plan'] = ({ name = '', hidden = '', kept = 'CHOWN', nap = '' }) => [
  ...mount.plan({ mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: [] }] }),
  ...uts.plan({ hostname: name }),
  ...masks.plan({ maskedPaths: [hidden], readonlyPaths: ['/proc/sys'], directories: new Set() }),
  ...mount.makeReadOnly(),
  ...final({
    permitted: ['CAP_AUDIT_WRITE', `CAP_${kept as (typeof KEPT)[number]}`, 'CAP_NET_BIND_SERVICE'],
    inheritable: [],
  }),
  ...execute({ process: { args: ['/bin/sleep', nap], env: ['PATH=/bin'] } }),
]

export const lesson: Lesson = {
  name: '19-runc',
  title: 'A description, and a runtime',
  text,
  tasks: [bundleTask, formTask, createTask, endTask, sidesTask, moduleTask],
  values,
  setup,
  needs: ['root', 'runc', 'ip'],
  panels: ['namespaces', 'processes', 'mounts'],
  module: 'toolkit/engine/oci.ts',
  plan,
  control: 'sides',
}
