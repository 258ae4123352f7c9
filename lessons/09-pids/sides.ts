// Task 4, the control: two containers of lesson 4 that start the same, one of them in a group with a limit.
import { formatNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { missing, readGroup } from '../cgroups.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { sleepers } from '../look.ts'

/** How many both are told to start. */
export const MANY = 60

/** The pid namespace that all of them are in, if it isn't the lab's. */
function apartFrom(scene: Scene, processes: readonly Stat[]): string | undefined {
  const lab = readNamespaces(scene.lab.pid)?.pid.inode
  const [first, ...rest] = processes.map(({ pid }) => readNamespaces(pid)?.pid)
  if (!first || first.inode === lab || rest.some(other => other?.inode !== first.inode)) return undefined
  return formatNamespace(first)
}

const INSIDE = 'unshare --pid --fork --mount-proc'
const OLD = `${INSIDE} sh -c './many ${MANY} {{old}}; exec sleep 5000' &`
const GROUP = ['mkdir {{pids}}/{{box}}', 'echo {{room}} >{{pids}}/{{box}}/pids.max']
const FRESH = `sh -c 'echo $$ >{{pids}}/{{box}}/cgroup.procs; exec ${INSIDE} sh -c "./many ${MANY} {{fresh}}; exec sleep 5000"' 2>/dev/null &`

export const sidesTask: Task = {
  id: 'sides',
  title: 'A namespace is no limit',
  check(scene) {
    const { old: oldNap, fresh: freshNap, box: name, room } = scene.values
    const old = sleepers(scene, oldNap)
    if (old.length < MANY) return no(`of 'sleep ${oldNap}', ${old.length} of ${MANY} are running`)
    const oldSpace = apartFrom(scene, old)
    if (!oldSpace) return no(`the ${old.length} 'sleep ${oldNap}' are not in a pid namespace of their own`)
    const group = readGroup(scene, 'pids', name!)
    if (!group) return missing(scene, 'pids', name!)
    const { limit, current, refused } = group.pids!
    if (limit !== Number(room)) return no(`the limit of /${name} is ${limit}, not ${room}`)
    const isMember = ({ pid }: Stat) => group.members.some(member => member.pid === pid)
    if (old.some(isMember)) return no(`the old box, with 'sleep ${oldNap}', is in /${name}, too`)
    const fresh = sleepers(scene, freshNap)
    if (fresh.length === 0) return no(`no 'sleep ${freshNap}' is running`)
    if (!fresh.every(isMember)) return no(`${fresh.length} 'sleep ${freshNap}' are running, but not in /${name}`)
    const freshSpace = apartFrom(scene, fresh)
    if (!freshSpace) return no(`the ${fresh.length} 'sleep ${freshNap}' are not in a pid namespace of their own`)
    if (!refused) return no(`/${name} has ${current} of ${limit} processes, and has refused none`)
    return {
      passed: true,
      saw: `${old.length} 'sleep ${oldNap}' are in ${oldSpace}; in ${freshSpace} only ${fresh.length}, since /${name} took ${current} of ${limit} and refused the rest`,
    }
  },
  hints: [
    `The old box: \`${OLD}\``,
    'The new one: a shell moves itself into the group first. What it then becomes, by `exec`, is the `unshare` of the old box.',
    `\`${FRESH}\``,
  ],
  solution: [OLD, ...GROUP, FRESH],
  otherWays: [
    {
      name: 'the new one first, by a shell in the group',
      commands: [
        ...GROUP,
        'bash --norc',
        'echo $$ >{{pids}}/{{box}}/cgroup.procs',
        `${INSIDE} sh -c './many ${MANY} {{fresh}}; exec sleep 5000' 2>/dev/null & sleep 1`,
        'echo $$ >{{pids}}/lab/cgroup.procs',
        OLD,
      ],
    },
  ],
  wrongWays: [
    {
      name: 'both in the group',
      commands: [
        ...GROUP.slice(0, 1),
        "sh -c 'echo $$ >{{pids}}/{{box}}/cgroup.procs; exec " +
          `${INSIDE} sh -c "./many ${MANY} {{old}}; exec sleep 5000"' &`,
        `until [ $(pgrep -c -x -f 'sleep {{old}}') = ${MANY} ]; do sleep 0.05; done`,
        'echo {{room}} >{{pids}}/{{box}}/pids.max',
      ],
      saw: /^the old box, with 'sleep \d+', is in/,
    },
    {
      name: 'no namespaces',
      commands: [`./many ${MANY} {{old}}`, ...GROUP],
      saw: /'sleep \d+' are not in a pid namespace of their own/,
    },
    {
      name: 'the new one outside the group',
      commands: [OLD, ...GROUP, `${INSIDE} sh -c './many ${MANY} {{fresh}}; exec sleep 5000' &`],
      saw: /are running, but not in \//,
    },
    {
      name: 'the same twice',
      commands: [OLD, `${INSIDE} sh -c './many ${MANY} {{fresh}}; exec sleep 5000' &`],
      saw: /^there is no group/,
    },
  ],
}
