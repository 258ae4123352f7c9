// The lab's root directory: what the host has, so that its programs are there, and whatever is changed in it is thrown away.
import { accessSync, constants, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { packageDir, stateDir } from '../../image/paths.ts'
import { AT, MOUNT_ATTR, MS, S } from '../../kernel/constants.ts'
import { mountAttr } from '../../kernel/mount-structs.ts'
import { type Step, step } from '../../kernel/step.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import { type Mount as HostMount, mountOver, readMounts } from '../../observe/mounts.ts'
import * as mount from '../../primitives/mount.ts'
import * as overlay from '../../primitives/overlay.ts'

/** Where the tmpfs for all changes is mounted in the lab's own mount namespace: a directory that stays empty outside. */
export const scratchDir = (): string => `${stateDir()}/lab`

/** Our own programs in the lab. */
export const PROGRAMS = '/usr/local/bin'

export const about = { lesson: '20-engine', shell: '', why: 'makes a place in the lab' } as const
export const makeDirectory = (path: string, mode = 0o755): Step =>
  step('mkdirat', [AT.FDCWD, path, mode], { ...about, allow: ['EEXIST'] })
export const tmpfs = (destination: string, ...options: string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
})

// What an overlay can be laid over: kept on a disk or a network. Others are shown as they are, read-only.
const layable = new Set('ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs nfs nfs4 virtiofs 9p overlay tmpfs'.split(' '))

/** Which of the host's file systems the lab shows: the root, what else is kept, and what our own files lie on. */
function hostFileSystems(): HostMount[] {
  const mounts = readMounts(globalThis.process.pid) ?? []
  const needed = [packageDir(), stateDir()].flatMap(path => mountOver(mounts, path) ?? [])
  const kept = mounts.filter(({ fsType }) => layable.has(fsType) && fsType !== 'tmpfs')
  const shown = [...kept, ...needed].filter(({ mountPoint }) => mountPoint !== '/' && isDirectory(mountPoint))
  const visible = new Map(shown.map(({ mountPoint }) => [mountPoint, mountOver(mounts, mountPoint)!]))
  const root = mountOver(mounts, '/')!
  return [root, ...[...visible.values()].sort((a, b) => a.mountPoint.length - b.mountPoint.length)]
}

/** One overlay a file system, each with its own changes in the scratch tmpfs. */
export function layOver(): Step[] {
  const root = `${scratchDir()}/root`
  let count = 0
  const overlayOf = (lower: string): Step[] => {
    const [upper, work] = [`${scratchDir()}/upper-${count}`, `${scratchDir()}/work-${count++}`]
    const layers = { lower: [lower], upper, work, userAttributes: !inInitialUsers() }
    return [upper, work, ...ownedAbove(upper, lower)]
      .map(path => makeDirectory(path))
      .concat(overlay.plan(layers, root + (lower === '/' ? '' : lower)))
  }
  const apart = inInitialUsers() ? undefined : (readMounts(globalThis.process.pid) ?? []).map(mount => mount.mountPoint)
  return [
    makeDirectory(root),
    ...(apart ? mount.plan({ mounts: [tmpfs(root, 'mode=755')] }) : []), // what is made anew in between
    ...hostFileSystems().flatMap(({ mountPoint, fsType }) => {
      if (!layable.has(fsType)) return showReadOnly(mountPoint, root + mountPoint)
      return apart ? layApart(mountPoint, apart, overlayOf) : overlayOf(mountPoint)
    }),
  ]
}

/** Directories of an upper layer on the way to our programs: there before it is used, they are ours to write to. */
function ownedAbove(upper: string, lower: string): string[] {
  const below = lower === '/' ? PROGRAMS : PROGRAMS.startsWith(`${lower}/`) ? PROGRAMS.slice(lower.length) : ''
  const names = below.split('/').filter(Boolean)
  return names.map((_, i) => [upper, ...names.slice(0, i + 1)].join('/'))
}

/**
 * In a user namespace no overlay can be laid over a directory with mounts below it: the kernel shows nobody what another
 * has covered. So each directory without any gets its own, and those in between are made anew: of their files each is
 * shown. Containers of others have such a directory in /etc, where theirs mount hosts and resolv.conf.
 */
function layApart(top: string, mountPoints: readonly string[], overlayOf: (lower: string) => Step[]): Step[] {
  const root = `${scratchDir()}/root`
  const isAbove = (path: string) =>
    mountPoints.some(point => point.startsWith(path === '/' ? '/' : `${path}/`) && point !== path)
  if (!isAbove(top)) return overlayOf(top)
  return [
    ...readdirSync(top, { withFileTypes: true }).flatMap(entry => {
      const path = join(top, entry.name)
      if (entry.isSymbolicLink()) return [step('symlinkat', [readlinkSync(path), AT.FDCWD, root + path], about)]
      if (entry.isFile()) return mayRead(path, constants.R_OK) ? showFile(path, root + path) : []
      if (!entry.isDirectory()) return []
      const made = makeDirectory(root + path)
      if (mountPoints.includes(path) || !mayRead(path)) return [made]
      return [made, ...layApart(path, mountPoints, overlayOf)]
    }),
  ]
}

function mayRead(path: string, how = constants.R_OK | constants.X_OK): boolean {
  try {
    accessSync(path, how)
    return true
  } catch {
    return false
  }
}

/** A mount point may be a file, too. One that we may not look at is none for us. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

const showFile = (source: string, target: string): Step[] => [
  step('mknodat', [AT.FDCWD, target, S.IFREG | 0o644, 0], about),
  ...showReadOnly(source, target),
]

const readOnly = mountAttr({ set: MOUNT_ATTR.RDONLY })

function showReadOnly(source: string, target: string): Step[] {
  const why = 'what no overlay can be laid over is shown as it is'
  const protect = { ...about, why: 'the lab changes nothing outside' }
  return [
    step('mount', [source, target, null, MS.BIND, null], { ...about, why }),
    inInitialUsers()
      ? step('mount', [null, target, null, MS.BIND | MS.REMOUNT | MS.RDONLY, null], protect)
      : step('mount_setattr', [AT.FDCWD, target, 0, readOnly, readOnly.bytes.length], protect), // nosuid and the like are locked
  ]
}
