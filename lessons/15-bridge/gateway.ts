// Task 3: out of the network, and no answer.
import { readCounters } from '../../toolkit/observe/counters.ts'
import { no, type Task } from '../lesson.ts'
import { unrouted } from './look.ts'

const GATEWAY = 'ip addr add {{net}}.1/24 dev {{bridge}}'
const ROUTES = 'for n in red blue; do inside $n ip route add default via {{net}}.1; done'
const FORWARD = 'echo 1 >/proc/sys/net/ipv4/ip_forward'

export const gatewayTask: Task = {
  id: 'gateway',
  title: 'A way out',
  check(scene) {
    const missing = unrouted(scene)
    if (missing !== undefined) return no(missing)
    const passed = readCounters(scene.lab.pid)?.Ip.ForwDatagrams ?? 0
    if (passed === 0) return no('the lab forwards, and there was nothing to forward yet: nobody has asked outside')
    return { passed: true, saw: `the lab is the gateway of red and blue, and has passed ${passed} packets on` }
  },
  hints: [
    'Three things: an address for the bridge itself, a default route in each container, and `ip_forward`.',
    'The bridge is a link of the lab like any other: `ip addr add {{net}}.1/24 dev {{bridge}}`.',
    '`inside red ip route add default via {{net}}.1`, and the same for blue.',
    `\`${FORWARD}\`, and then ask once more.`,
  ],
  solution: [GATEWAY, ROUTES, FORWARD, 'inside red ask {{server}} || true'],
  leaves: [
    'ip addr replace {{net}}.1/24 dev {{bridge}}',
    'for n in red blue; do inside $n ip route replace default via {{net}}.1; done',
    FORWARD,
  ],
  otherWays: [
    {
      name: 'by sysctl, and a ping',
      commands: [
        'busybox sysctl -w net.ipv4.ip_forward=1',
        GATEWAY,
        ROUTES,
        'inside blue ping -c 1 -W 1 {{server}} || true',
      ],
    },
  ],
  wrongWays: [
    { name: 'not forwarded', commands: [GATEWAY, ROUTES, 'inside red ask {{server}}'], saw: /ip_forward is 0/ },
    { name: 'no way in', commands: [GATEWAY, FORWARD, 'inside red ask {{server}}'], saw: /^red has no default route/ },
    {
      name: 'nobody there',
      commands: [ROUTES.replace('via {{net}}.1', 'dev eth0'), FORWARD],
      saw: /^the lab has no address in the network/,
    },
    {
      name: 'the address on a port of the bridge',
      commands: ['ip addr add {{net}}.1/24 dev red0', ROUTES, FORWARD],
      saw: /is an address of red0/,
    },
    { name: 'nobody has asked', commands: [GATEWAY, ROUTES, FORWARD], saw: /nobody has asked outside/ },
  ],
}
