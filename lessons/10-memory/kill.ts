// Task 2: more than is allowed.
import { missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Task } from '../lesson.ts'
import { limited, limitFile, MIB, mebibytes } from './use.ts'

const TIGHT = '{{memory}}/{{tight}}'
const MAKE = (host: Host) => [`mkdir ${TIGHT}`, ...limited(host, TIGHT, '{{limit}}')]

export const killTask: Task = {
  id: 'kill',
  title: 'More than is allowed',
  check(scene) {
    const { tight: name, limit: wanted } = scene.values
    const group = readGroup(scene, 'memory', name!)
    if (!group) return missing(scene, 'memory', name!)
    const { limit, oomKills, swap } = group.memory!
    if (limit !== Number(wanted) * MIB) return no(`the limit of /${name} is ${mebibytes(limit)}, not ${wanted} MiB`)
    if (swap && swap.limit > 0)
      return no(`/${name} has ${wanted} MiB of memory, but may use swap: ${mebibytes(swap.limit)}`)
    if (!oomKills) return no(`/${name} has ${wanted} MiB, and nobody has been killed in it`)
    return { passed: true, saw: `/${name} has ${wanted} MiB, and the OOM killer has ended ${oomKills} in it` }
  },
  hints: host => [
    'The limits, each with `echo` into its file. Then a program in the group that takes more.',
    `The limits: \`${limited(host, TIGHT, '{{limit}}').join('` and `')}\``,
    `The program: \`sh -c 'echo $$ >${TIGHT}/cgroup.procs; exec tail /dev/zero'\``,
  ],
  solution: host => [...MAKE(host), `sh -c 'echo $$ >${TIGHT}/cgroup.procs; exec tail /dev/zero' || true`],
  otherWays: [
    {
      name: 'another program, and the limit in bytes',
      commands: ({ cgroups }) => [
        `mkdir ${TIGHT}`,
        `echo $(({{limit}} << 20)) >${TIGHT}/${limitFile({ cgroups })}`,
        limited({ cgroups }, TIGHT, '{{limit}}')[1]!,
        `sh -c 'echo $$ >${TIGHT}/cgroup.procs; exec ./hold 64' || true`,
      ],
    },
    {
      name: 'a file in a tmpfs',
      commands: host => [
        ...MAKE(host),
        `sh -c 'echo $$ >${TIGHT}/cgroup.procs; exec head -c 64M /dev/zero >/lab/large' || true`,
      ],
    },
  ],
  wrongWays: [
    { name: 'no limit', commands: [`mkdir ${TIGHT}`], saw: /is no limit, not/ },
    {
      name: 'swap is allowed',
      commands: host => [`mkdir ${TIGHT}`, limited(host, TIGHT, '{{limit}}')[0]!],
      saw: /but may use swap/,
    },
    {
      name: 'less than the limit',
      commands: host => [
        ...MAKE(host),
        `sh -c 'echo $$ >${TIGHT}/cgroup.procs; exec head -c 64M /dev/zero' >/dev/null`,
      ],
      saw: /and nobody has been killed in it/,
    },
    { name: 'no group', commands: ['./hold 20 &'], saw: /^there is no group/ },
  ],
}
