// Lesson 11. The checks are in time.ts (tasks 1 and 3), places.ts (2 and 4), sides.ts (5), device.ts (6), module.ts (7).
import { randomInt } from 'node:crypto'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { statusFields } from '../../toolkit/observe/status.ts'
import * as cgroups from '../../toolkit/primitives/cgroups.ts'
import { program, v1Action, v2Action } from '../../toolkit/primitives/device-rules.ts'
import { numberFrom, topIn } from '../cgroups.ts'
import type { Host, Lesson, PlanRow, Scene } from '../lesson.ts'
import { installBusybox, prepare } from '../tools.ts'
import { words } from '../words.ts'
import { deviceTask } from './device.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { cpusetTask, freezeTask } from './places.ts'
import { sidesTask } from './sides.ts'
import { quotaTask, weightTask } from './time.ts'

/** The processors that we may use, from a list such as 0-3,7. */
function processors(): number[] {
  const list = statusFields(process.pid)?.get('Cpus_allowed_list') ?? '0'
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?]
    return Array.from({ length: last! - first + 1 }, (_, i) => first + i)
  })
}

/** Two rules of a container: /dev/null, and the kernel's log. */
const TWO = {
  allow: false,
  exceptions: [
    { type: 'c', major: 1, minor: 3, access: 'rwm' },
    { type: 'c', major: 1, minor: 11, access: 'r' },
  ],
} as const

function values(host: Host): Record<string, string> {
  const names = ['part', 'core', 'heavy', 'light', 'still', 'old', 'fresh', 'made', 'node']
  const found = words(names.length)
  const all = processors()
  const processor = all[randomInt(all.length)]!
  // Small, so that it is reached where many others want the processor, too.
  const percent = randomInt(3, 8)
  const share = randomInt(2, 5)
  const controllers = ['cpu', 'cpuset', 'freezer', 'devices', 'pids', 'memory'] as const
  return {
    ...Object.fromEntries(names.map((name, i) => [name, found[i]!])),
    ...Object.fromEntries(controllers.map(controller => [controller, topIn(host, controller)])),
    version: host.cgroups === 'v1' ? '1' : '2',
    processor: String(processor),
    other: String(all.find(one => one !== processor) ?? processor + 1), // there may be one only
    percent: String(percent),
    quota: String(percent * 1000),
    times: String(randomInt(3, 6)),
    share: String(share),
    cpus: (share / 100).toFixed(2), // as --cpus takes it
    program: program(TWO)
      .map(({ text }) => text)
      .join('\n'),
  }
}

/** A program that never rests. */
async function setup({ lab }: Scene): Promise<void> {
  await installBusybox({ lab })
  const script = `cat >/lab/spin <<'END'
#!/bin/sh
# spin: keeps a processor busy, and does nothing
while :; do :; done
END
chmod +x /lab/spin`
  await prepare({ lab }, script)
}

function plan({ devices, made, version }: Readonly<Record<string, string>>): PlanRow[] {
  const directory = `${devices}/${made}`
  const group = { controllers: ['devices'], directories: [directory] }
  if (numberFrom(version) === 1)
    return [...cgroups.create([{ ...group, version: 1 }]), v1Action(directory, TWO), ...cgroups.join([directory])]
  return [
    ...cgroups.create([{ ...group, version: 2 }]),
    v2Action(TWO),
    { call: 'clone3', args: [CLONE.INTO_CGROUP], shell: `echo $$ > ${directory}/cgroup.procs` },
  ]
}

export const lesson: Lesson = {
  name: '11-limits',
  title: 'Processors and devices',
  text,
  tasks: [quotaTask, cpusetTask, weightTask, freezeTask, sidesTask, deviceTask, moduleTask],
  values,
  setup,
  needs: [
    'root', // a lab's own groups
    'cgroup-write',
    'cgroup-cpu',
    'cgroup-cpuset',
    'cgroup-freezer',
    'cgroup-devices',
    'cgroup-pids',
    'cgroup-memory',
  ],
  panels: ['cgroups', 'processes'],
  module: 'toolkit/primitives/device-rules.ts',
  plan,
  control: 'sides',
}
