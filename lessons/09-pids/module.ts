// Task 5: the module, in the learner's file.
import { missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Task } from '../lesson.ts'

const LIMIT = "sed -i 's/limit: -1/limit: {{most}}/' box.ts"
const JOIN = ({ cgroups }: Host) =>
  cgroups === 'v1'
    ? "sed -i 's|// TODO: join.*|...cgroups.join([directory]),|' box.ts"
    : "sed -i 's|// TODO: born.*|cgroup: { descriptor: cgroups.CGROUP },|' box.ts"

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { made: name, most } = scene.values
    const group = readGroup(scene, 'pids', name!)
    if (!group) return missing(scene, 'pids', name!)
    const { limit } = group.pids!
    if (limit !== Number(most))
      return no(`/${name} has ${limit === Number.POSITIVE_INFINITY ? 'no limit' : `the limit ${limit}`}, not ${most}`)
    const [first] = group.members
    if (!first) return no(`/${name} has the limit ${most}, but nobody is in it`)
    return { passed: true, saw: `${first.comm} is in /${name}, with at most ${limit - 1} others` }
  },
  hints: ({ cgroups }) => [
    'The number of the first gap stands in place of -1, which means: no limit.',
    cgroups === 'v1'
      ? 'The module exports `join`. It takes a list of directories, and gives a list of steps.'
      : 'In the plan stands `cgroup: …`, the descriptor of the group. `create` has opened it under the name `cgroups.CGROUP`.',
    cgroups === 'v1'
      ? '`limit: {{most}}`, and before the shell: `...cgroups.join([directory]),`'
      : '`limit: {{most}}`, and beside `namespaces`: `cgroup: { descriptor: cgroups.CGROUP },`',
  ],
  solution: host => [LIMIT, JOIN(host), 'node box.ts'],
  otherWays: [
    {
      name: 'the limit written by the shell',
      commands: host => [JOIN(host), 'node box.ts', 'echo {{most}} >{{pids}}/{{made}}/pids.max'],
    },
    {
      name: 'by hand',
      commands: [
        'mkdir {{pids}}/{{made}}',
        'echo {{most}} >{{pids}}/{{made}}/pids.max',
        'echo $$ >{{pids}}/{{made}}/cgroup.procs',
      ],
    },
  ],
  wrongWays: [
    { name: 'no limit', commands: host => [JOIN(host), 'node box.ts'], saw: /has no limit, not/ },
    { name: 'not in it', commands: [LIMIT, 'node box.ts'], saw: /, but nobody is in it/ },
    { name: 'not run', commands: host => [LIMIT, JOIN(host)], saw: /^there is no group/ },
  ],
}
