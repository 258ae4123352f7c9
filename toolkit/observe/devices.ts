// Device nodes: what a file in /dev stands for, and which of them the host has. stat(2), null(4).
import { lstatSync, type Stats } from 'node:fs'
import { deviceNumber } from '../kernel/device-number.ts'
import { list, orGone } from './read.ts'

export interface DeviceNode {
  readonly path: string
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  /** Permissions. */
  readonly fileMode: number
  readonly uid: number
  readonly gid: number
}

/** The node that a file is; undefined where it is none. */
export function deviceNode(path: string, stat: Stats): DeviceNode | undefined {
  if (!stat.isBlockDevice() && !stat.isCharacterDevice()) return undefined
  const { mode, uid, gid } = stat
  return {
    path,
    type: stat.isBlockDevice() ? 'b' : 'c',
    ...deviceNumber(stat.rdev),
    fileMode: mode & 0o777,
    uid,
    gid,
  }
}

// What each container has of its own, and directories that are no part of the tree of devices.
const OWN = new Set(['/dev/console', '/dev/ptmx', '/dev/pts', '/dev/shm', '/dev/mqueue', '/dev/fd', '/dev/hugepages'])

/** The host's devices below a directory; links are left out. */
export function hostDevices(directory = '/dev'): DeviceNode[] {
  return list(directory).flatMap(name => {
    const path = `${directory}/${name}`
    const stat = OWN.has(path) ? undefined : orGone(() => lstatSync(path))
    if (stat === undefined) return []
    if (stat.isDirectory()) return hostDevices(path)
    const node = deviceNode(path, stat)
    return node ? [node] : []
  })
}
