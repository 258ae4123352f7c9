// Lesson 9. The checks are in groups.ts (tasks 1 and 3), bomb.ts (2), sides.ts (4), module.ts (5).
import { randomInt } from 'node:crypto'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import * as cgroups from '../../toolkit/primitives/cgroups.ts'
import { limitAction, settings } from '../../toolkit/primitives/limits.ts'
import { numberFrom, topIn } from '../cgroups.ts'
import type { Host, Lesson, PlanRow, Scene } from '../lesson.ts'
import { installBusybox, prepare, waitFor } from '../tools.ts'
import { words } from '../words.ts'
import { bombTask } from './bomb.ts'
import { groupTask, nestedTask } from './groups.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { sidesTask } from './sides.ts'

function values(host: Host): Record<string, string> {
  const [group, small, outer, inner, box, made] = words(6) as [string, string, string, string, string, string]
  return {
    ...{ group, small, outer, inner, box, made },
    pids: topIn(host, 'pids'),
    version: host.cgroups === 'v1' ? '1' : '2',
    nap: String(randomInt(20_000, 40_000)), // of the three that are there
    old: String(randomInt(40_000, 60_000)),
    fresh: String(randomInt(60_000, 80_000)),
    max: String(randomInt(12, 31)),
    few: String(randomInt(8, 20)),
    lots: String(randomInt(100, 200)),
    room: String(randomInt(14, 30)),
    most: String(randomInt(40, 90)),
  }
}

/** A program that starts others, and a family of three, which are in the group of the lab. */
async function setup({ lab, values: { nap } }: Scene): Promise<void> {
  await installBusybox({ lab })
  const script = `cat >/lab/many <<'END'
#!/usr/local/bin/busybox sh
# many N SECONDS: starts N sleeps in the background
n=$1
while [ $n -gt 0 ]; do
  sleep $2 &
  n=$((n - 1))
done
END
chmod +x /lab/many
setsid sh -c 'sleep ${nap} & sleep ${nap} & exec sleep ${nap}' </dev/null >/dev/null 2>&1 &
${waitFor(`[ "$(pgrep -c -x -f 'sleep ${nap}')" = 3 ]`)}`
  await prepare({ lab }, script)
}

function plan({ pids, made, most, version }: Readonly<Record<string, string>>): PlanRow[] {
  const directory = `${pids}/${made}`
  const which = numberFrom(version) === 1 ? 1 : 2
  return [
    ...cgroups.create([{ version: which, controllers: ['pids'], directories: [directory] }]),
    ...settings('pids', { pids: { limit: numberFrom(most) } }, which).map(setting =>
      limitAction(directory, 'pids', setting),
    ),
    ...(which === 1
      ? cgroups.join([directory])
      : [{ call: 'clone3', args: [CLONE.INTO_CGROUP], shell: `echo $$ > ${directory}/cgroup.procs` } as const]),
  ]
}

export const lesson: Lesson = {
  name: '09-pids',
  title: 'Groups and limits',
  text,
  tasks: [groupTask, bombTask, nestedTask, sidesTask, moduleTask],
  values,
  setup,
  panels: ['cgroups', 'processes'],
  needs: ['root', 'ns-pid', 'cgroup-write', 'cgroup-pids'], // a lab's own groups
  module: 'toolkit/primitives/cgroups.ts',
  plan,
  control: 'sides',
}
