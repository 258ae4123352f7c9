// Tasks 3 and 4: a container that waits for its start, and one that has ended.
import { readLinks } from '../../toolkit/observe/links.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { contained, noted } from './containers.ts'

const hasAddress = ({ values }: Scene, pid: number): boolean =>
  readLinks(pid)?.some(
    ({ name, addresses }) => name === 'lo' && addresses.some(address => address.split('/')[0] === values.address),
  ) === true

const CREATE = 'runc create --pid-file pid {{id}}'
const ADDRESS = 'ip addr add {{address}}/32 dev lo'

export const createTask: Task = {
  id: 'create',
  title: 'Between create and start',
  check(scene) {
    const { id, address } = scene.values
    const found = noted(scene, id!)
    if (!found) {
      const other = contained(scene).find(({ waits }) => waits)
      return no(other ? `a container waits, but it is not called ${id}` : `runc knows no container ${id}`)
    }
    const { process, fifo } = found
    if (!process) return no(`the container ${id} has ended`)
    if (!fifo) return no(`the container ${id} has been started already: its process is ${process.comm}`)
    if (hasAddress(scene, process.pid))
      return { passed: true, saw: `the container ${id} waits for its start, and its network has ${address}` }
    if (hasAddress(scene, scene.lab.pid)) return no(`the container ${id} waits, but the lab has the address ${address}`)
    return no(`the container ${id} waits, and its lo has no address ${address}`)
  },
  hints: [
    'In the directory `bundle`: `runc create --pid-file pid {{id}}`. Nothing is seen of it but in `runc list`.',
    '`nsenter --target PID --net COMMAND` runs a command of the lab in the network of that process.',
    'If it has been started, or has another name: `runc delete --force NAME`, and again.',
    '`nsenter --target $(cat pid) --net ip addr add {{address}}/32 dev lo`',
  ],
  solution: ['cd /lab/bundle', CREATE, `nsenter --target $(cat pid) --net ${ADDRESS}`],
  leaves: ['runc state {{id}} >/dev/null 2>&1 || runc create --bundle bundle {{id}} </dev/null >/dev/null 2>&1'],
  otherWays: [
    {
      name: 'the pid from what runc tells',
      commands: [
        'runc create --bundle bundle {{id}} </dev/null >/dev/null 2>&1',
        `pid=$(runc state {{id}} | sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p')`,
        `nsenter --net=/proc/$pid/ns/net ${ADDRESS}`,
      ],
    },
  ],
  wrongWays: [
    {
      name: 'started at once',
      commands: ['cd bundle', 'runc run -d --pid-file pid {{id}}', `nsenter --target $(cat pid) --net ${ADDRESS}`],
      saw: /has been started already: its process is sleep$/,
    },
    {
      name: 'in the lab’s own network',
      commands: ['cd bundle', CREATE, ADDRESS],
      saw: /waits, but the lab has the address/,
    },
    { name: 'no address', commands: ['cd bundle', CREATE], saw: /waits, and its lo has no address/ },
    {
      name: 'another name',
      commands: ['cd bundle', 'runc create --pid-file pid other', `nsenter --target $(cat pid) --net ${ADDRESS}`],
      saw: /waits, but it is not called/,
    },
  ],
}

export const endTask: Task = {
  id: 'end',
  title: 'Start, and end',
  check(scene) {
    const { id } = scene.values
    const found = noted(scene, id!)
    if (!found) return no(`runc knows no container ${id}: there is none, or it has been deleted`)
    const { process, fifo } = found
    if (process && fifo) return no(`the container ${id} still waits for its start`)
    if (process) return no(`the container ${id} is running: its process is ${process.comm}, and no signal has ended it`)
    if (fifo) return no(`the container ${id} has ended, but nobody had started it`)
    return { passed: true, saw: `the container ${id} has been started, its process has ended, and runc still knows it` }
  },
  hints: [
    '`runc start {{id}}` comes first.',
    'The signal that needs no handler, and that nobody can ignore, is KILL.',
    '`runc kill {{id}} KILL`. Is it deleted, or killed before the start? `runc delete {{id}}`, if it is still there, and `runc create {{id}}` in the directory `bundle`.',
  ],
  solution: ['runc start {{id}}', 'runc list', 'runc kill {{id}} KILL'],
  otherWays: [
    {
      name: 'by its pid, from the lab',
      commands: ['runc start {{id}}', `kill -KILL $(runc state {{id}} | sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p')`],
    },
    {
      name: 'made anew',
      commands: ['runc delete --force {{id}}', 'cd bundle', 'runc run -d {{id}}', 'runc kill {{id}} 9'],
    },
  ],
  wrongWays: [
    {
      name: 'TERM',
      commands: ['runc start {{id}}', 'runc kill {{id}}'],
      saw: /is running: its process is sleep, and no signal has ended it$/,
    },
    {
      name: 'ended before the start',
      commands: ['runc kill {{id}} KILL'],
      saw: /has ended, but nobody had started it$/,
    },
    {
      name: 'deleted',
      commands: ['runc start {{id}}', 'runc delete --force {{id}}'],
      saw: /there is none, or it has been deleted$/,
    },
    { name: 'nothing done', commands: ['runc list'], saw: /still waits for its start$/ },
  ],
}
