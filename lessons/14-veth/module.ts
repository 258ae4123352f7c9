// Task 8: a second cable, by the module.
import { readLinks } from '../../toolkit/observe/links.ts'
import { no, type Task } from '../lesson.ts'
import { box, isCable, linkOf } from './look.ts'

const PAIR = "s/peer: { name: 'eth1' }/peer: { name: 'eth1', into: { process: 'pid' } }/"
const THERE = "for (const m of [address('eth1', '{{net2}}.2/24'), linkUp('eth1')]) there.request(m)"

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { second, net2 } = scene.values
    const inside = box(scene)
    if (!inside) return no('there is no container: no process in the lab has a network of its own; go back to task 1')
    const here = linkOf(scene.lab.pid, second!)
    if (!here) return no(`the lab has no link ${second} yet`)
    if (here.kind !== 'veth') return no(`the link ${second} is a ${here.kind}, not a veth`)
    const there = readLinks(inside.pid)?.find(link => isCable(here, link))
    if (!there)
      return no(
        `${here.peerNamespace === undefined ? 'both ends of the second cable are in the lab' : `${second} leads to another container`}; say \`into\`, and take ${second} away before you try again`,
      )
    if (there.name !== 'eth1') return no(`the end in the container is called ${there.name}, not eth1`)
    if (!there.up) return no(`eth1 is in the container, and switched off`)
    for (const [link, wanted] of [
      [here, `${net2}.1/24`],
      [there, `${net2}.2/24`],
    ] as const)
      if (!link.addresses.includes(wanted)) return no(`${link.name} is up, and does not have the address ${wanted}`)
    if (!here.up) return no(`${second} in the lab is switched off`)
    return { passed: true, saw: `a second cable leads from ${second} (${net2}.1) to eth1 (${net2}.2) in the container` }
  },
  hints: [
    'Two places are marked TODO. `into` of the peer says in which namespace that end is born.',
    "`peer: { name: 'eth1', into: { process: 'pid' } }` means: the namespace of the process in `context`.",
    "For the other place: `there.request(address('eth1', '{{net2}}.2/24'))`, then the same with `linkUp('eth1')`.",
    'Run it by `node cable.ts $(cat box.pid)`. If it says `File exists`: `ip link del {{second}}` first.',
  ],
  solution: [
    `sed -i "${PAIR}" cable.ts`,
    `sed -i "s|^// TODO: the end there.*|${THERE}|" cable.ts`,
    'node cable.ts $(cat box.pid)',
  ],
  otherWays: [
    {
      name: 'the program in the container’s network, by nsenter',
      commands: [
        `sed -i "${PAIR}" cable.ts`,
        'node cable.ts $(cat box.pid)',
        'inside box ip addr add {{net2}}.2/24 dev eth1 && inside box ip link set eth1 up',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'as it is',
      commands: ['node cable.ts $(cat box.pid)'],
      saw: /both ends of the second cable are in the lab/,
    },
    {
      name: 'only the pair',
      commands: [`sed -i "${PAIR}" cable.ts`, 'node cable.ts $(cat box.pid)'],
      saw: /eth1 is in the container, and switched off/,
    },
    {
      name: 'for another container',
      commands: [`sed -i "${PAIR}" cable.ts`, 'node cable.ts $(cat alone.pid)'],
      saw: /leads to another container/,
    },
  ],
}
