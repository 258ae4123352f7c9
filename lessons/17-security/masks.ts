// Task 4: what /proc shows of the whole machine, hidden and made read-only for some.
import { mountOver, readMounts } from '../../toolkit/observe/mounts.ts'
import { procNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'

export const HIDDEN = '/proc/interrupts'
export const READ_ONLY = '/proc/sys'

/** What a process sees at these two places: undefined where it is gone. */
export function view(pid: number): { hidden: boolean; readOnly: boolean } | undefined {
  const mounts = readMounts(pid)
  if (!mounts) return undefined
  const at = (path: string) => {
    const mount = mountOver(mounts, path)
    return mount?.mountPoint === path ? mount : undefined
  }
  const over = at(HIDDEN)
  return {
    hidden: over !== undefined && over.fsType !== 'proc',
    readOnly: at(READ_ONLY)?.options.includes('ro') === true,
  }
}

/** Those whose proc shows a pid namespace that is not the lab's. */
const apart = (scene: Scene): number[] => {
  const ours = readNamespaces(scene.lab.pid)?.pid.inode
  return labProcesses(scene)
    .map(({ pid }) => pid)
    .filter(pid => {
      const shown = procNamespace(pid)
      return shown !== undefined && shown.inode !== ours
    })
}

export const masksTask: Task = {
  id: 'masks',
  title: 'Windows in /proc',
  check(scene) {
    const lab = view(scene.lab.pid)
    if (lab?.hidden) return no(`${HIDDEN} is hidden from the whole lab; 'umount ${HIDDEN}' out there`)
    if (lab?.readOnly) return no(`${READ_ONLY} is read-only for the whole lab; 'umount ${READ_ONLY}' out there`)
    const views = apart(scene).flatMap(pid => view(pid) ?? [])
    if (views.length === 0) return no('no process of the lab has a proc of its own')
    if (views.some(({ hidden, readOnly }) => hidden && readOnly))
      return { passed: true, saw: `in a proc of its own ${HIDDEN} is hidden and ${READ_ONLY} is read-only` }
    if (views.some(({ hidden }) => hidden)) return no(`${HIDDEN} is hidden, but ${READ_ONLY} can be written to`)
    if (views.some(({ readOnly }) => readOnly)) return no(`${READ_ONLY} is read-only, but ${HIDDEN} can be read`)
    return no(`there is a proc of its own, in which nothing is hidden and nothing read-only`)
  },
  hints: [
    'Both are bind mounts, as in lesson 5: one of `/dev/null` over a file, one of a directory over itself.',
    'A bind mount becomes read-only in a second step: `mount -o remount,bind,ro …`',
    'In the new shell: `mount --bind /dev/null /proc/interrupts`, `mount --bind /proc/sys /proc/sys`, and the remount of `/proc/sys`',
  ],
  solution: [
    'unshare --mount --pid --fork --mount-proc bash --norc',
    'mount --bind /dev/null /proc/interrupts',
    'mount --bind /proc/sys /proc/sys',
    'mount -o remount,bind,ro /proc/sys',
  ],
  otherWays: [
    {
      name: 'an empty file, and read-only at once',
      commands: [
        'touch empty',
        'unshare --mount --pid --fork --mount-proc bash --norc',
        'mount --bind empty /proc/interrupts',
        'mount -o bind,ro /proc/sys /proc/sys',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'only hidden',
      commands: [
        'unshare --mount --pid --fork --mount-proc bash --norc',
        'mount --bind /dev/null /proc/interrupts',
        'mount --bind /proc/sys /proc/sys',
      ],
      saw: /is hidden, but \/proc\/sys can be written to$/,
    },
    {
      name: 'only read-only',
      commands: [
        'unshare --mount --pid --fork --mount-proc bash --norc',
        'mount --bind /proc/sys /proc/sys',
        'mount -o remount,bind,ro /proc/sys',
      ],
      saw: /is read-only, but \/proc\/interrupts can be read$/,
    },
    {
      name: 'for all',
      commands: ['mount --bind /dev/null /proc/interrupts'],
      saw: /hidden from the whole lab/,
    },
  ],
}
