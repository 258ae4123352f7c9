// Task 7: the module, in the learner's file.
import { BOX } from '../box.ts'
import { no, type Task } from '../lesson.ts'
import { boxed, remainder } from './root.ts'
import { at, has, labMounts } from './tables.ts'

const PRIVATE = "sed -i 's|// TODO: no mount.*|...mount.makePrivate(),|' box.ts"
const PIVOT = `sed -i 's|// TODO: the box.*|...mount.pivotRoot("/lab/box"),|' box.ts`
const DETACH = "sed -i 's|// TODO: the old.*|...mount.detachOldRoot(),|' box.ts"
const READ_ONLY = "sed -i 's|// TODO: nobody.*|...mount.makeReadOnly(),|' box.ts"

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { tmp } = scene.values
    if (has(labMounts(scene), `${BOX}/tmp`, tmp))
      return no(`${tmp} is on ${BOX}/tmp of the whole lab; 'umount ${BOX}/tmp' there`)
    // whatever covers it: an old root that is still on top does
    const tables = boxed(scene).filter(({ mounts }) => mounts.some(({ source }) => source === tmp))
    const table = tables.find(table => remainder(scene, table) === undefined) ?? tables[0]
    if (!table)
      return no(
        `no process whose root is ${BOX} has ${tmp} on /tmp; 'node box.ts' starts one, when nothing in it fails`,
      )
    const rest = remainder(scene, table)
    if (rest !== undefined) return no(rest)
    const { comm } = table.process
    if (!at(table.mounts, '/')?.options.includes('ro'))
      return no(`nothing lies above the root of ${comm}, but its root can be written to`)
    if (at(table.mounts, '/tmp')?.options.includes('ro')) return no(`${comm} cannot write to /tmp either`)
    return { passed: true, saw: `nothing lies above the root of ${comm}, it is read-only, and ${tmp} is on /tmp` }
  },
  hints: [
    'Four functions of the module are missing: `makePrivate`, `pivotRoot`, `detachOldRoot`, `makeReadOnly`.',
    'Each gives a list of steps, so it is written `...mount.makePrivate(),`. Only `pivotRoot` wants an argument.',
    "`...mount.pivotRoot('/lab/box'),`",
  ],
  solution: [PRIVATE, PIVOT, DETACH, READ_ONLY, 'node box.ts'],
  otherWays: [
    {
      name: 'by hand',
      needsRoot: 'a new /proc is for those who can see all of the old one',
      commands: [
        'unshare --mount bash --norc',
        'mount --bind box box',
        'cd box',
        'pivot_root . .',
        'umount -l .',
        ...['exec /bin/sh', 'cd /'],
        'mount -t tmpfs {{tmp}} /tmp',
        'mount -t proc proc /proc',
        'mount -o remount,bind,ro /',
      ],
    },
  ],
  wrongWays: [
    { name: 'not read-only', commands: [PRIVATE, PIVOT, DETACH, 'node box.ts'], saw: /but its root can be written to/ },
    {
      name: 'the old root left',
      commands: [PRIVATE, PIVOT, READ_ONLY, 'node box.ts'],
      saw: /still mounted at \/, on top/,
    },
    { name: 'still shared', commands: [PIVOT, DETACH, READ_ONLY, 'node box.ts'], saw: /no process whose root/ },
  ],
}
