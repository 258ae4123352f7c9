// Tasks 5 and 6: what a chroot does not separate, the host name and the network.
import { readLinks } from '../../toolkit/observe/links.ts'
import { formatNamespace, type NamespaceType, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import type { Scene, Task, Verdict } from '../lesson.ts'
import { labProcesses } from '../look.ts'

const no = (saw: string): Verdict => ({ passed: false, saw })

/** A process of the lab that has another namespace of this type than the lab, and that namespace. */
function apart(scene: Scene, type: NamespaceType): { process: Stat; namespace: string } | undefined {
  const shared = readNamespaces(scene.lab.pid)?.[type].inode
  for (const process of labProcesses(scene)) {
    const own = readNamespaces(process.pid)?.[type]
    if (own && own.inode !== shared) return { process, namespace: formatNamespace(own) }
  }
  return undefined
}

export const hostnameTask: Task = {
  id: 'hostname',
  title: 'The same host name',
  check(scene) {
    const wanted = scene.values.hostname!
    const hostname = readUts(scene.lab.pid)?.hostname
    if (hostname === wanted) return { passed: true, saw: `the host name of the whole lab is ${wanted}` }
    const other = apart(scene, 'uts')
    const there = other && readUts(other.process.pid)?.hostname
    if (other && there === wanted)
      return no(
        `the name is ${wanted} only for ${other.process.comm}, in a UTS namespace of its own (${other.namespace}); the lab is still called ${hostname}`,
      )
    if (hostname?.toLowerCase().includes(wanted.split('-')[0]!))
      return no(`the kernel says ${hostname}; the task asks for ${wanted}, letter by letter`)
    if (hostname !== 'lab') return no(`the host name is ${hostname} now; the task asks for ${wanted}`)
    return no(
      `the kernel still has the host name ${hostname}, not ${wanted}; a name written into a file does not reach it`,
    )
  },
  hints: [
    'Go into the box: `chroot box /bin/sh`. busybox has the command `hostname`.',
    '`hostname NEW-NAME` sets it. Only root may do that, and inside the box you are root.',
  ],
  solution: ['chroot box /bin/sh', 'hostname {{hostname}}', 'exit', 'hostname'],
  otherWays: [
    { name: 'through a file that is the kernel’s own', commands: ['echo {{hostname}} >/proc/sys/kernel/hostname'] },
    { name: 'without a shell inside', commands: ['chroot box /bin/hostname {{hostname}}'] },
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
  ],
}

export const networkTask: Task = {
  id: 'network',
  title: 'The same network',
  check(scene) {
    const wanted = scene.values.address!
    const has = (pid: number) =>
      readLinks(pid)
        ?.filter(({ addresses }) => addresses.some(address => address.split('/')[0] === wanted))
        .map(({ name }) => name) ?? []
    const links = readLinks(scene.lab.pid) ?? []
    const lo = links.find(({ loopback }) => loopback)
    const holders = has(scene.lab.pid)
    if (lo && holders.includes(lo.name))
      return { passed: true, saw: `the interface lo of the whole lab has the address ${wanted}` }
    if (holders[0]) return no(`${wanted} is an address of ${holders[0]}; the task asks for it on lo`)
    const other = apart(scene, 'net')
    if (other && has(other.process.pid).length > 0)
      return no(
        `${wanted} is there only for ${other.process.comm}, in a network namespace of its own (${other.namespace}); the lab does not have it`,
      )
    if (!lo?.up) return no('the interface lo is switched off in the lab; its addresses do not count before it is up')
    return no(`the interface lo is up in the lab and has ${lo.addresses.join(', ') || 'no address'}, but not ${wanted}`)
  },
  hints: [
    'The command has the form `ip addr add ADDRESS dev INTERFACE`.',
    'The interface is `lo`. Add `/32` to the address: this one and no other.',
    'If `ip addr` shows `lo` as DOWN, say `ip link set lo up`.',
  ],
  solution: ['chroot box /bin/sh', 'ip addr add {{address}}/32 dev lo', 'ip link set lo up', 'exit'],
  otherWays: [
    {
      name: 'with a wider mask, and lo switched on first',
      commands: ['chroot box /bin/ip link set lo up', 'chroot box /bin/ip addr add {{address}}/8 dev lo'],
    },
  ],
  wrongWays: [
    {
      name: 'in a network namespace',
      commands: ['unshare --net chroot box /bin/sh', 'ip addr add {{address}}/32 dev lo', 'ip link set lo up'],
      saw: /only for \w+, in a network namespace of its own \(net:\[\d+\]\)/,
    },
    {
      name: 'another address',
      commands: ['chroot box /bin/sh', 'ip addr add 203.0.113.9/32 dev lo', 'ip link set lo up'],
      saw: /203\.0\.113\.9.* but not 10\./,
    },
    {
      name: 'lo is down',
      commands: ['chroot box /bin/sh', 'ip addr add {{address}}/32 dev lo', 'ip link set lo down'],
      saw: /lo is switched off/,
    },
  ],
}
