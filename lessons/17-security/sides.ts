// Task 5, the control: the box of the lessons before, whose root has all of root's power, and one with less, side by side.
import { deviceNumber } from '../../toolkit/kernel/device-number.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { DEFAULT_CAPABILITIES } from '../../toolkit/primitives/capabilities.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { findEntry, inhabitants } from '../look.ts'
import { few, type Rights, rightsOf, whole, without } from './rights.ts'

const MAJOR = 259

/** Whether the disk is there that somebody has made in the box; what is wrong with it. */
function disk(scene: Scene): string | undefined {
  const path = `${BOX}/disk`
  const found = findEntry(scene, path)
  if (!found && findEntry(scene, '/disk')?.isBlockDevice())
    return `there is a /disk in the root of the lab, and no ${path}: whoever made it was not in the box`
  if (!found) return `there is no ${path}: nobody has made a disk in a box yet`
  if (!found.isBlockDevice()) return `${path} is no block device`
  const { major, minor } = deviceNumber(found.rdev)
  return `${major}:${minor}` === `${MAJOR}:${scene.values.minor}` ? undefined : `${path} is the disk ${major}:${minor}`
}

/** Those in the box, in pid and mount namespaces that are not the lab's. */
function inBoxes(scene: Scene): Rights[] {
  const lab = readNamespaces(scene.lab.pid)
  return inhabitants(scene, BOX)
    .filter(({ pid }) => {
      const own = readNamespaces(pid)
      return own && own.pid.inode !== lab?.pid.inode && own.mnt.inode !== lab?.mnt.inode
    })
    .flatMap(({ pid }) => rightsOf(scene, pid) ?? [])
}

export const sidesTask: Task = {
  id: 'sides',
  title: 'The same box, with less of root',
  check(scene) {
    const all = whole(scene)
    const wanted = DEFAULT_CAPABILITIES.map(name => name.slice(4)).filter(
      name => name !== 'MKNOD' && all.includes(name),
    )
    const boxes = inBoxes(scene)
    if (!boxes.some(({ capabilities }) => capabilities.effective.length === all.length))
      return no('there is no box whose root has all of root’s power; the comparison needs one')
    const wrong = disk(scene)
    if (wrong !== undefined) return no(wrong)
    const less = boxes.filter(({ capabilities: { bounding } }) => bounding.length < all.length)
    const exact = less.find(({ capabilities: { bounding, effective } }) =>
      [bounding, effective].every(set => without(set, wanted).length + without(wanted, set).length === 0),
    )
    if (exact?.noNewPrivs)
      return {
        passed: true,
        saw: `root of the old box has made a disk; root of the new one has ${wanted.length} capabilities and can’t`,
      }
    if (exact) return no(`${exact.process.comm} in the new box has the right pieces, but could gain others by a file`)
    const [other] = less
    if (!other) return no('no process in a box of its own has less than all of root’s power')
    const more = without(other.capabilities.bounding, wanted)
    return more.length > 0
      ? no(`${other.process.comm} in the new box has ${few(more)} too much`)
      : no(`${other.process.comm} in the new box lacks ${few(without(wanted, other.capabilities.bounding))}`)
  },
  hints: [
    'The list is in the file `fourteen`, as setpriv wants it. One more word at its end takes one piece away again.',
    'Programs that start programs can be put in a row: `unshare … setpriv … chroot box /bin/sh`.',
    'The disk: `chroot box mknod /disk b 259 {{minor}}`. The new box needs `--mount --pid --fork` of unshare.',
    '`unshare --mount --pid --fork setpriv --no-new-privs --bounding-set $(cat fourteen),-mknod chroot box /bin/sh`',
  ],
  solution: [
    'unshare --mount --pid --fork chroot box mknod /disk b 259 {{minor}}',
    'unshare --mount --pid --fork setpriv --no-new-privs --bounding-set $(cat fourteen),-mknod chroot box /bin/sh',
  ],
  otherWays: [
    {
      name: 'into the old box, by nsenter',
      commands: [
        "nsenter --target $(pgrep -x -f '/bin/sleep {{old}}') --all chroot /lab/box /bin/mknod /disk b 259 {{minor}}",
        'setpriv --bounding-set $(cat fourteen),+sys_admin unshare --mount --pid --fork bash --norc',
        'exec setpriv --no-new-privs --bounding-set -sys_admin,-mknod chroot box /bin/sh',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'all fourteen',
      commands: [
        'chroot box mknod /disk b 259 {{minor}}',
        'unshare --mount --pid --fork setpriv --no-new-privs --bounding-set $(cat fourteen) chroot box /bin/sh',
      ],
      saw: /in the new box has MKNOD too much$/,
    },
    {
      name: 'rights by a file',
      commands: [
        'chroot box mknod /disk b 259 {{minor}}',
        'unshare --mount --pid --fork setpriv --bounding-set $(cat fourteen),-mknod chroot box /bin/sh',
      ],
      saw: /but could gain others by a file$/,
    },
    {
      name: 'hardly anything',
      commands: [
        'chroot box mknod /disk b 259 {{minor}}',
        'unshare --mount --pid --fork setpriv --bounding-set -all,+sys_chroot chroot box /bin/sh',
      ],
      saw: /in the new box lacks CHOWN/,
    },
    {
      name: 'into the namespaces of the old box, and not into its root',
      commands: ["nsenter --target $(pgrep -x -f '/bin/sleep {{old}}') --mount --pid mknod /disk b 259 {{minor}}"],
      saw: /whoever made it was not in the box$/,
    },
    {
      name: 'no disk',
      commands: [
        'unshare --mount --pid --fork setpriv --no-new-privs --bounding-set $(cat fourteen),-mknod chroot box /bin/sh',
      ],
      saw: /nobody has made a disk in a box yet$/,
    },
  ],
}
