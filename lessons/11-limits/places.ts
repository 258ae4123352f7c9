// Tasks 2 and 4: where a group may run, and whether it runs at all.
import { statusFields } from '../../toolkit/observe/status.ts'
import { missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Task } from '../lesson.ts'

const CORE = '{{cpuset}}/{{core}}'
const ON = `echo {{processor}} >${CORE}/cpuset.cpus`
const SPIN = `sh -c 'echo $$ >${CORE}/cgroup.procs; exec ./spin' &`

export const cpusetTask: Task = {
  id: 'cpuset',
  title: 'Which processors',
  check(scene) {
    const { core: name, processor } = scene.values
    const group = readGroup(scene, 'cpuset', name!)
    if (!group) return missing(scene, 'cpuset', name!)
    const { cpus } = group.cpuset!
    if (cpus !== processor) return no(`/${name} has the processors ${cpus}, not ${processor} alone`)
    const [first] = group.members
    if (!first) return no(`/${name} has processor ${processor}, and nobody is in it`)
    const allowed = statusFields(first.pid)?.get('Cpus_allowed_list')
    return { passed: allowed === cpus, saw: `${first.comm} in /${name} may run on processor ${allowed}` }
  },
  hints: [
    'The file `cpuset.cpus` takes numbers of processors. They count from 0.',
    `\`mkdir ${CORE}\` and \`${ON}\``,
    `\`${SPIN}\``,
  ],
  solution: [`mkdir ${CORE}`, ON, SPIN],
  otherWays: [
    {
      name: 'moved, and limited while it runs',
      commands: [
        `mkdir ${CORE}`,
        './spin &',
        `echo $! >${CORE}/cgroup.procs`,
        `echo {{processor}}-{{processor}} >${CORE}/cpuset.cpus`,
      ],
    },
    { name: 'the shell itself', commands: [`mkdir ${CORE}`, ON, 'bash --norc', `echo $$ >${CORE}/cgroup.procs`] },
  ],
  wrongWays: [
    { name: 'all processors', commands: [`mkdir ${CORE}`, SPIN], saw: /has the processors \S+, not \d+ alone/ },
    { name: 'nobody in it', commands: [`mkdir ${CORE}`, ON, './spin &'], saw: /, and nobody is in it/ },
    { name: 'by taskset alone', commands: ['taskset -c {{processor}} ./spin &'], saw: /^there is no group/ },
  ],
}

const STILL = '{{freezer}}/{{still}}'
const FREEZE = ({ cgroups }: Host) =>
  cgroups === 'v1' ? `echo FROZEN >${STILL}/freezer.state` : `echo 1 >${STILL}/cgroup.freeze`
const THAW = ({ cgroups }: Host) =>
  cgroups === 'v1' ? `echo THAWED >${STILL}/freezer.state` : `echo 0 >${STILL}/cgroup.freeze`
const MOVE = ['./spin &', `echo $! >${STILL}/cgroup.procs`]

export const freezeTask: Task = {
  id: 'freeze',
  title: 'Standing still',
  check(scene) {
    const { still: name } = scene.values
    const group = readGroup(scene, 'freezer', name!)
    if (!group) return missing(scene, 'freezer', name!)
    const [first] = group.members
    if (!first) return no(`/${name} is ${group.frozen ? 'frozen' : 'there'}, and nobody is in it`)
    if (group.frozen) return { passed: true, saw: `${first.comm} is in /${name}, which is frozen` }
    return no(
      first.state === 'T'
        ? `a signal has stopped ${first.comm} in /${name}; the group is not frozen`
        : `${first.comm} in /${name} goes on`,
    )
  },
  hints: host => [
    'Somebody has to be in the group. Then it is one word in one file.',
    `The group: \`mkdir ${STILL}\`, \`./spin &\`, \`echo $! >${STILL}/cgroup.procs\``,
    `The file: \`${FREEZE(host)}\``,
  ],
  solution: host => [`mkdir ${STILL}`, ...MOVE, FREEZE(host)],
  otherWays: [
    {
      name: 'frozen before anybody comes',
      commands: host => [`mkdir ${STILL}`, FREEZE(host), ...MOVE],
    },
  ],
  wrongWays: [
    { name: 'nobody in it', commands: host => [`mkdir ${STILL}`, FREEZE(host)], saw: /is frozen, and nobody is in it/ },
    {
      name: 'stopped by a signal',
      commands: [`mkdir ${STILL}`, ...MOVE, 'kill -STOP $!'],
      saw: /^a signal has stopped/,
    },
    {
      name: 'thawed again',
      commands: host => [`mkdir ${STILL}`, ...MOVE, FREEZE(host), THAW(host)],
      saw: /^spin in \/\S+ goes on/,
    },
    { name: 'no group', commands: MOVE.slice(0, 1), saw: /^there is no group/ },
  ],
}
