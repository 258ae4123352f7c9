// Task 2: a group that is full.
import { missing, readGroup } from '../cgroups.ts'
import { no, type Task } from '../lesson.ts'

const GROUP = ['mkdir {{pids}}/{{small}}', 'echo {{max}} >{{pids}}/{{small}}/pids.max']

export const bombTask: Task = {
  id: 'bomb',
  title: 'A bomb in a group',
  check(scene) {
    const { small: name, max } = scene.values
    const group = readGroup(scene, 'pids', name!)
    if (!group) return missing(scene, 'pids', name!)
    const { current, limit, refused } = group.pids!
    if (limit !== Number(max))
      return no(`/${name} has ${limit === Number.POSITIVE_INFINITY ? 'no limit' : `the limit ${limit}`}, not ${max}`)
    if (current > limit) return no(`/${name} has ${current} processes: they were there before the limit`)
    // The program that was refused was one of them, and has ended.
    if (current < limit - 1) return no(`/${name} has ${current} of ${limit} processes: nothing has filled it`)
    if (refused === 0) return no(`/${name} is full, but nobody has asked for one process more`)
    return { passed: true, saw: `/${name} has ${current} of ${limit} processes, and ${refused} were refused` }
  },
  hints: [
    'Three steps: the directory, the number in its file `pids.max`, the program in it.',
    'The program gets in by a shell that moves itself first, and then becomes the program: `exec`.',
    "`busybox sh -c 'echo $$ >{{pids}}/{{small}}/cgroup.procs; exec ./many 500 5000'`",
  ],
  solution: [...GROUP, "busybox sh -c 'echo $$ >{{pids}}/{{small}}/cgroup.procs; exec ./many 500 5000' || true"],
  otherWays: [
    {
      name: 'without end, in the background',
      commands: [
        ...GROUP,
        "busybox sh -c 'echo 0 >{{pids}}/{{small}}/cgroup.procs; while :; do sleep 5000 & done' 2>/dev/null &",
      ],
    },
    {
      name: 'a shell that is moved from outside',
      commands: [
        ...GROUP,
        "busybox sh -c 'until grep -q {{small}} /proc/self/cgroup; do :; done; exec ./many 500 5000' 2>/dev/null &",
        'echo $! >{{pids}}/{{small}}/cgroup.procs',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no limit',
      commands: [
        'mkdir {{pids}}/{{small}}',
        "busybox sh -c 'echo $$ >{{pids}}/{{small}}/cgroup.procs; exec ./many 50 5000'",
      ],
      saw: /has no limit, not/,
    },
    {
      name: 'the bomb is outside',
      commands: [...GROUP, './many 50 5000'],
      saw: /has 0 of \d+ processes: nothing has filled it/,
    },
    {
      name: 'a few only',
      commands: [...GROUP, "busybox sh -c 'echo $$ >{{pids}}/{{small}}/cgroup.procs; exec ./many 5 5000'"],
      saw: /has 5 of \d+ processes: nothing has filled it/,
    },
    {
      name: 'the limit too late',
      commands: [
        'mkdir {{pids}}/{{small}}',
        "busybox sh -c 'echo $$ >{{pids}}/{{small}}/cgroup.procs; exec ./many 50 5000'",
        'echo {{max}} >{{pids}}/{{small}}/pids.max',
      ],
      saw: /they were there before the limit/,
    },
    {
      name: 'filled exactly',
      commands: [
        ...GROUP,
        "busybox sh -c 'echo $$ >{{pids}}/{{small}}/cgroup.procs; exec ./many $(({{max}} - 1)) 5000'",
        'sleep 5000 & echo $! >{{pids}}/{{small}}/cgroup.procs',
      ],
      saw: /is full, but nobody has asked/,
    },
  ],
}
