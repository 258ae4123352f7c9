// Tasks 4 and 5: what else belongs to a stack (abstract names), and what does not follow into it (/sys).
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { list } from '../../toolkit/observe/read.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { listensAt, nameOf, ownStacks, stacks } from './stacks.ts'

export const socketTask: Task = {
  id: 'socket',
  title: 'A name without a file',
  check(scene) {
    const name = scene.values.socket!
    const all = stacks(scene)
    const holders = all.filter(stack => listensAt(stack, name))
    const apart = holders.find(({ ofLab }) => !ofLab)
    if (holders.some(({ ofLab }) => ofLab) && apart)
      return { passed: true, saw: `@${name} is listened at twice: in the stack of the lab, and in ${nameOf(apart)}` }
    if (apart) return no(`@${name} is there in ${nameOf(apart)} only, not in the stack of the lab`)
    if (holders.length > 0) return no(`@${name} is there in the stack of the lab only; the second has to be in another`)
    if (all.some(stack => listensAt(stack, `${name}-2`) || listensAt(stack, `${name}2`)))
      return no(`the second has another name than @${name}; the point is that it is the same`)
    return no(`nobody listens at the abstract name ${name}`)
  },
  hints: [
    'The first one: `node socket.ts listen {{socket}} &`. The `&` gives you the prompt back.',
    'The second is the same command, started in a network namespace of its own.',
    '`unshare --net node socket.ts listen {{socket}} &`',
  ],
  solution: ['node socket.ts listen {{socket}} &', 'unshare --net node socket.ts listen {{socket}} &'],
  otherWays: [
    {
      name: 'the second from a shell inside',
      commands: ['node socket.ts listen {{socket}} &', 'unshare --net bash', 'node socket.ts listen {{socket}} &'],
    },
    {
      name: 'in a namespace with a name, and that one first',
      commands: [
        'ip netns add spare',
        'ip netns exec spare node socket.ts listen {{socket}} &',
        'node socket.ts listen {{socket}} &',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'only one',
      commands: ['node socket.ts listen {{socket}} &'],
      saw: /in the stack of the lab only; the second has to be/,
    },
    {
      name: 'only the second',
      commands: ['unshare --net node socket.ts listen {{socket}} &'],
      saw: /only, not in the stack of the lab/,
    },
    { name: 'another name', commands: ['node socket.ts listen box &'], saw: /^nobody listens at the abstract name/ },
  ],
}

/** The interfaces that /sys shows a process; undefined where there is no sysfs on its /sys. */
function shownBySys(pid: number): string[] | undefined {
  // A mount point is a directory and no link, and what lies in a sysfs is the kernel's.
  return mountAt(pid, '/sys')?.fsType === 'sysfs' ? list(`/proc/${pid}/root/sys/class/net`) : undefined
}

const inMountsOfLab = (scene: Scene, pid: number): boolean =>
  readNamespaces(pid)?.mnt.inode === readNamespaces(scene.lab.pid)?.mnt.inode

export const sysTask: Task = {
  id: 'sys',
  title: 'What /sys still shows',
  check(scene) {
    const card = scene.values.card!
    if (!shownBySys(scene.lab.pid)?.includes(card))
      return no(`the lab’s own /sys does not show ${card} any more: the new one covers it for everybody; 'umount /sys'`)
    const candidates = ownStacks(scene).flatMap(stack => stack.processes.map(process => ({ stack, process })))
    const mended = candidates.find(({ process }) => shownBySys(process.pid)?.includes(card) === false)
    if (mended) {
      const names = shownBySys(mended.process.pid)!.join(' ')
      return { passed: true, saw: `${mended.process.comm} is in ${nameOf(mended.stack)}, and its /sys shows: ${names}` }
    }
    const own = candidates.find(({ process }) => !inMountsOfLab(scene, process.pid))
    if (own && !shownBySys(own.process.pid)) return no(`what ${own.process.comm} has on /sys is no sysfs`)
    if (own)
      return no(
        `${own.process.comm} has a stack and mounts of its own; its /sys is still the old one and shows ${card}`,
      )
    const apart = candidates[0]
    if (apart)
      return no(`${apart.process.comm} has a stack of its own, but the mounts of the lab: /sys shows ${card} to both`)
    return no('no process has a network stack of its own now')
  },
  hints: [
    'What `mount` does must not reach the lab. So the shell needs mounts of its own as well (lesson 5).',
    'In there, mount a new sysfs on `/sys`. It has the form of the mount of proc: `mount -t TYPE WORD DIRECTORY`.',
    '`unshare --net --mount bash`, then `mount -t sysfs sysfs /sys`.',
  ],
  solution: ['unshare --net --mount bash', 'mount -t sysfs sysfs /sys', 'ls /sys/class/net'],
  otherWays: [
    {
      name: 'the one, then the other',
      commands: ['unshare --net bash', 'unshare --mount bash', 'mount -t sysfs -o ro nothing /sys'],
    },
    { name: 'by the tool that does both', commands: ['ip netns add spare', 'ip netns exec spare bash'] },
  ],
  wrongWays: [
    {
      name: 'no mounts of its own',
      commands: ['unshare --net bash', 'mount -t sysfs sysfs /sys'],
      saw: /the new one covers it for everybody/,
    },
    {
      name: 'nothing mounted',
      commands: ['unshare --net bash', 'ls /sys/class/net'],
      saw: /but the mounts of the lab/,
    },
    {
      name: 'the old one again',
      commands: ['unshare --net --mount bash', 'mount --bind /sys /sys'],
      saw: /is still the old one and shows/,
    },
    {
      name: 'a proc',
      commands: ['unshare --net --mount bash', 'mount -t proc proc /sys'],
      saw: /on \/sys is no sysfs/,
    },
  ],
}
