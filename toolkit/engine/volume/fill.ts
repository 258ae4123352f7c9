// A volume that is empty takes over what the image has where it is mounted, with owners and modes: /var/lib/postgresql
// belongs to postgres, and holds what its package has put there. docker calls it copy-up.
//
// What an image holds is somebody else's. The way to the directory is looked up with the image as the root, so no link
// leads out of it; below, links are copied as links. Nobody writes to a root file system while we read it.
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { openDirectoryInside } from '../../image/inside.ts'
import { attempt, invoke } from '../../kernel/call.ts'
import { AT } from '../../kernel/constants.ts'
import { type Mappings, outside } from '../../primitives/user.ts'
import { lock } from '../state/files.ts'
import { writing } from '../state/store.ts'

export interface Filling {
  /** The root file system of the image, and a path in it. */
  readonly rootfs: string
  readonly destination: string
  /** The volume's directory of files. */
  readonly data: string
  /** What is a directory of the host, and not the engine's: nothing in it is ever removed. */
  readonly device?: string | undefined
  /** The users of the container: the image's root is theirs. */
  readonly users: Mappings | undefined
}

/** Fills an empty volume. Nothing happens where it is not empty, or the image has no directory there. */
export function fill({ rootfs, destination, data: own, device, users }: Filling): void {
  const volume = dirname(own)
  const data = device ?? own
  const held = lock(`${volume}/lock`, { wait: true })!
  try {
    const mark = `${volume}/filling`
    if (device === undefined && existsSync(mark))
      for (const name of readdirSync(data)) rmSync(`${data}/${name}`, { recursive: true }) // by whom was killed
    else if (readdirSync(data).length > 0) return
    const from = openDirectoryInside(rootfs, destination)
    if (from === undefined) {
      if (device === undefined) giveTo(data, users)
      return
    }
    try {
      writing(() => {
        if (device === undefined) writeFileSync(mark, '')
        copyDirectory(Buffer.from(`/proc/self/fd/${from}/.`), Buffer.from(data), { users, links: new Map() })
        rmSync(mark, { force: true })
      })
    } finally {
      closeSync(from)
    }
  } finally {
    closeSync(held)
  }
}

/** A new volume is root's; of a container with users of its own, of its root. */
function giveTo(data: string, users: Mappings | undefined): void {
  const { uid, gid } = lstatSync(data)
  if (uid === 0 && gid === 0) lchownSync(data, ...ownerFor(users, { uid, gid }))
}

interface Copying {
  readonly users: Mappings | undefined
  /** Files with several names, by device and number: the copy of the first. */
  readonly links: Map<string, Buffer>
}

const below = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, Buffer.from('/'), name])

/** Into one that is there already. Names are bytes: not all of them are UTF-8. */
function copyDirectory(from: Buffer, to: Buffer, copying: Copying): void {
  for (const name of readdirSync(from, { encoding: 'buffer' })) copy(below(from, name), below(to, name), copying)
  likeness(from, to, lstatSync(from), copying)
}

function copy(from: Buffer, to: Buffer, copying: Copying): void {
  const stat = lstatSync(from)
  const key = `${stat.dev}:${stat.ino}`
  const first = copying.links.get(key)
  if (stat.isSocket()) return // nobody listens there any more
  if (first) linkSync(first, to)
  else if (stat.isDirectory()) {
    mkdirSync(to, 0o700)
    copyDirectory(from, to, copying)
  } else {
    if (stat.nlink > 1) copying.links.set(key, to)
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to)
    else if (stat.isFile()) copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    else invoke('mknodat', [AT.FDCWD, path(to), stat.mode, deviceNumber(stat)]) // what it may do, the container's rights say
    likeness(from, to, stat, copying)
  }
}

/** As C has it. */
const path = (name: Buffer): Buffer => Buffer.concat([name, Buffer.of(0)])

const deviceNumber = (stat: Stats): number => (stat.isFIFO() ? 0 : stat.rdev)

const CAPABILITY = 'security.capability'

/** Owner, mode, time, and rights of a program: in this order, because a new owner takes the bits of set-user-ID away. */
function likeness(from: Buffer, to: Buffer, stat: Stats, { users }: Copying): void {
  lchownSync(to, ...ownerFor(users, stat))
  if (!stat.isSymbolicLink()) chmodSync(to, stat.mode & 0o7777)
  const rights = Buffer.alloc(32)
  const length = stat.isFile() && !users ? attempt('lgetxattr', [path(from), CAPABILITY, rights, rights.length]) : 0
  if (length > 0) attempt('lsetxattr', [path(to), CAPABILITY, rights.subarray(0, length), length, 0])
  lutimesSync(to, stat.atime, stat.mtime)
}

const ownerFor = (users: Mappings | undefined, { uid, gid }: { uid: number; gid: number }): [number, number] => [
  users ? (outside(users.uidMappings, uid) ?? uid) : uid,
  users ? (outside(users.gidMappings, gid) ?? gid) : gid,
]
