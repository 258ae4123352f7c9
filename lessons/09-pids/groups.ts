// Tasks 1 and 3: processes that are moved into a group, and a group in a group.
import { counted, missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Task } from '../lesson.ts'
import { sleepers } from '../look.ts'

const MOVE = "for p in $(pgrep -x -f 'sleep {{nap}}'); do echo $p >{{pids}}/{{group}}/cgroup.procs; done"

export const groupTask: Task = {
  id: 'group',
  title: 'A group for somebody else',
  check(scene) {
    const { nap, group: name } = scene.values
    const family = sleepers(scene, nap)
    if (family.length < 3) return no(`only ${family.length} of the three 'sleep ${nap}' are alive; reset the lab`)
    const group = readGroup(scene, 'pids', name!)
    if (!group) return missing(scene, 'pids', name!)
    const inside = family.filter(({ pid }) => group.members.some(member => member.pid === pid))
    const saw = `${inside.length} of the three 'sleep ${nap}' are in /${name}`
    if (inside.length === 3)
      return { passed: true, saw: `${saw}, as ${counted(group.pids!.current, 'process')} in all` }
    if (inside.length > 0) return no(saw)
    const [other] = group.members
    return no(
      `/${name} is there, and ${other ? `${other.comm} is in it, but none` : 'empty: none'} of the three 'sleep ${nap}'`,
    )
  },
  hints: [
    'First the directory. Then one line `echo PID >…/cgroup.procs` for each of the three.',
    "`pgrep -x -f 'sleep {{nap}}'` prints their pids. `for p in $(…); do …; done` does something for each.",
    `\`mkdir {{pids}}/{{group}}\`, then \`${MOVE}\``,
  ],
  solution: ['mkdir {{pids}}/{{group}}', MOVE],
  otherWays: [
    {
      name: 'by xargs',
      commands: [
        'mkdir {{pids}}/{{group}}',
        "pgrep -x -f 'sleep {{nap}}' | xargs -I% sh -c 'echo % >{{pids}}/{{group}}/cgroup.procs'",
      ],
    },
    {
      name: 'from inside the tree',
      commands: [
        'cd {{pids}}',
        'mkdir {{group}}',
        "for p in $(pgrep -x -f 'sleep {{nap}}'); do echo $p | tee {{group}}/cgroup.procs; done",
      ],
    },
  ],
  wrongWays: [
    {
      name: 'only the parent',
      commands: ['mkdir {{pids}}/{{group}}', "echo $(pgrep -o -x -f 'sleep {{nap}}') >{{pids}}/{{group}}/cgroup.procs"],
      saw: /^1 of the three/,
    },
    {
      name: 'all in one line',
      commands: ['mkdir {{pids}}/{{group}}', "echo $(pgrep -x -f 'sleep {{nap}}') >{{pids}}/{{group}}/cgroup.procs"],
      saw: /and empty: none of the three/,
    },
    {
      name: 'the shell alone',
      commands: ['mkdir {{pids}}/{{group}}', 'echo $$ >{{pids}}/{{group}}/cgroup.procs'],
      saw: /and bash is in it, but none of the three/,
    },
    { name: 'no group', commands: ['mkdir {{pids}}/elsewhere'], saw: /^there is no group .*; only lab and elsewhere/ },
    { name: 'killed', commands: ["kill $(pgrep -x -f 'sleep {{nap}}')"], saw: /^only 0 of the three/ },
  ],
}

const FILL = "busybox sh -c 'echo $$ >{{pids}}/{{outer}}/{{inner}}/cgroup.procs; exec ./many 500 5000' || true"
const PASS = ({ cgroups }: Host) => (cgroups === 'v2' ? ['echo +pids >{{pids}}/{{outer}}/cgroup.subtree_control'] : [])
const OUTER = ['mkdir {{pids}}/{{outer}}', 'echo {{few}} >{{pids}}/{{outer}}/pids.max']
const INNER = ['mkdir {{pids}}/{{outer}}/{{inner}}', 'echo {{lots}} >{{pids}}/{{outer}}/{{inner}}/pids.max']

export const nestedTask: Task = {
  id: 'nested',
  title: 'A group in a group',
  check(scene) {
    const { outer: name, inner: below, few, lots } = scene.values
    const outer = readGroup(scene, 'pids', name!)
    if (!outer) return missing(scene, 'pids', name!)
    const inner = readGroup(scene, 'pids', `${name}/${below}`)
    if (!inner) return no(`/${name} is there, but no group ${below} in it`)
    if (!inner.pids) return no(`/${inner.name} has no pids.max: /${name} does not pass the controller on`)
    const limits = [outer.pids!.limit, inner.pids.limit]
    if (limits[0] !== Number(few) || limits[1] !== Number(lots))
      return no(`the limits are ${limits[0]} for /${name} and ${limits[1]} for /${inner.name}`)
    const saw = `/${name} has ${outer.pids!.current} of ${few} processes, /${inner.name} in it ${inner.pids.current} of ${lots}`
    // The program that was refused was one of them, and has ended.
    const full = outer.pids!.current >= Number(few) - 1 && inner.pids.current > 0
    return { passed: full, saw: full ? saw : `${saw}: there is room for more` }
  },
  hints: ({ cgroups }) => [
    'The inner group is a directory in the directory of the outer one.',
    cgroups === 'v2'
      ? 'Between the two `mkdir` the outer group has to pass the controller on: `echo +pids >{{pids}}/{{outer}}/cgroup.subtree_control`'
      : 'Each of the two has a file pids.max.',
    "`busybox sh -c 'echo $$ >{{pids}}/{{outer}}/{{inner}}/cgroup.procs; exec ./many 500 5000'`",
  ],
  solution: host => [...OUTER, ...PASS(host), ...INNER, FILL],
  otherWays: [
    {
      name: 'both groups first, the limits later, and more from outside',
      commands: host => [
        'mkdir -p {{pids}}/{{outer}}/{{inner}}',
        ...PASS(host),
        'echo {{lots}} >{{pids}}/{{outer}}/{{inner}}/pids.max',
        'echo {{few}} >{{pids}}/{{outer}}/pids.max',
        FILL,
      ],
    },
    {
      name: 'limited when they are there',
      commands: host => [
        'mkdir -p {{pids}}/{{outer}}/{{inner}}',
        ...PASS(host),
        "busybox sh -c 'echo $$ >{{pids}}/{{outer}}/{{inner}}/cgroup.procs; exec ./many {{few}} 5000'",
        'echo {{few}} >{{pids}}/{{outer}}/pids.max',
        'echo {{lots}} >{{pids}}/{{outer}}/{{inner}}/pids.max',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'beside each other',
      commands: [...OUTER, 'mkdir {{pids}}/{{inner}}'],
      saw: /^\/\S+ is there, but no group/,
    },
    {
      name: 'the limits the other way round',
      commands: host => [
        'mkdir -p {{pids}}/{{outer}}/{{inner}}',
        ...PASS(host),
        'echo {{lots}} >{{pids}}/{{outer}}/pids.max',
        'echo {{few}} >{{pids}}/{{outer}}/{{inner}}/pids.max',
      ],
      saw: /^the limits are 1\d\d for/,
    },
    {
      name: 'nobody in it',
      commands: host => [...OUTER, ...PASS(host), ...INNER],
      saw: /has 0 of \d+ processes, .*: there is room/,
    },
  ],
}
