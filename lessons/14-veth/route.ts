// Tasks 5 and 6: a route to what is beyond the cable, and the end of a cable.
import { parseIpv4, parseSubnet } from '../../toolkit/kernel/ip.ts'
import { type Route, readRoutes } from '../../toolkit/observe/routes.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { sleeper } from '../network.ts'
import { box, linkOf } from './look.ts'

/** The route that the kernel would take: the longest that covers the address. */
function routeTo(pid: number, address: string): Route | undefined {
  const number = parseIpv4(address)!
  const length = ({ destination }: Route) => parseSubnet(destination === 'default' ? '0.0.0.0/0' : destination)!.prefix
  return (readRoutes(pid) ?? [])
    .filter(({ family, destination }) => {
      const subnet = family === 'inet' && parseSubnet(destination === 'default' ? '0.0.0.0/0' : destination)
      return subnet && subnet.first <= number && number <= subnet.last
    })
    .sort((a, b) => length(b) - length(a) || a.metric - b.metric)[0]
}

export const routeTask: Task = {
  id: 'route',
  title: 'Beyond the cable',
  check(scene) {
    const { far, net } = scene.values
    const inside = box(scene)
    if (!inside) return no('there is no container: no process in the lab has a network of its own; go back to task 1')
    const route = routeTo(inside.pid, far!)
    if (!route) {
      const outside = readRoutes(scene.lab.pid)?.find(
        ({ destination, gateway }) => destination !== 'default' && gateway,
      )
      if (outside) return no(`the route to ${outside.destination} stands in the lab's table, not in the container's`)
      const known = (readRoutes(inside.pid) ?? []).filter(({ family }) => family === 'inet')
      return no(
        `no route of the container is for ${far}; it has ${known.map(({ destination }) => destination).join(', ') || 'none'}`,
      )
    }
    const { destination, gateway, type, device } = route
    if (type !== 'unicast')
      return no(`the route to ${destination} in the container is of the type ${type}: it leads nowhere`)
    if (device !== 'eth0') return no(`the route to ${destination} in the container leads through ${device}, not eth0`)
    if (gateway !== undefined && gateway !== `${net}.1`)
      return no(`the route to ${destination} leads to ${gateway}, and nobody is there; the lab's end is ${net}.1`)
    return {
      passed: true,
      saw: `what the container sends to ${destination} goes ${gateway ? `to ${gateway}` : 'straight'} through ${device}`,
    }
  },
  hints: [
    'The route is missing in the container. The lab has nothing to learn.',
    'The form is `ip route add default via ADDRESS`. The address is the one of a neighbour who knows the way.',
    '`inside box ip route add default via {{net}}.1`, and then the ping again.',
  ],
  solution: ['inside box ip route add default via {{net}}.1', 'inside box ping -c 1 -W 1 {{far}}'],
  leaves: ['inside box ip route replace default via {{net}}.1'],
  otherWays: [
    { name: 'a route to this one address', commands: ['inside box ip route add {{far}} via {{net}}.1 dev eth0'] },
    {
      name: 'without a gateway: all the world is on this cable',
      commands: ['inside box ip route add default dev eth0', 'inside box ping -c 1 -W 1 {{far}}'],
    },
  ],
  wrongWays: [
    {
      name: 'in the lab',
      commands: ['ip route add 192.0.2.0/24 via {{net}}.2'],
      saw: /stands in the lab's table, not in the container's/,
    },
    {
      name: 'to somebody who is not there',
      commands: ['inside box ip route add default via {{net}}.9'],
      saw: /nobody is there; the lab's end is/,
    },
    {
      name: 'to another network',
      commands: ['inside box ip route add 198.51.100.0/24 via {{net}}.1'],
      saw: /^no route of the container is for .* 198\.51\.100\.0\/24/,
    },
    {
      name: 'a route that refuses',
      commands: ['inside box ip route add unreachable {{far}}'],
      saw: /of the type unreachable/,
    },
  ],
}

const oldProcess = (scene: Scene) => sleeper(scene, scene.values.old!)

export const endTask: Task = {
  id: 'end',
  title: 'The end of a cable',
  check(scene) {
    const name = scene.values.oldCable!
    const process = oldProcess(scene)
    const link = linkOf(scene.lab.pid, name)
    if (process && !link) return no(`the cable ${name} is gone, but the process ${process.comm} of old is still there`)
    if (process?.state === 'T') return no(`the process of old is stopped, not ended; its network and ${name} are there`)
    if (process) return no(`the container old is there, and the cable ${name} leads to it`)
    if (link)
      return no(`the process of old has ended; the kernel has not cleared its network away yet, ${name} is there`)
    return { passed: true, saw: `the container old has ended, and with it the cable ${name}, both ends` }
  },
  hints: [
    'Its pid is in the file `old.pid`, as that of box is in `box.pid`.',
    '`kill $(cat old.pid)`, and then `ip link`.',
  ],
  solution: ['ip link show {{oldCable}}', 'kill $(cat old.pid)', 'sleep 0.2; ip link'],
  otherWays: [
    { name: 'from inside the network of old', commands: ['inside old sh -c "kill -9 $(cat old.pid)"'] },
    { name: 'by its name', commands: ['pkill -f "^sleep {{old}}"'] },
  ],
  wrongWays: [
    { name: 'the cable taken away by hand', commands: ['ip link del {{oldCable}}'], saw: /is gone, but the process/ },
    { name: 'stopped', commands: ['kill -STOP $(cat old.pid)'], saw: /is stopped, not ended/ },
    { name: 'switched off', commands: ['ip link set {{oldCable}} down'], saw: /^the container old is there/ },
  ],
}
