// Tasks 3 and 4: addresses, and who has them.
import { readCounters } from '../../toolkit/observe/counters.ts'
import type { Link } from '../../toolkit/observe/links.ts'
import { readNeighbours } from '../../toolkit/observe/neighbours.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { cable } from './look.ts'

/** What keeps one end from working; `where` is "in the lab" or "in the container". */
function obstacle({ name, up, addresses }: Link, wanted: string, where: string): string | undefined {
  if (!up) return `${name} ${where} is switched off`
  const ip = wanted.split('/')[0]!
  const found = addresses.find(address => address.split('/')[0] === ip)
  if (!found) {
    const others = addresses.filter(address => !address.includes(':')).join(', ')
    return `${name} ${where} is up and has ${others || 'no address'}, not ${wanted}`
  }
  if (found !== wanted)
    return `${name} ${where} has ${found}: /${found.split('/')[1]} is too ${found.endsWith('/32') ? 'small' : 'different'} a network, the task asks for ${wanted}`
  return undefined
}

const answers = (pid: number): number => readCounters(pid)?.Icmp.InEchoReps ?? 0

/** Both ends with their addresses, up; undefined where it is so. */
function unaddressed(scene: Scene): string | undefined {
  const found = cable(scene)
  if (typeof found === 'string') return found
  const { net } = scene.values
  return obstacle(found.here, `${net}.1/24`, 'in the lab') ?? obstacle(found.there, `${net}.2/24`, 'in the container')
}

export const addressesTask: Task = {
  id: 'addresses',
  title: 'Two addresses',
  check(scene) {
    const missing = unaddressed(scene)
    if (missing !== undefined) return no(missing)
    const found = cable(scene)
    if (typeof found === 'string') return no(found)
    const { lab } = scene
    const [out, back] = [answers(lab.pid), answers(found.box.pid)]
    if (out === 0 || back === 0)
      return no(
        `both ends are up and have their addresses; ${out === 0 ? 'the lab' : 'the container'} has had no answer to a ping yet`,
      )
    return { passed: true, saw: `the lab has had ${out} answers to its pings, the container ${back}` }
  },
  hints: [
    'Each end needs two things: `ip addr add ADDRESS/24 dev LINK`, and `ip link set LINK up`.',
    'In the container it is the same with `inside box` in front, and the link is `eth0`.',
    'Then a ping each way: `ping -c 1 {{net}}.2`, and `inside box ping -c 1 {{net}}.1`.',
  ],
  solution: [
    'ip addr add {{net}}.1/24 dev {{cable}}',
    'ip link set {{cable}} up',
    'inside box ip addr add {{net}}.2/24 dev eth0',
    'inside box ip link set eth0 up',
    'ping -c 1 -W 1 {{net}}.2',
    'inside box ping -c 1 -W 1 {{net}}.1',
  ],
  leaves: [
    'ip addr replace {{net}}.1/24 dev {{cable}} && ip link set {{cable}} up',
    'inside box ip addr replace {{net}}.2/24 dev eth0 && inside box ip link set eth0 up',
    'ping -c 1 -W 1 {{net}}.2 || ping -c 1 -W 2 {{net}}.2; inside box ping -c 1 -W 1 {{net}}.1',
  ],
  otherWays: [
    {
      name: 'the end inside first',
      commands: [
        'inside box sh -c "ip link set eth0 up; ip addr add {{net}}.2/24 dev eth0"',
        'ip link set {{cable}} up && ip addr add {{net}}.1/24 brd + dev {{cable}}',
        'inside box ping -c 1 -W 1 {{net}}.1 && ping -c 1 -W 1 {{net}}.2',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the end inside is off',
      commands: [
        'ip addr add {{net}}.1/24 dev {{cable}} && ip link set {{cable}} up',
        'inside box ip addr add {{net}}.2/24 dev eth0',
        'ping -c 1 -W 1 {{net}}.2',
      ],
      saw: /^eth0 in the container is switched off/,
    },
    {
      name: 'no network behind the address',
      commands: ['ip addr add {{net}}.1 dev {{cable}} && ip link set {{cable}} up'],
      saw: /\/32 is too small a network/,
    },
    {
      name: 'the two exchanged',
      commands: ['ip addr add {{net}}.2/24 dev {{cable}} && ip link set {{cable}} up'],
      saw: /is up and has \S+\.2\/24, not /,
    },
    {
      name: 'nobody has pinged back',
      commands: [
        'ip addr add {{net}}.1/24 dev {{cable}} && ip link set {{cable}} up',
        'inside box ip addr add {{net}}.2/24 dev eth0 && inside box ip link set eth0 up',
        'ping -c 1 -W 1 {{net}}.2',
      ],
      saw: /the container has had no answer/,
    },
  ],
}

export const neighboursTask: Task = {
  id: 'neighbours',
  title: 'Who has this address?',
  check(scene) {
    const missing = unaddressed(scene)
    if (missing !== undefined) return no(missing)
    const found = cable(scene)
    if (typeof found === 'string') return no(found)
    const { mac, net } = scene.values
    if (found.here.mac === mac) return no(`${mac} is the MAC address of ${found.here.name}, the end in the lab, now`)
    if (found.there.mac !== mac) return no(`the MAC address of eth0 in the container is ${found.there.mac}, not ${mac}`)
    const known = readNeighbours(scene.lab.pid)?.find(({ address }) => address === `${net}.2`)
    if (!known?.mac) return no(`eth0 in the container has ${mac}; the lab does not know who has ${net}.2`)
    if (known.mac !== mac)
      return no(`eth0 in the container has ${mac}; the lab still believes that ${net}.2 is at ${known.mac}`)
    return { passed: true, saw: `the lab knows that ${net}.2 is at ${mac}` }
  },
  hints: [
    '`inside box ip link set eth0 address MAC` gives it the new MAC address.',
    'The lab asks anew when it has forgotten the old answer: `ip neigh flush dev LINK`, then a ping.',
    '`ip neigh flush dev {{cable}}`, and then `ping -c 1 {{net}}.2`.',
  ],
  solution: [
    'inside box ip link set eth0 address {{mac}}',
    'ip neigh flush dev {{cable}}',
    'ping -c 1 -W 1 {{net}}.2',
    'ip neigh',
  ],
  otherWays: [
    {
      name: 'the lab is told, and does not ask',
      commands: [
        'inside box ip link set eth0 address {{mac}}',
        'ip neigh replace {{net}}.2 lladdr {{mac}} dev {{cable}}',
      ],
    },
    {
      name: 'off and on again',
      commands: [
        'inside box ip link set eth0 down',
        'inside box ip link set eth0 address {{mac}} up',
        'ip link set {{cable}} down && ip link set {{cable}} up',
        'ping -c 2 -W 1 {{net}}.2',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'not asked anew',
      commands: ['inside box ip link set eth0 address {{mac}}'],
      saw: /still believes that/,
    },
    {
      name: 'the wrong end',
      commands: ['ip link set {{cable}} address {{mac}}'],
      saw: /the end in the lab, now/,
    },
    {
      name: 'forgotten, not asked',
      commands: ['inside box ip link set eth0 address {{mac}}', 'ip neigh flush dev {{cable}}'],
      saw: /does not know who has/,
    },
  ],
}
