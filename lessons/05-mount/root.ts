// Tasks 5 and 6: another root by pivot_root; and, the control, both ways out of lesson 1's box beside it.
import { formatNamespace, procNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { isAtTop, rootOf } from '../../toolkit/observe/process.ts'
import { identify } from '../../toolkit/observe/read.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { inhabitants } from '../look.ts'
import { apart, at, labMounts, type Table } from './tables.ts'

/** Those in the box that have a mount table of their own. */
export function boxed(scene: Scene): Table[] {
  const inBox = new Set(inhabitants(scene, BOX).map(({ pid }) => pid))
  return apart(scene).filter(({ process }) => inBox.has(process.pid))
}

/** What of the lab's tree is left for a process whose root is the box; undefined: nothing. */
export function remainder(scene: Scene, { process: { comm, pid }, mounts }: Table): string | undefined {
  const labRoot = at(labMounts(scene), '/')
  const old = mounts.find(({ device, root }) => device === labRoot?.device && root === labRoot.root)
  if (old && old.mountPoint !== '/')
    return `${comm} has ${BOX} as its root, and the old root is still mounted on ${old.mountPoint}`
  if (old) return `for ${comm} the old root is still mounted at /, on top of the new one; 'umount -l .' takes it away`
  if (!isAtTop(pid)) return `${comm} has ${BOX} as its root by chroot alone: the lab's tree is mounted above it`
  return undefined
}

const SHELL = ['exec /bin/sh', 'cd /']

export const pivotTask: Task = {
  id: 'pivot',
  title: 'Another root, by hand',
  check(scene) {
    const tables = boxed(scene)
    const free = tables.find(table => remainder(scene, table) === undefined)
    if (free)
      return {
        passed: true,
        saw: `${BOX} is the root of the mount table of ${free.process.comm}, and nothing lies above it`,
      }
    if (tables[0]) return no(remainder(scene, tables[0])!)
    const table = apart(scene)[0]
    if (!table) return no('every process of yours has the mount table of the lab')
    return no(
      at(table.mounts, BOX)?.root.endsWith('/box')
        ? `in the table of ${table.process.comm}, ${BOX} is a mount point now, but not the root`
        : `in the table of ${table.process.comm}, ${BOX} is not even a mount point`,
    )
  },
  hints: [
    'A directory becomes a mount point when it is mounted on itself: `mount --bind box box`.',
    '`cd box`, `mkdir old`, and then `pivot_root . old`. The shell is still the bash of the lab: `exec /bin/sh`.',
    '`cd /`, and `umount -l /old`. The option `-l` takes all that is mounted below along.',
  ],
  solution: [
    'unshare --mount bash --norc',
    'mount --bind box box',
    'cd box',
    'mkdir -p old',
    'pivot_root . old',
    ...SHELL,
    'umount -l /old',
  ],
  otherWays: [
    {
      name: 'in two dots',
      commands: [
        'unshare --mount bash --norc',
        'mount --bind box box',
        'cd box',
        'pivot_root . .',
        'umount -l .',
        ...SHELL,
      ],
    },
    {
      name: 'from outside of it, and with all that is mounted below',
      commands: [
        'unshare --mount --pid --fork bash --norc',
        'mount --rbind box box',
        'busybox pivot_root box box/mnt',
        'exec /bin/sh',
        'cd / && umount -l /mnt',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'chroot',
      commands: ['unshare --mount bash --norc', 'mount --bind box box', 'chroot box /bin/sh'],
      saw: /by chroot alone/,
    },
    {
      name: 'the old root left',
      commands: ['unshare --mount bash --norc', 'mount --bind box box', 'cd box', 'pivot_root . tmp', ...SHELL],
      saw: /still mounted on \/tmp/,
    },
    {
      name: 'the old root left on top',
      commands: ['unshare --mount bash --norc', 'mount --bind box box', 'cd box', 'pivot_root . .'],
      saw: /still mounted at \/, on top/,
    },
    {
      name: 'no mount point',
      commands: ['unshare --mount bash --norc', 'cd box', 'pivot_root . tmp'],
      saw: /is not even a mount point/,
    },
    {
      name: 'no further',
      commands: ['unshare --mount bash --norc', 'mount --bind box box', 'cd box'],
      saw: /is a mount point now, but not the root/,
    },
    {
      name: 'in the lab itself',
      commands: ['mount --bind box box', 'pivot_root box box/tmp'],
      saw: /^every process of yours has the mount table/,
    },
  ],
}

/** What /proc/1/root is for a process; undefined without a proc. */
const behindFirst = (pid: number): string | undefined => procNamespace(pid) && identify(`/proc/${pid}/root/proc/1/root`)

export const escapeTask: Task = {
  id: 'escape',
  title: 'Both ways out',
  needsRoot: 'a new /proc is for those who can see all of the old one',
  check(scene) {
    const labRoot = rootOf(scene.lab.pid)?.id
    const ours = readNamespaces(scene.lab.pid)
    const old = inhabitants(scene, BOX).find(({ pid }) => readNamespaces(pid)?.mnt.inode === ours?.mnt.inode)
    if (!old) return no(`the old box is empty, so there is nothing to compare with: 'chroot box sleep 1d &' in the lab`)
    if (behindFirst(old.pid) !== labRoot)
      return no(`the old box has lost its proc; 'mount -t proc proc ${BOX}/proc' in the lab gives it one`)
    const tables = boxed(scene)
    const pivoted = tables.filter(table => remainder(scene, table) === undefined)
    if (!pivoted[0]) return no(tables[0] ? remainder(scene, tables[0])! : `only the old box has ${BOX} as its root`)
    const inside = pivoted.find(({ process }) => readNamespaces(process.pid)?.pid.inode !== ours?.pid.inode)
    if (!inside) return no(`${pivoted[0].process.comm} has no tree above it, but is in the pid namespace of the lab`)
    const { comm, pid } = inside.process
    const own = readNamespaces(pid)?.pid
    const shown = procNamespace(pid)
    if (!own || !shown) return no(`${comm} has no tree above it, but no proc either to look at`)
    if (shown.inode !== own.inode)
      return no(`${comm} has no tree above it, but its proc shows ${formatNamespace(shown)}, not its own`)
    if (behindFirst(pid) !== rootOf(pid)?.id)
      return no(`number 1 of ${formatNamespace(own)} has another root than ${comm}: /proc/1/root leads there`)
    return {
      passed: true,
      saw: `out of the old box two ways lead to the lab; above ${comm} there is nothing, and its /proc/1/root is ${BOX}`,
    }
  },
  hints: [
    'All of the task before, and around it the pid namespace of lesson 4. Number 1 should be the shell that pivots.',
    'Begin with `unshare --mount --pid --fork bash --norc`.',
    'After `pivot_root . .`: `umount -l .`, `exec /bin/sh`, `cd /`. And last, `mount -t proc proc /proc`.',
  ],
  solution: [
    'unshare --mount --pid --fork bash --norc',
    'mount --bind box box',
    'cd box',
    'pivot_root . .',
    'umount -l .',
    ...SHELL,
    'mount -t proc proc /proc',
  ],
  otherWays: [
    {
      name: 'the proc before the root, and a directory for the old one',
      commands: [
        'unshare --pid --fork --mount-proc=/lab/box/proc bash --norc',
        'mount --rbind box box',
        'cd box && mkdir -p old && pivot_root . old',
        ...SHELL,
        'umount -l /old',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'without a pid namespace',
      commands: [
        'unshare --mount bash --norc',
        'mount --bind box box',
        'cd box',
        'pivot_root . .',
        'umount -l .',
        ...SHELL,
        'mount -t proc proc /proc',
      ],
      saw: /but is in the pid namespace of the lab/,
    },
    {
      name: 'no proc',
      commands: [
        'unshare --mount --pid --fork bash --norc',
        'mount --bind box box',
        'cd box',
        'pivot_root . .',
        'umount -l .',
        ...SHELL,
      ],
      saw: /but no proc either/,
    },
    {
      name: 'the proc of the old box',
      commands: [
        'unshare --mount --pid --fork bash --norc',
        'mount --rbind box box',
        'cd box',
        'pivot_root . .',
        'umount -l .',
        ...SHELL,
      ],
      saw: /but its proc shows pid:\[\d+\], not its own/,
    },
    {
      name: 'the box of lesson 4',
      commands: ['unshare --pid --fork --mount-proc=/lab/box/proc chroot box /bin/sh'],
      saw: /by chroot alone/,
    },
  ],
}
