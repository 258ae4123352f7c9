// Task 4, the control: the limit of lesson 9 beside that of this one.
import { missing, readGroup } from '../cgroups.ts'
import { no, type Task } from '../lesson.ts'
import { largest, limited, MIB, mebibytes } from './use.ts'

const HELD = 64
const OLD = [
  'mkdir {{pids}}/{{many}}',
  'echo 20 >{{pids}}/{{many}}/pids.max',
  `sh -c 'echo $$ >{{pids}}/{{many}}/cgroup.procs; exec ./hold ${HELD}' &`,
]
const FEW = '{{memory}}/{{few}}'
const NEW = `sh -c 'echo $$ >${FEW}/cgroup.procs; exec ./hold ${HELD}' || true`

export const sidesTask: Task = {
  id: 'sides',
  title: 'Few processes, much memory',
  check(scene) {
    const { many, few, room } = scene.values
    const old = readGroup(scene, 'pids', many!)
    if (!old) return missing(scene, 'pids', many!)
    if (old.pids!.limit !== 20) return no(`/${many} has a limit of ${old.pids!.limit} processes, not 20`)
    const holder = largest(old)
    if (!holder || holder.bytes < HELD * MIB)
      return no(
        holder ? `in /${many}, ${holder.comm} holds ${mebibytes(holder.bytes)}, not ${HELD}` : `nobody is in /${many}`,
      )
    const fresh = readGroup(scene, 'memory', few!)
    if (!fresh) return missing(scene, 'memory', few!)
    const { limit, oomKills } = fresh.memory!
    if (limit !== Number(room) * MIB) return no(`the limit of /${few} is ${mebibytes(limit)}, not ${room} MiB`)
    if (!oomKills) return no(`nobody has been killed in /${few}`)
    return {
      passed: true,
      saw: `in /${many}, with ${old.pids!.current} of 20 processes, ${holder.comm} holds ${mebibytes(holder.bytes)}; in /${few}, with ${room} MiB, ${oomKills} were killed`,
    }
  },
  hints: host => [
    'Two groups, made as in lesson 9 and as in task 2. The program is the same in both.',
    `The old one: \`${OLD.join('`, `')}\``,
    `The new one: \`mkdir ${FEW}\`, \`${limited(host, FEW, '{{room}}').join('`, `')}\`, \`${NEW}\``,
  ],
  solution: host => [...OLD, `mkdir ${FEW}`, ...limited(host, FEW, '{{room}}'), NEW],
  otherWays: [
    {
      name: 'the new one first, in the background',
      commands: host => [
        `mkdir ${FEW} {{pids}}/{{many}}`,
        ...limited(host, FEW, '{{room}}'),
        NEW.replace(' || true', ' &'),
        ...OLD.slice(1),
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the memory is used elsewhere',
      commands: [...OLD.slice(0, 2), `./hold ${HELD} &`],
      saw: /^nobody is in \//,
    },
    { name: 'the old one alone', commands: OLD, saw: /^there is no group/ },
    {
      name: 'no limit for memory',
      commands: [...OLD, `mkdir ${FEW}`, NEW.replace(' || true', ' &')],
      saw: /is no limit, not/,
    },
    {
      name: 'too little in the new one',
      commands: host => [
        ...OLD,
        `mkdir ${FEW}`,
        ...limited(host, FEW, '{{room}}'),
        `sh -c 'echo $$ >${FEW}/cgroup.procs; exec ./hold 1' &`,
      ],
      saw: /^nobody has been killed in/,
    },
  ],
}
