// Lesson 10. The checks are in use.ts (tasks 1 and 3), kill.ts (2), sides.ts (4), module.ts (5).
import { randomInt } from 'node:crypto'
import * as cgroups from '../../toolkit/primitives/cgroups.ts'
import { limitAction, settings } from '../../toolkit/primitives/limits.ts'
import { numberFrom, topIn } from '../cgroups.ts'
import type { Host, Lesson, PlanRow, Scene } from '../lesson.ts'
import { installBusybox, prepare } from '../tools.ts'
import { words } from '../words.ts'
import { killTask } from './kill.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { sidesTask } from './sides.ts'
import { cacheTask, usedTask } from './use.ts'

function values(host: Host): Record<string, string> {
  const [used, tight, cache, many, few, made] = words(6) as [string, string, string, string, string, string]
  return {
    ...{ used, tight, cache, many, few, made },
    memory: topIn(host, 'memory'),
    pids: topIn(host, 'pids'),
    version: host.cgroups === 'v1' ? '1' : '2',
    hold: String(randomInt(20, 40)), // mebibytes, as all of these
    limit: String(randomInt(16, 32)),
    window: String(randomInt(16, 28)),
    big: String(randomInt(44, 60)),
    room: String(randomInt(20, 32)),
    most: String(randomInt(40, 90)),
  }
}

/** Two programs: one that takes memory, and one that reads files from the disk. */
async function setup({ lab }: Scene): Promise<void> {
  await installBusybox({ lab })
  const script = `cat >/lab/hold <<'END'
#!/bin/sh
# hold N: takes N MiB of memory, and keeps them.
# It becomes dd, which fills its memory with zeros and then
# writes them into a pipe that nobody reads.
pipe=$(mktemp -u)
mkfifo "$pipe"
exec 3<>"$pipe"
rm "$pipe"
exec dd if=/dev/zero bs="$1"M count=1 status=none >&3
END
cat >/lab/readfiles <<'END'
#!/bin/sh
# readfiles N: reads N MiB of programs from the disk.
# dd only makes the kernel forget what it knows of them.
left=$(($1 * 1024))
find /usr/bin /usr/lib* -maxdepth 2 -type f -size +512k -size -64M | shuf | while read -r file; do
  dd if="$file" iflag=nocache count=0 status=none
  cat "$file" >/dev/null
  left=$((left - $(du -k "$file" | cut -f1)))
  [ $left -gt 0 ] || break
done
END
chmod +x /lab/hold /lab/readfiles`
  await prepare({ lab }, script)
}

function plan({ memory, made, most, version }: Readonly<Record<string, string>>): PlanRow[] {
  const directory = `${memory}/${made}`
  const which = numberFrom(version) === 1 ? 1 : 2
  const limit = numberFrom(most) << 20
  return [
    ...cgroups.create([{ version: which, controllers: ['memory'], directories: [directory] }]),
    ...settings('memory', { memory: { limit, swap: limit } }, which).map(one => limitAction(directory, 'memory', one)),
  ]
}

export const lesson: Lesson = {
  name: '10-memory',
  title: 'Memory',
  text,
  tasks: [usedTask, killTask, cacheTask, sidesTask, moduleTask],
  values,
  setup,
  panels: ['cgroups', 'processes'],
  needs: ['root', 'cgroup-write', 'cgroup-memory', 'cgroup-swap', 'cgroup-pids'], // a lab's own groups
  module: 'toolkit/primitives/limits.ts',
  plan,
  control: 'sides',
}
