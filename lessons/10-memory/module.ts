// Task 5: the module, in the learner's file.
import { missing, readGroup } from '../cgroups.ts'
import { no, type Task } from '../lesson.ts'
import { limited, MIB, mebibytes } from './use.ts'

const edit = (from: string, to: string) => `sed -i 's|// TODO: ${from}.*|${to}|' box.ts`
const LIMIT = edit('at most', 'limit: {{most}} * MiB, swap: {{most}} * MiB,')
const USE = edit('write', '...limits.settings("memory", resources, {{version}}).map(write),')
const MADE = '{{memory}}/{{made}}'

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { made: name, most } = scene.values
    const group = readGroup(scene, 'memory', name!)
    if (!group) return missing(scene, 'memory', name!)
    const { limit, swap } = group.memory!
    if (limit !== Number(most) * MIB) return no(`the limit of /${name} is ${mebibytes(limit)}, not ${most} MiB`)
    if (swap && swap.limit > 0) return no(`/${name} has ${most} MiB, but may use swap: ${mebibytes(swap.limit)}`)
    const [first] = group.members
    if (!first) return no(`/${name} has ${most} MiB, but nobody is in it`)
    return { passed: true, saw: `${first.comm} is in /${name}, with ${most} MiB and no swap` }
  },
  hints: [
    'Both gaps belong together: what is wanted (`resources`), and the files in which it has to be written (`outside`).',
    '`limits.settings` takes the controller, the resources, and the version {{version}}. It gives a list, and `write` makes an action of each.',
    '`limit: {{most}} * MiB, swap: {{most}} * MiB,` and `...limits.settings("memory", resources, {{version}}).map(write),`',
  ],
  solution: [LIMIT, USE, 'node box.ts'],
  otherWays: [
    {
      name: 'the limits by the shell',
      commands: host => ['node box.ts', ...limited(host, MADE, '{{most}}')],
    },
    {
      name: 'by hand',
      commands: host => [`mkdir ${MADE}`, ...limited(host, MADE, '{{most}}'), `echo $$ >${MADE}/cgroup.procs`],
    },
  ],
  wrongWays: [
    { name: 'limits that nobody writes', commands: [LIMIT, 'node box.ts'], saw: /^the limit of \/\S+ is no limit/ },
    {
      name: 'swap forgotten',
      commands: [edit('at most', 'limit: {{most}} * MiB,'), USE, 'node box.ts'],
      saw: /but may use swap/,
    },
    { name: 'ended', commands: [LIMIT, USE, 'node box.ts', 'exit'], saw: /, but nobody is in it/ },
    { name: 'not run', commands: [LIMIT, USE], saw: /^there is no group/ },
  ],
}
