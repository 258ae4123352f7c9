// Task 7, the control: two containers serve, and one of them can be reached.
import { readLinks } from '../../toolkit/observe/links.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { sleeper, tcp } from '../network.ts'
import { box, cable } from './look.ts'

const listens = (scene: Scene, pid: number): boolean =>
  tcp(pid).some(({ state, local }) => state === 'LISTEN' && local.port === Number(scene.values.port))

export const reachTask: Task = {
  id: 'reach',
  title: 'Alone, and reached',
  check(scene) {
    const { net, port } = scene.values
    const alone = sleeper(scene, scene.values.alone!)
    if (!alone || !listens(scene, alone.pid)) return no('the container alone, or its server, has ended; reset the lab')
    const ways = (readLinks(alone.pid) ?? []).filter(({ kind }) => kind === 'veth')
    if (ways.length > 0)
      return no(`the container alone has ${ways[0]!.name} now; it is to stay as it was, for comparison`)
    const found = cable(scene)
    if (typeof found === 'string') return no(found)
    const inside = box(scene)!
    if (!listens(scene, inside.pid))
      return no(
        listens(scene, scene.lab.pid)
          ? `the server listens on port ${port} of the lab, not in the container`
          : `nobody listens on port ${port} in the container; in alone somebody does`,
      )
    const calls = tcp(inside.pid).filter(({ state, local }) => state !== 'LISTEN' && local.port === Number(port))
    const called =
      calls.some(({ remote }) => remote.address === `${net}.1`) ||
      tcp(scene.lab.pid).some(({ remote }) => remote.address === `${net}.2` && remote.port === Number(port))
    if (called)
      return { passed: true, saw: `both serve on port ${port}; alone has only lo, and the lab has reached ${net}.2` }
    if (calls[0]) return no(`the server in the container was called from ${calls[0].remote.address}, not from the lab`)
    return no(`both serve on port ${port}; the lab has not called ${net}.2 in the last minute`)
  },
  hints: [
    'The server for box is the command of the text, with `inside box` in front and `&` at the end.',
    'Then call it from the lab, by the address of eth0: `busybox nc ADDRESS PORT`.',
    '`inside box busybox nc -ll -p {{port}} -e echo I am box &`, then `busybox nc {{net}}.2 {{port}}`',
  ],
  solution: [
    'inside box busybox nc -ll -p {{port}} -e echo I am box &',
    'for i in 1 2 3 4 5; do busybox nc {{net}}.2 {{port}} && break; sleep 0.2; done',
  ],
  otherWays: [
    {
      name: 'called by bash itself',
      commands: [
        'inside box busybox nc -ll -p {{port}} -e date &',
        'for i in 1 2 3 4 5; do cat </dev/tcp/{{net}}.2/{{port}} && break; sleep 0.2; done',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'a server in the lab',
      commands: ['busybox nc -ll -p {{port}} -e date &'],
      saw: /listens on port \d+ of the lab/,
    },
    {
      name: 'no server',
      commands: ['busybox nc {{net}}.2 {{port}}'],
      saw: /^nobody listens on port \d+ in the container/,
    },
    {
      name: 'called from inside',
      commands: [
        'inside box busybox nc -ll -p {{port}} -e date &',
        'inside box ip link set lo up', // what goes to an address of one's own goes through lo
        'for i in 1 2 3 4 5; do inside box busybox nc {{net}}.2 {{port}} && break; sleep 0.2; done',
      ],
      saw: /was called from 10\.\S+, not from the lab/,
    },
    {
      name: 'alone made reachable',
      commands: ['ip link add extra type veth peer name eth0 netns $(cat alone.pid)'],
      saw: /it is to stay as it was/,
    },
  ],
}
