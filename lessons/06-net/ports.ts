// Tasks 1 to 3: a port that is taken, an empty stack, and the same port twice.
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'
import { isInBox, loopbackIsUp, nameOf, ownStacks, type Server, servers } from './stacks.ts'

const portOf = ({ values }: Scene): number => Number(values.port)

const describe = (scene: Scene, { process, stack }: Server): string =>
  `${process.comm} ${isInBox(scene, process) ? 'in the box ' : ''}${stack.ofLab ? 'in the stack of the lab' : `in ${nameOf(stack)}`}`

/** Everything that the lessons before have built, and no more. */
const OLD_BOX = 'unshare --mount --uts --ipc --pid --fork chroot box'

export const takenTask: Task = {
  id: 'taken',
  title: 'A port that is taken',
  check(scene) {
    const port = portOf(scene)
    const all = servers(scene)
    const here = all.filter(server => server.port === port)
    const right = here.find(({ stack, process }) => stack.ofLab && isInBox(scene, process))
    if (right)
      return {
        passed: true,
        saw: `${right.process.comm}, whose root is ${BOX}, listens on port ${port} in the stack of the whole lab`,
      }
    const apart = here.find(({ stack }) => !stack.ofLab)
    if (apart)
      return no(
        `port ${port} is listened on in a network namespace of its own (${nameOf(apart.stack)}); here it should be the lab’s`,
      )
    const outside = here[0]
    if (outside) return no(`${outside.process.comm} listens on port ${port}, but its root is not ${BOX}: it is outside`)
    const other = all.find(({ process }) => isInBox(scene, process))
    if (other) return no(`the server in the box listens on port ${other.port}; the task asks for ${port}`)
    if (labProcesses(scene).some(process => isInBox(scene, process)))
      return no(`there is a process in the box, but none listens on port ${port}`)
    return no(`nobody listens on port ${port}, and no process has ${BOX} as its root`)
  },
  hints: [
    'The command stands in the text. It is one command on two lines; the `&` at its end gives you the prompt back.',
    `\`${OLD_BOX} httpd -f -p {{port}} &\``,
  ],
  solution: [`${OLD_BOX} httpd -f -p {{port}} &`],
  leaves: [`setsid ${OLD_BOX} httpd -f -p {{port}} </dev/null >/dev/null 2>&1 &`],
  otherWays: [
    { name: 'from a shell in the box', commands: [`${OLD_BOX} sh`, 'httpd -p {{port}}'] },
    { name: 'chroot alone, and another server', commands: ['chroot box nc -l -p {{port}} &'] },
  ],
  wrongWays: [
    {
      name: 'outside of the box',
      commands: ['busybox httpd -f -p {{port}} &'],
      saw: /listens on port \d+, but its root is not/,
    },
    { name: 'on the usual port', commands: [`${OLD_BOX} httpd -f &`], saw: /in the box listens on port 80; the task/ },
    {
      name: 'with a stack of its own',
      commands: ['unshare --net --mount --pid --fork chroot box httpd -f -p {{port}} &'],
      saw: /in a network namespace of its own/,
    },
    {
      name: 'it went to the background by itself, and PID 1 ended',
      commands: [`${OLD_BOX} httpd -p {{port}}`],
      saw: /^nobody listens on port \d+, and no process/,
    },
  ],
}

export const stackTask: Task = {
  id: 'stack',
  title: 'An empty network stack',
  check(scene) {
    const own = ownStacks(scene)
    const up = own.find(loopbackIsUp)
    if (up) return { passed: true, saw: `${up.processes[0]!.comm} is in ${nameOf(up)}, and lo is up there` }
    if (own[0]) return no(`${own[0].processes[0]!.comm} is in a network namespace of its own; lo is down there`)
    return no('all processes of the lab are in one network namespace, the lab’s')
  },
  hints: [
    '`unshare` makes all kinds of namespaces. The option for this one is `--net`.',
    'Inside, `ip link` shows `lo` and its state. `ip link set INTERFACE up` switches an interface on.',
    '`unshare --net bash`, and in there `ip link set lo up`.',
  ],
  solution: ['unshare --net bash', 'ip link set lo up'],
  otherWays: [
    {
      name: 'the older command for interfaces',
      commands: ['unshare -n busybox sh', 'busybox ifconfig lo up'],
    },
    { name: 'by a name', commands: ['ip netns add spare', 'ip netns exec spare bash', 'ip link set lo up'] },
  ],
  wrongWays: [
    { name: 'not switched on', commands: ['unshare --net bash', 'ip link'], saw: /lo is down there$/ },
    { name: 'in the lab', commands: ['ip link set lo up'], saw: /are in one network namespace/ },
  ],
}

export const twiceTask: Task = {
  id: 'twice',
  title: 'The same port twice',
  check(scene) {
    const port = portOf(scene)
    const here = servers(scene).filter(server => server.port === port)
    const boxed = here.filter(({ process }) => isInBox(scene, process))
    const shared = boxed.find(({ stack }) => stack.ofLab)
    const apart = boxed.find(({ stack }) => !stack.ofLab)
    if (shared && apart) {
      if (!loopbackIsUp(apart.stack))
        return no(
          `two boxes listen on port ${port}; but lo is down in ${nameOf(apart.stack)}, so nobody can reach that one`,
        )
      return {
        passed: true,
        saw: `port ${port} twice: ${describe(scene, shared)}, and ${describe(scene, apart)}`,
      }
    }
    const outside = here.find(({ stack, process }) => !stack.ofLab && !isInBox(scene, process))
    if (outside) return no(`${describe(scene, outside)} listens on port ${port}, but its root is not ${BOX}`)
    if (apart)
      return no(`only ${describe(scene, apart)} listens on port ${port}; in the stack of the lab nobody does now`)
    const other = servers(scene).find(({ stack }) => !stack.ofLab)
    if (shared && other) return no(`${describe(scene, other)} listens on port ${other.port}, not on ${port}`)
    if (shared)
      return no(`only ${describe(scene, shared)} listens on port ${port}; no second box has a stack of its own`)
    return no(`nobody listens on port ${port}; the server of task 1 has ended`)
  },
  hints: [
    'The command of task 1 made the first box. The second needs one option more.',
    'Start a shell in it, not the server: `unshare --net … chroot box sh`. Then you can switch `lo` on before.',
    'In there: `ip link set lo up`, then `httpd -p {{port}}`.',
  ],
  solution: [
    'unshare --net --mount --uts --ipc --pid --fork chroot box sh',
    'ip link set lo up',
    'httpd -p {{port}}',
    'wget -q -O - http://127.0.0.1:{{port}}/',
  ],
  otherWays: [
    {
      name: 'in one line, in the background',
      commands: ['unshare -n chroot box sh -c "ip link set lo up; exec httpd -f -p {{port}}" &'],
    },
    {
      name: 'in a namespace with a name',
      commands: [
        'ip netns add spare',
        'ip -n spare link set lo up',
        'ip netns exec spare chroot box httpd -f -p {{port}} &',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'lo is down',
      commands: ['unshare --net chroot box sh', 'httpd -p {{port}}'],
      saw: /lo is down in net:\[\d+\], so nobody can reach/,
    },
    {
      name: 'not in the box',
      commands: ['unshare --net bash', 'ip link set lo up', 'busybox httpd -p {{port}}'],
      saw: /but its root is not \/lab\/box/,
    },
    {
      name: 'on another port',
      commands: ['unshare --net chroot box sh', 'ip link set lo up', 'httpd -p 80'],
      saw: /listens on port 80, not on/,
    },
    {
      name: 'the first one ended',
      commands: [
        'kill -9 $(busybox pidof httpd); while busybox pidof httpd >/dev/null; do sleep 0.1; done',
        'unshare --net chroot box sh',
        'ip link set lo up',
        'httpd -p {{port}}',
      ],
      saw: /in the stack of the lab nobody does now/,
    },
  ],
}
