// Task 6: the module, in the learner's file.
import { openDevices } from '../../toolkit/observe/descriptors.ts'
import { countDevicePrograms } from '../../toolkit/observe/device-programs.ts'
import { readText } from '../../toolkit/observe/read.ts'
import { type Group, missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Scene, type Task } from '../lesson.ts'

const LOG = 'c 1:11' // the kernel's log

/** Whether nobody asks when a device of the group is opened. */
const allowsAll = ({ host }: Scene, { directory }: Group): boolean =>
  host.cgroups === 'v1'
    ? /^a \*:\* rwm/m.test(readText(`${directory}/devices.list`) ?? '')
    : !countDevicePrograms(directory)

const RULE =
  'sed -i \'s/const rules = .*/const rules = [{ allow: true, type: "c", major: 1, minor: 11, access: "r" }]/\' box.ts'
const APPLY = ({ cgroups }: Host) =>
  `sed -i 's|// TODO: the rules.*|devices.${cgroups === 'v1' ? 'v1Action(directory, list)' : 'v2Action(list)'},|' box.ts`
const OPEN = 'sleep 5000 <{{node}} &'

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { made: name } = scene.values
    const group = readGroup(scene, 'devices', name!)
    if (!group) return missing(scene, 'devices', name!)
    if (allowsAll(scene, group)) return no(`whoever is in /${name} may open all devices`)
    if (group.members.length === 0) return no(`/${name} has rules for devices, and nobody is in it`)
    const reader = group.members.find(({ pid }) => openDevices(pid)?.includes(LOG))
    if (!reader) return no(`/${name} has rules for devices, and nobody in it has ${LOG} open`)
    return { passed: true, saw: `${reader.comm} in /${name} has ${LOG} open, and its rules refuse others` }
  },
  hints: host => [
    'Two gaps: which rules, and where they are applied. The shell that the file starts is for opening the device.',
    'A rule has the form `{ allow: true, type: "c", major: 1, minor: 3, access: "rw" }`. `rules` is a list of them.',
    host.cgroups === 'v1'
      ? 'After `create`: `devices.v1Action(directory, list),`'
      : 'After `create`: `devices.v2Action(list),`',
    'In the shell, a program with the device as its input: `sleep 5000 <{{node}} &`',
  ],
  solution: host => [RULE, APPLY(host), 'node box.ts', OPEN],
  otherWays: [
    {
      name: 'a wider rule, and a node made inside',
      commands: host => [
        'sed -i \'s/const rules = .*/const rules = [{ allow: true, type: "c", major: 1, access: "r" }]/\' box.ts',
        APPLY(host),
        'node box.ts',
        'mknod mine c 1 11',
        'sleep 5000 <mine &',
      ],
    },
    {
      name: 'by files (version 1); kept open by the shell (version 2)',
      commands: host =>
        host.cgroups === 'v1'
          ? [
              'mkdir {{devices}}/{{made}}',
              'echo a >{{devices}}/{{made}}/devices.deny',
              "echo 'c 1:11 r' >{{devices}}/{{made}}/devices.allow",
              `sh -c 'echo $$ >{{devices}}/{{made}}/cgroup.procs; exec sleep 5000 <{{node}}' &`,
            ]
          : [RULE, APPLY(host), 'node box.ts', 'exec 3<{{node}}'],
    },
  ],
  wrongWays: [
    { name: 'rules that nobody applies', commands: [RULE, 'node box.ts', OPEN], saw: /may open all devices/ },
    {
      name: 'no rule for the log',
      commands: host => [APPLY(host), 'node box.ts', "sh -c 'sleep 5000 <{{node}}'"],
      saw: /nobody in it has c 1:11 open/,
    },
    {
      name: 'opened outside',
      commands: host => [RULE, APPLY(host), 'node box.ts', 'exit', OPEN],
      saw: /and nobody is in it/,
    },
    { name: 'not run', commands: host => [RULE, APPLY(host), OPEN], saw: /^there is no group/ },
  ],
}
