// Tasks 1 and 2: a bridge; and beside it the cables of lesson 14.
import { readCounters } from '../../toolkit/observe/counters.ts'
import { no, type Task } from '../lesson.ts'
import { haveTalked, linksOf, pidOf, unplugged } from './look.ts'

const PLUG = (name: string, last: number) => [
  `ip link add ${name}0 master {{bridge}} type veth peer name eth0 netns $(cat ${name}.pid)`,
  `inside ${name} ip addr add {{net}}.${last}/24 dev eth0`,
  `inside ${name} ip link set eth0 up && ip link set ${name}0 up`,
]
const BRIDGE = ['ip link add {{bridge}} type bridge', 'ip link set {{bridge}} up']
const PING = 'inside red ping -c 1 -W 2 {{net}}.3'

/** The network as it is after task 1, made in one go. */
const LEAVES = [
  '[ -e /sys/class/net/{{bridge}} ] || ip link show {{bridge}} >/dev/null 2>&1 || ip link add {{bridge}} type bridge',
  'ip link set {{bridge}} up',
  'plug() { ip link show $1"0" >/dev/null 2>&1 || ip link add $1"0" type veth peer name eth0 netns $(cat $1.pid); }',
  'plug red; plug blue',
  'for name in red blue; do ip link set $name"0" master {{bridge}} up; inside $name ip link set eth0 up; done',
  'inside red ip addr replace {{net}}.2/24 dev eth0; inside blue ip addr replace {{net}}.3/24 dev eth0',
]

export const switchTask: Task = {
  id: 'switch',
  title: 'A switch',
  check(scene) {
    const missing = unplugged(scene)
    if (missing !== undefined) return no(missing)
    const { bridge } = scene.values
    if (!haveTalked(scene)) return no(`red and blue are on ${bridge}, and neither has had an answer from the other yet`)
    return { passed: true, saw: `red and blue are plugged into ${bridge}, and have talked` }
  },
  hints: [
    'First the bridge: `ip link add {{bridge}} type bridge`, and up.',
    'Each cable as in lesson 14, but the end in the lab gets no address. It gets `master {{bridge}}` instead.',
    '`ip link add red0 master {{bridge}} type veth peer name eth0 netns $(cat red.pid)`; then `red0` up.',
    'Inside: `inside red ip addr add {{net}}.2/24 dev eth0`, and `inside red ip link set eth0 up`. The same for blue, with 3.',
  ],
  solution: [...BRIDGE, ...PLUG('red', 2), ...PLUG('blue', 3), PING],
  leaves: LEAVES,
  otherWays: [
    {
      name: 'cables first, plugged in at the end',
      commands: [
        'for n in red blue; do ip link add c-$n up type veth peer name eth0 netns $(cat $n.pid); done',
        'inside red sh -c "ip addr add {{net}}.2/24 dev eth0; ip link set eth0 up"',
        'inside blue sh -c "ip addr add {{net}}.3/24 dev eth0; ip link set eth0 up"',
        'ip link add {{bridge}} up type bridge',
        'for n in red blue; do ip link set c-$n master {{bridge}}; done',
        'inside blue ping -c 1 -W 2 {{net}}.2',
      ],
    },
  ],
  wrongWays: [
    { name: 'no bridge', commands: ['ip link add {{bridge}} type veth peer name x'], saw: /is a veth, not a bridge/ },
    {
      name: 'not plugged in',
      commands: [...BRIDGE, 'ip link add red0 up type veth peer name eth0 netns $(cat red.pid)'],
      saw: /ends in the lab, at red0, and is not plugged into/,
    },
    { name: 'one of two', commands: [...BRIDGE, ...PLUG('red', 2)], saw: /^no cable leads to blue/ },
    {
      name: 'the bridge is off',
      commands: ['ip link add {{bridge}} type bridge', ...PLUG('red', 2), ...PLUG('blue', 3)],
      saw: /^the bridge \S+ is switched off/,
    },
    {
      name: 'the address at the wrong end',
      commands: [
        ...BRIDGE,
        'ip link add red0 master {{bridge}} up type veth peer name eth0 netns $(cat red.pid)',
        'ip addr add {{net}}.2/24 dev red0; inside red ip link set eth0 up',
      ],
      saw: /eth0 in red is up and has no address/,
    },
  ],
}

export const cablesTask: Task = {
  id: 'cables',
  title: 'Beside it: two cables',
  check(scene) {
    const missing = unplugged(scene)
    if (missing !== undefined) return no(missing)
    const [north, south] = [pidOf(scene, 'north'), pidOf(scene, 'south')]
    if (north === undefined || south === undefined) return no('the container north or south has ended; reset the lab')
    if ([north, south].some(pid => !linksOf(pid).some(({ kind, up }) => kind === 'veth' && up)))
      return no('the cable of north or south is gone; they are to stay as they were, for comparison')
    if (!haveTalked(scene)) return no('red and blue have not talked yet')
    const dropped = readCounters(scene.lab.pid)?.Ip.InAddrErrors ?? 0
    if (dropped === 0) {
      const sent = [north, south].some(pid => (readCounters(pid)?.Icmp.OutEchos ?? 0) > 0)
      return no(
        sent
          ? 'north or south has pinged somebody, and the lab has dropped nothing: it was not the other one'
          : 'red and blue have talked; north and south have not tried yet',
      )
    }
    return { passed: true, saw: `red and blue have talked; of north and south the lab has dropped ${dropped} packets` }
  },
  hints: [
    'One ping from red to blue, one from north to south. The second gets no answer; that is what it is for.',
    '`inside north ping -c 1 -W 1 {{southIp}}`, and `inside red ping -c 1 {{net}}.3`.',
  ],
  solution: [PING, 'inside north ping -c 1 -W 1 {{southIp}} || true'],
  otherWays: [
    {
      name: 'the other way round',
      commands: ['inside blue ping -c 2 -W 2 {{net}}.2', 'inside south ping -c 1 -W 1 {{northIp}} || true'],
    },
  ],
  wrongWays: [
    { name: 'only the bridge', commands: [PING], saw: /north and south have not tried yet/ },
    {
      name: 'pinged the lab',
      commands: [PING, 'inside north ping -c 1 -W 1 {{northGate}}'],
      saw: /it was not the other one/,
    },
    {
      name: 'only the cables',
      commands: ['inside north ping -c 1 -W 1 {{southIp}}'],
      saw: /^red and blue have not talked yet/,
    },
  ],
}
