// Task 5, the control: the box of lesson 1 with the way out of it, and beside it one in which that way is shut.
import { formatNamespace, procNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { rootOf } from '../../toolkit/observe/process.ts'
import { identify } from '../../toolkit/observe/read.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { inhabitants } from '../look.ts'
import { apart } from './family.ts'

/** Where /proc/1/root leads for a process that has a proc at its /proc. */
const behindFirst = (pid: number): string | undefined => procNamespace(pid) && identify(`/proc/${pid}/root/proc/1/root`)

const isOurs = (scene: Scene, pid: number): boolean =>
  readNamespaces(pid)?.pid.inode === readNamespaces(scene.lab.pid)?.pid.inode

/** Whether the box of lesson 1 is as it was left; what is wrong with it. */
function oldBox(scene: Scene, inBox: readonly number[]): string | undefined {
  const old = inBox.filter(pid => isOurs(scene, pid))
  if (old.length === 0) return `the old box is empty, so there is nothing to compare with: 'chroot box sleep 1d &'`
  if (old.some(pid => behindFirst(pid) === rootOf(scene.lab.pid)?.id)) return undefined
  const shown = procNamespace(old[0]!)
  return shown
    ? `in the old box, too, /proc shows ${formatNamespace(shown)} now: it was mounted for all; 'umount ${BOX}/proc' in the lab takes that away`
    : `the old box has no proc any more; 'mount -t proc proc ${BOX}/proc' in the lab gives it one`
}

export const boxTask: Task = {
  id: 'box',
  title: 'The box again',
  check(scene) {
    const inBox = inhabitants(scene, BOX).map(({ pid }) => pid)
    const broken = oldBox(scene, inBox)
    if (broken !== undefined) return no(broken)
    const inside = apart(scene).filter(({ pid }) => inBox.includes(pid))
    const shut = inside.find(({ pid }) => behindFirst(pid) === rootOf(pid)?.id)
    if (shut)
      return {
        passed: true,
        saw: `in the old box /proc/1/root is the lab's root; for ${shut.comm} in ${formatNamespace(shut.pidNamespace)} it is ${BOX} itself`,
      }
    const open = inside[0]
    if (!open)
      return no(`all whose root is ${BOX} are in the pid namespace of the lab: for them, /proc/1/root leads out`)
    const own = formatNamespace(open.pidNamespace)
    const shown = procNamespace(open.pid)
    if (!shown) return no(`${open.comm} is in the box and in ${own}, but it has no proc there to look at`)
    if (shown.inode !== open.pidNamespace.inode)
      return no(
        `${open.comm} is in ${own}, but the proc in its box shows ${formatNamespace(shown)}: /proc/1/root leads out`,
      )
    return no(`the proc of ${open.comm} fits, but number 1 of ${own} has the root of the lab: /proc/1/root leads out`)
  },
  hints: [
    'Two things make the way out: processes of the lab in sight, and a number 1 that has the root of the lab.',
    '`--mount-proc=DIRECTORY` mounts the proc elsewhere than on /proc. And the first program can be `chroot`.',
    '`unshare --pid --fork --mount-proc=/lab/box/proc chroot …`',
    '`unshare --pid --fork --mount-proc=/lab/box/proc chroot box /bin/sh`',
  ],
  solution: ['unshare --pid --fork --mount-proc=/lab/box/proc chroot box /bin/sh'],
  otherWays: [
    {
      name: 'by hand, and number 1 becomes the shell in the box',
      commands: ['unshare --pid --fork --mount bash --norc', 'mount -t proc proc box/proc', 'exec chroot box /bin/sh'],
    },
    { name: 'unshare changes the root', commands: ['unshare -p -f --root=/lab/box --mount-proc /bin/sh'] },
  ],
  wrongWays: [
    {
      name: 'only the old box',
      commands: ['chroot box /bin/sh'],
      saw: /^all whose root is \/lab\/box are in the pid namespace of the lab/,
    },
    {
      name: 'number 1 stays outside',
      commands: ['unshare --pid --fork --mount-proc=/lab/box/proc bash --norc', 'chroot box /bin/sh'],
      saw: /number 1 of pid:\[\d+\] has the root of the lab/,
    },
    {
      name: 'the old proc',
      commands: ['unshare --pid --fork chroot box /bin/sh'],
      saw: /but the proc in its box shows pid:\[\d+\]: \/proc\/1\/root leads out/,
    },
    {
      name: 'mounted for all',
      commands: ['unshare --pid --fork chroot box /bin/sh', 'mount -t proc proc /proc'],
      saw: /^in the old box, too, \/proc shows pid:\[\d+\] now/,
    },
  ],
}
