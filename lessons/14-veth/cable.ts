// Tasks 1 and 2: a container, and a cable to it.
import { compareNamespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { no, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'
import { box, cable, names } from './look.ts'

const MAKE = "unshare --net sh -c 'sleep infinity & echo $!' >box.pid"

export const containerTask: Task = {
  id: 'container',
  title: 'A container that waits',
  check(scene) {
    const inside = box(scene)
    if (inside) {
      const links = names(inside.pid)
      return { passed: true, saw: `the process ${inside.comm} has a network of its own; in there is ${links}` }
    }
    const lab = readNamespaces(scene.lab.pid)
    const half = labProcesses(scene).find(({ pid }) => {
      const own = readNamespaces(pid)
      return lab && own && compareNamespaces(lab, own).length > 0 && own.net.inode === lab.net.inode
    })
    if (half) return no(`the process ${half.comm} has namespaces of its own, but shares the network of the lab`)
    return no('no process has a network of its own, but for those that were there: perhaps it ended at once')
  },
  hints: [
    'The option of `unshare` is `--net`. A namespace lives as long as a process is in it.',
    'The shell that unshare starts may end. What it has left in the background stays where it is.',
    `\`${MAKE}\``,
  ],
  solution: [MAKE],
  leaves: ["unshare --net sh -c 'sleep infinity 2>/dev/null & echo $!' >box.pid"],
  otherWays: [
    { name: 'a shell inside, in the foreground', commands: ['unshare --net bash'] },
    {
      name: 'with pids of its own, and in the background',
      commands: ['unshare --net --pid --fork --kill-child sleep infinity & echo $! >box.pid'],
    },
  ],
  wrongWays: [
    {
      name: 'another namespace',
      commands: ["unshare --uts sh -c 'sleep infinity & echo $!' >box.pid"],
      saw: /shares the network of the lab/,
    },
    { name: 'ended at once', commands: ['unshare --net true'], saw: /perhaps it ended at once/ },
  ],
}

const PEER = 'type veth peer name eth0 netns $(cat box.pid)'

export const cableTask: Task = {
  id: 'cable',
  title: 'Lay a cable',
  check(scene) {
    const found = cable(scene)
    if (typeof found === 'string') return no(found)
    return { passed: true, saw: `a cable leads from ${found.here.name} in the lab to eth0 in the container` }
  },
  hints: [
    'The form is `ip link add NAME type veth peer name NAME netns PID`.',
    'The first name is the end in the lab, `{{cable}}`. The second is the end in the container, `eth0`.',
    `\`ip link add {{cable}} ${PEER}\``,
  ],
  solution: [`ip link add {{cable}} ${PEER}`],
  leaves: [`ip link show {{cable}} >/dev/null 2>&1 || ip link add {{cable}} ${PEER}`],
  otherWays: [
    {
      name: 'made in the lab, and one end pushed in',
      commands: ['ip link add {{cable}} type veth peer name eth0', 'ip link set eth0 netns $(cat box.pid)'],
    },
    {
      name: 'to the second of two containers',
      commands: [MAKE, `ip link add {{cable}} ${PEER}`],
    },
    {
      name: 'made inside, and one end pushed out',
      commands: ['inside box ip link add eth0 type veth peer name {{cable}} netns 1'],
    },
  ],
  wrongWays: [
    {
      name: 'both ends in the lab',
      commands: ['ip link add {{cable}} type veth peer name eth0'],
      saw: /both ends of the cable are in the lab: \S+ and eth0/,
    },
    {
      name: 'the names the wrong way round',
      commands: ['ip link add eth0 type veth peer name {{cable}} netns $(cat box.pid)'],
      saw: /that name is for the end in the lab/,
    },
    {
      name: 'to another container',
      commands: ['ip link add {{cable}} type veth peer name eth0 netns $(cat alone.pid)'],
      saw: /not in your container, but in another one/,
    },
    {
      name: 'a link without a second end',
      commands: ['ip link add {{cable}} type bridge'],
      saw: /is a bridge, not a veth/,
    },
  ],
}
