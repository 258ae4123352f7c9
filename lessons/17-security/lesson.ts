// Lesson 17. The checks are in pieces.ts (task 1), suid.ts (2), filter.ts (3), masks.ts (4), sides.ts (5), module.ts (6).
import { randomInt } from 'node:crypto'
import { ALL_CAPABILITIES, bound, DEFAULT_CAPABILITIES, final } from '../../toolkit/primitives/capabilities.ts'
import { noNewPrivileges } from '../../toolkit/primitives/credentials.ts'
import * as seccomp from '../../toolkit/primitives/seccomp/filter.ts'
import { BOX, makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { waitFor } from '../tools.ts'
import { filterTask } from './filter.ts'
import text from './lesson.md'
import { masksTask } from './masks.ts'
import { moduleTask } from './module.ts'
import { piecesTask } from './pieces.ts'
import { sidesTask } from './sides.ts'
import { suidTask } from './suid.ts'

const LOST = ['fowner', 'kill', 'net_raw', 'sys_time', 'mknod', 'sys_nice', 'net_admin', 'syslog']
const KEPT = ['CHOWN', 'FOWNER', 'KILL', 'SETUID', 'NET_BIND_SERVICE', 'NET_RAW']

const values = (): Record<string, string> => ({
  lost: LOST[randomInt(LOST.length)]!,
  user: String(randomInt(2000, 60_000)),
  before: String(randomInt(20_000, 30_000)), // seconds of sleep, here and in the next four
  after: String(randomInt(30_000, 40_000)),
  allowed: String(randomInt(40_000, 50_000)),
  refused: String(randomInt(50_000, 60_000)),
  old: String(randomInt(60_000, 70_000)),
  minor: String(randomInt(500_000, 1_000_000)), // of a disk that no machine has
  kept: KEPT[randomInt(KEPT.length)]!,
})

/** The box with a process of the lessons before in it, and docker's list as setpriv takes it. */
async function setup({ lab, values: { old } }: Scene): Promise<void> {
  const fourteen = DEFAULT_CAPABILITIES.map(name => `+${name.slice(4).toLowerCase()}`).join()
  await makeBox(
    { lab },
    `echo '-all,${fourteen}' >/lab/fourteen
setsid unshare --mount --uts --ipc --net --pid --fork chroot ${BOX} /bin/sleep ${old} </dev/null >/dev/null 2>&1 &
${waitFor(`pgrep -x -f '/bin/sleep ${old}'`)}`,
  )
}

/** Of the forty calls for as many capabilities only one, and the filter without its program. */
const plan: Lesson['plan'] = ({ kept = '' }) => {
  const rights = ALL_CAPABILITIES.filter(name => name === `CAP_${kept}`)
  const [one] = bound({ bounding: [] }, { last: 0 })
  return [
    ...noNewPrivileges(),
    { ...one!, shell: 'setpriv --bounding-set -chown' },
    ...final({ permitted: rights, inheritable: [] }),
    ...seccomp.plan({ filter: new Uint8Array(8), flags: 0 }),
  ]
}

export const lesson: Lesson = {
  name: '17-security',
  title: 'What root may do',
  text,
  tasks: [piecesTask, suidTask, filterTask, masksTask, sidesTask, moduleTask],
  values,
  setup,
  needs: ['root'], // users besides root
  panels: ['namespaces', 'processes'],
  module: 'toolkit/primitives/capabilities.ts',
  plan,
  control: 'sides',
}
