// Task 5: what a chroot does not separate, the host name and the network.
import { readLinks } from '../../toolkit/observe/links.ts'
import { formatNamespace, type NamespaceType, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'

/** A process of the lab that has another namespace of this type than the lab, and that namespace. */
function apart(scene: Scene, type: NamespaceType): { process: Stat; namespace: string } | undefined {
  const shared = readNamespaces(scene.lab.pid)?.[type].inode
  for (const process of labProcesses(scene)) {
    const own = readNamespaces(process.pid)?.[type]
    if (own && own.inode !== shared) return { process, namespace: formatNamespace(own) }
  }
  return undefined
}

/** Whether the lab has the wanted host name; what is wrong where not. */
function hostnameProblem(scene: Scene): string | undefined {
  const wanted = scene.values.hostname!
  const hostname = readUts(scene.lab.pid)?.hostname
  if (hostname === wanted) return undefined
  const other = apart(scene, 'uts')
  const there = other && readUts(other.process.pid)?.hostname
  if (other && there === wanted)
    return `the name is ${wanted} only for ${other.process.comm}, in a UTS namespace of its own (${other.namespace}); the lab is still called ${hostname}`
  if (hostname?.toLowerCase().includes(wanted.split('-')[0]!))
    return `the kernel says ${hostname}; the task asks for ${wanted}, letter by letter`
  if (hostname !== 'lab') return `the host name is ${hostname} now; the task asks for ${wanted}`
  return `the kernel still has the host name ${hostname}, not ${wanted}; a name written into a file does not reach it`
}

/** The same for the address. */
function addressProblem(scene: Scene): string | undefined {
  const wanted = scene.values.address!
  const has = (pid: number) =>
    readLinks(pid)
      ?.filter(({ addresses }) => addresses.some(address => address.split('/')[0] === wanted))
      .map(({ name }) => name) ?? []
  const lo = readLinks(scene.lab.pid)?.find(({ loopback }) => loopback)
  const holders = has(scene.lab.pid)
  if (lo && holders.includes(lo.name)) return undefined
  if (holders[0]) return `${wanted} is an address of ${holders[0]}; the task asks for it on lo`
  const other = apart(scene, 'net')
  if (other && has(other.process.pid).length > 0)
    return `${wanted} is there only for ${other.process.comm}, in a network namespace of its own (${other.namespace}); the lab does not have it`
  if (!lo?.up) return 'the interface lo is switched off in the lab; its addresses do not count before it is up'
  return `the interface lo is up in the lab and has ${lo.addresses.join(', ') || 'no address'}, but not ${wanted}`
}

export const machineTask: Task = {
  id: 'machine',
  title: 'The same name, the same network',
  check(scene) {
    const { hostname, address } = scene.values
    const problem = hostnameProblem(scene)
    if (problem !== undefined) return no(problem)
    const next = addressProblem(scene)
    if (next !== undefined) return no(`the lab is called ${hostname}; ${next}`)
    return { passed: true, saw: `the whole lab is called ${hostname}, and its interface lo has the address ${address}` }
  },
  hints: [
    'Go into the box: `chroot box /bin/sh`. busybox has the commands `hostname` and `ip`.',
    '`hostname NEW-NAME` sets the name. Only root may do that, and inside the box you are root.',
    'For the address: `ip addr add ADDRESS dev INTERFACE`. The interface is `lo`. Add `/32` to the address: this one and no other.',
    '`ip addr add {{address}}/32 dev lo`. If `ip addr` shows `lo` as DOWN, say `ip link set lo up`.',
  ],
  solution: [
    'chroot box /bin/sh',
    'hostname {{hostname}}',
    'ip addr add {{address}}/32 dev lo',
    'ip link set lo up',
    'exit',
    'hostname',
  ],
  otherWays: [
    {
      name: 'through a file that is the kernel’s own, and with a wider mask',
      needsRoot: 'the file belongs to the host’s root',
      commands: [
        'echo {{hostname}} >/proc/sys/kernel/hostname',
        'chroot box /bin/ip link set lo up',
        'chroot box /bin/ip addr add {{address}}/8 dev lo',
      ],
    },
    {
      name: 'without a shell inside',
      commands: ['chroot box /bin/hostname {{hostname}}', 'chroot box /bin/ip addr add {{address}}/32 dev lo'],
    },
  ],
  wrongWays: [
    {
      name: 'written into a file',
      commands: ['mkdir -p box/etc', 'chroot box /bin/sh', 'echo {{hostname}} >/etc/hostname'],
      saw: /still has the host name .*written into a file does not reach it/,
    },
    {
      name: 'in a UTS namespace',
      commands: ['unshare --uts chroot box /bin/sh', 'hostname {{hostname}}'],
      saw: /only for \w+, in a UTS namespace of its own \(uts:\[\d+\]\)/,
    },
    {
      name: 'mistyped',
      commands: ['chroot box /bin/sh', 'hostname {{hostname}}x'],
      saw: /letter by letter/,
    },
    { name: 'another name', commands: ['hostname elsewhere'], saw: /host name is elsewhere now; the task asks for/ },
    {
      name: 'in a network namespace',
      commands: [
        'hostname {{hostname}}',
        'unshare --net chroot box /bin/sh',
        'ip addr add {{address}}/32 dev lo',
        'ip link set lo up',
      ],
      saw: /only for \w+, in a network namespace of its own \(net:\[\d+\]\)/,
    },
    {
      name: 'another address',
      commands: [
        'chroot box /bin/sh',
        'hostname {{hostname}}',
        'ip addr add 203.0.113.9/32 dev lo',
        'ip link set lo up',
      ],
      saw: /203\.0\.113\.9.* but not 10\./,
    },
    {
      name: 'lo is down',
      commands: [
        'chroot box /bin/sh',
        'hostname {{hostname}}',
        'ip addr add {{address}}/32 dev lo',
        'ip link set lo down',
      ],
      saw: /lo is switched off/,
    },
  ],
}
