// Tasks 6 and 7: a namespace that a file keeps, and the module.
import { closeSync, openSync } from 'node:fs'
import { type Link, readLinksOf } from '../../toolkit/observe/links.ts'
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { orGone } from '../../toolkit/observe/read.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, isFound } from '../look.ts'
import { loopbackIsUp, nameOf, servers, stacks } from './stacks.ts'

/** The links of the network namespace that is mounted at a path of the lab. */
function linksAt(scene: Scene, path: string): Link[] {
  const found = find(scene, path)
  const fd = isFound(found) ? orGone(() => openSync(found.hostPath, 'r')) : undefined
  if (fd === undefined) return []
  try {
    return readLinksOf(fd)
  } finally {
    closeSync(fd)
  }
}

export const keepTask: Task = {
  id: 'keep',
  title: 'A namespace without a process',
  check(scene) {
    const { keep, address } = scene.values as { keep: string; address: string }
    const path = `/run/netns/${keep}`
    const mounted = mountAt(scene.lab.pid, path)
    if (!mounted) {
      if (!findEntry(scene, path)) return no(`there is no ${path}`)
      return no(`there is a file ${path}, but nothing is mounted on it: it keeps nothing alive`)
    }
    const [, inode] = /^net:\[(\d+)\]$/.exec(mounted.root) ?? []
    if (inode === undefined) return no(`what is mounted on ${path} is no network namespace`)
    if (Number(inode) === readNamespaces(scene.lab.pid)?.net.inode)
      return no(`${path} keeps ${mounted.root}, which is the lab’s own network namespace`)
    const inside = stacks(scene).find(({ namespace }) => namespace.inode === Number(inode))
    if (inside) return no(`${path} keeps ${mounted.root}; ${inside.processes.at(-1)!.comm} is still in there`)
    const lo = linksAt(scene, path).find(({ loopback }) => loopback)
    if (!lo?.up) return no(`${path} keeps ${mounted.root} without a process; lo is down in there`)
    if (!lo.addresses.some(text => text.split('/')[0] === address))
      return no(
        `${path} keeps ${mounted.root} without a process; lo has ${lo.addresses.join(', ')}, and not ${address}`,
      )
    return { passed: true, saw: `${path} keeps ${mounted.root}: no process is in it, and lo still has ${address}` }
  },
  hints: [
    'A mount needs something to be mounted on. For a file that is a file, and it may be empty: `touch`.',
    'In a shell with a stack of its own, `/proc/self/ns/net` is what you want to keep. The mount is a bind mount.',
    '`mount --bind /proc/self/ns/net /run/netns/{{keep}}`; before that the address, after that `exit`.',
  ],
  solution: [
    'mkdir -p /run/netns',
    'touch /run/netns/{{keep}}',
    'unshare --net bash',
    'ip link set lo up',
    'ip addr add {{address}}/32 dev lo',
    'mount --bind /proc/self/ns/net /run/netns/{{keep}}',
    'exit',
  ],
  otherWays: [
    {
      name: 'with ip netns',
      commands: [
        'ip netns add {{keep}}',
        'ip -n {{keep}} link set lo up',
        'ip netns exec {{keep}} ip addr add {{address}}/32 dev lo',
      ],
    },
    {
      name: 'with unshare alone',
      commands: [
        'mkdir -p /run/netns && touch /run/netns/{{keep}}',
        'unshare --net=/run/netns/{{keep}} ip link set lo up',
        'nsenter --net=/run/netns/{{keep}} ip addr add {{address}}/8 dev lo',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the lab’s own',
      commands: [
        'mkdir -p /run/netns && touch /run/netns/{{keep}}',
        'mount --bind /proc/self/ns/net /run/netns/{{keep}}',
      ],
      saw: /which is the lab’s own network namespace/,
    },
    {
      name: 'a link instead of a mount',
      commands: ['mkdir -p /run/netns', 'unshare --net bash', 'ln -s /proc/$$/ns/net /run/netns/{{keep}}', 'exit'],
      saw: /but nothing is mounted on it/,
    },
    {
      name: 'stayed inside',
      commands: [
        'mkdir -p /run/netns && touch /run/netns/{{keep}}',
        'unshare --net=/run/netns/{{keep}} bash',
        'ip link set lo up',
      ],
      saw: /bash is still in there/,
    },
    {
      name: 'no address',
      commands: ['ip netns add {{keep}}', 'ip -n {{keep}} link set lo up'],
      saw: /lo has 127\.0\.0\.1\/8, ::1\/128, and not|lo has 127\.0\.0\.1\/8, and not/,
    },
    {
      name: 'not switched on',
      commands: ['ip netns add {{keep}}', 'ip -n {{keep}} addr add {{address}}/32 dev lo'],
      saw: /without a process; lo is down in there/,
    },
    {
      name: 'another namespace',
      commands: [
        'mkdir -p /run/netns && touch /run/netns/{{keep}}',
        'mount --bind /proc/self/ns/uts /run/netns/{{keep}}',
      ],
      saw: /is no network namespace$/,
    },
  ],
}

const NAMESPACE = `sed -i 's/namespaces: .*/namespaces: [net.namespace],/' box.ts`
const STEPS = `sed -i 's/\\/\\/ TODO: lo is down.*/...net.loopbackUp(),/' box.ts`

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const door = Number(scene.values.door)
    const here = servers(scene).filter(({ port }) => port === door)
    const apart = here.find(({ stack }) => !stack.ofLab)
    if (!apart) {
      if (here[0]) return no(`${here[0].process.comm} listens on port ${door} in the stack of the lab`)
      return no(`nobody listens on port ${door}`)
    }
    if (!loopbackIsUp(apart.stack))
      return no(`${apart.process.comm} listens on port ${door} in ${nameOf(apart.stack)}, and lo is down there`)
    return {
      passed: true,
      saw: `${apart.process.comm} listens on port ${door} in ${nameOf(apart.stack)}, and lo is up there`,
    }
  },
  hints: [
    'Two lines of `box.ts` say TODO: what the process is born in, and what it does before it becomes the server.',
    'The module exports `namespace`, a value, and `loopbackUp`, a function that returns a list of steps.',
    '`namespaces: [net.namespace],` and, in the list of steps before `server`, `...net.loopbackUp(),`',
    'It runs with `node box.ts &`.',
  ],
  solution: [NAMESPACE, STEPS, 'node box.ts &'],
  otherWays: [
    {
      name: 'the namespace from unshare, the step from the module',
      commands: [STEPS, 'unshare --net node box.ts &'],
    },
  ],
  wrongWays: [
    { name: 'as it is', commands: ['node box.ts &'], saw: /in the stack of the lab$/ },
    { name: 'lo is down', commands: [NAMESPACE, 'node box.ts &'], saw: /and lo is down there$/ },
    { name: 'not run', commands: [NAMESPACE, STEPS], saw: /^nobody listens on port/ },
  ],
}
