// Task 3: a directory with a mount in it, for reading only.
import { type Mount, readMounts } from '../../toolkit/observe/mounts.ts'
import { no, type Task } from '../lesson.ts'
import { notBound } from './bind.ts'

const isReadOnly = ({ options }: Mount): boolean => options.includes('ro')

/** The uppermost mount on a path, of a table in the kernel's order. */
const last = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts.findLast(({ mountPoint }) => mountPoint === path)

/**
 * What is wrong with `config` and what is mounted below it, shown read-only at `target` in a table of mounts; undefined:
 * nothing. `keys`: the device of the file system below.
 */
export function notReadOnly(mounts: readonly Mount[], target: string, keys: string | undefined): string | undefined {
  const top = last(mounts, target)
  if (!top) return `nothing is mounted on ${target}`
  const below = last(mounts, `${target}/keys`)
  if (below?.device !== keys) return `${target}/keys is empty: what is mounted below config did not come along`
  if (!isReadOnly(top)) return `${target} can be written to: its mount has the options ${top.options.join(',')}`
  if (!below || !isReadOnly(below))
    return `${target} is read-only, but ${target}/keys, a mount of its own, can be written to`
  return undefined
}

const RBIND = 'mount --rbind config box/root/config'
const POINT = 'mkdir -p box/root/config'
const SOLUTION = [
  POINT,
  RBIND,
  'mount -o remount,bind,ro box/root/config',
  'mount -o remount,bind,ro box/root/config/keys',
]

export const readonlyTask: Task = {
  id: 'readonly',
  title: 'Only for reading',
  check(scene) {
    const mounts = readMounts(scene.lab.pid) ?? []
    const outside = last(mounts, '/lab/config/keys')
    const home = last(mounts, '/lab')
    if (!outside) return no('nothing is mounted on /lab/config/keys any more; reset the lab')
    if (home?.superOptions.includes('ro'))
      return no(
        'the whole file system of /lab is read-only now, for everybody; mount -o remount,rw /lab brings it back',
      )
    if (outside.options.includes('ro') || outside.superOptions.includes('ro'))
      return no('/lab/config/keys itself is read-only now; outside it should stay as it was')
    const target = '/lab/box/root/config'
    const saw = notBound(scene, '/lab/config', target) ?? notReadOnly(mounts, target, outside.device)
    if (saw !== undefined) return no(saw)
    return { passed: true, saw: `/config and /config/keys of the container are read-only; /lab/config is not` }
  },
  hints: [
    'Three things: `--rbind` brings what is mounted below; then each of the two mounts becomes read-only by a step of its own.',
    '`mount -o remount,bind,ro PLACE` changes the one mount at this place. Without the word `bind` it would change the file system, for everybody.',
    'The places are `box/root/config` and `box/root/config/keys`.',
  ],
  solution: SOLUTION,
  leaves: [POINT, `mountpoint -q box/root/config || ${RBIND}`, ...SOLUTION.slice(2)],
  otherWays: [
    {
      name: 'two bind mounts, read-only at once by this mount command',
      commands: [POINT, 'mount -o bind,ro config box/root/config', 'mount -o bind,ro config/keys box/root/config/keys'],
    },
  ],
  wrongWays: [
    {
      name: 'in one system call',
      commands: [POINT, 'node once.ts config box/root/config'],
      saw: /config can be written to: its mount has the options rw/,
    },
    {
      name: 'only the top',
      commands: [POINT, 'mount -o rbind,ro config box/root/config'],
      saw: /config is read-only, but \S+keys, a mount of its own, can be written to/,
    },
    {
      name: 'without what is below',
      commands: [POINT, 'mount --bind config box/root/config', SOLUTION[2]!],
      saw: /what is mounted below config did not come along/,
    },
    {
      name: 'the file system instead of the mount',
      commands: [POINT, RBIND, 'mount -o remount,ro box/root/config'],
      saw: /whole file system of \/lab is read-only now/,
    },
    {
      name: 'the wrong side',
      commands: [...SOLUTION, 'mount -o remount,bind,ro config/keys'],
      saw: /\/lab\/config\/keys itself is read-only now/,
    },
  ],
}
