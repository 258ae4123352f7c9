// Task 6: out of the chroot again.
import { cwdOf, processes, rootOf, type Stat } from '../../toolkit/observe/process.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, idOf, inhabitants, isFound, labProcesses } from '../look.ts'

/** A process with the lab's root that was started by one with the box's: nothing but an escape leads there. */
function escaped(scene: Scene): { out: Stat; from: Stat } | undefined {
  const labRoot = rootOf(scene.lab.pid)?.id
  const prisoners = new Map(inhabitants(scene, BOX).map(stat => [stat.pid, stat]))
  if (prisoners.size === 0) return undefined
  const parents = new Map(processes().map(({ pid, ppid }) => [pid, ppid]))
  for (const out of labProcesses(scene)) {
    if (rootOf(out.pid)?.id !== labRoot) continue
    for (let pid = parents.get(out.pid); pid; pid = parents.get(pid)) {
      const from = prisoners.get(pid)
      if (from) return { out, from }
    }
  }
  return undefined
}

export const escapeTask: Task = {
  id: 'escape',
  title: 'Break out',
  check(scene) {
    if (!findEntry(scene, BOX)) return no(`there is no ${BOX}; go back to task 3, or reset the lab`)
    const way = escaped(scene)
    if (way)
      return {
        passed: true,
        saw: `the process ${way.out.comm} has the root of the lab, and was started by ${way.from.comm}, whose root is ${BOX}`,
      }
    const inside = inhabitants(scene, BOX)
    if (inside.length === 0)
      return no(`no process has ${BOX} as its root: go in, and start the other shell from in there, without exec`)
    const box = find(scene, BOX)
    const outside = inside.find(({ pid }) => !isBelowRoot(pid))
    if (outside)
      return no(
        `the working directory of ${outside.comm} is outside already; its root is still ${BOX}: chroot to where it stands`,
      )
    const deeper = isFound(box) && inside.length > 1 && inside.every(({ root }) => root.id === idOf(box))
    if (deeper)
      return no(
        `the process ${inside.at(-1)!.comm}, too, has ${BOX} as its root: inside, / and the box are the same directory`,
      )
    return no(`the only process in there, ${inside[0]!.comm}, has ${BOX} as its root, and has started nothing outside`)
  },
  hints: [
    'A process whose root is the true one: the first process of the lab. It has pid 1.',
    'Inside the box, look at `ls /proc/1/root/`. (If /proc is empty there, mount it: see two tasks back.)',
    '`chroot` takes any directory, and `/proc/1/root` is one. Name the shell by a path that exists out there.',
  ],
  solution: ['chroot box /bin/sh', 'chroot /proc/1/root /bin/bash'],
  otherWays: [
    {
      name: 'the working directory first',
      commands: ['chroot box /bin/sh', 'cd /proc/1/root', 'chroot . /bin/sh'],
    },
    {
      name: 'by the mount namespace of pid 1',
      commands: ['chroot box /bin/sh', 'nsenter -t 1 -m /bin/bash'],
    },
    {
      name: 'the classic way: the root moved below',
      commands: [
        'mkdir -p box/deep && cp --parents $(ldd /usr/bin/perl | grep -o "/[^ ]*") /usr/bin/perl box',
        'mkdir -p box/dev && touch box/dev/null',
        'chroot box /bin/sh',
        `LC_ALL=C /usr/bin/perl -e 'chroot "deep"; chdir ".." for 1..9; chroot "."; exec "/bin/bash"'`,
      ],
    },
  ],
  wrongWays: [
    {
      name: 'upwards',
      commands: ['chroot box /bin/sh', 'cd ../../..'],
      saw: /the only process in there, sh, has \/lab\/box as its root/,
    },
    {
      name: 'to the root, by its name inside',
      commands: ['chroot box /bin/sh', 'chroot / /bin/sh'],
      saw: /too, has \/lab\/box as its root: inside, \/ and the box are the same/,
    },
    {
      name: 'only the working directory',
      commands: ['chroot box /bin/sh', 'cd /proc/1/root'],
      saw: /working directory of sh is outside already/,
    },
    {
      name: 'by leaving',
      commands: ['chroot box /bin/sh', 'exit', 'cd /'],
      saw: /no process has \/lab\/box as its root/,
    },
  ],
}

/** Whether a process stands below its own root: the kernel says so by the text of the link. */
export function isBelowRoot(pid: number): boolean {
  const [root, cwd] = [rootOf(pid)?.path, cwdOf(pid)?.path]
  if (root === undefined || cwd === undefined) return true
  return cwd === root || cwd.startsWith(root === '/' ? '/' : `${root}/`)
}
