// Checks: the overlay file system, and whether the state directory lies where one can be made.
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { attempt } from '../../kernel/call.ts'
import { AT, CLONE, FSCONFIG, FSOPEN, MOUNT_ATTR, OPEN_TREE } from '../../kernel/constants.ts'
import { ERRNO, errnoName } from '../../kernel/errno.ts'
import { KernelError } from '../../kernel/error.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import { moreRights } from '../remedies.ts'
import { errorOf, type Finding, inThrowaway, isRoot, missing, NEEDS_ROOT, ok, unchecked } from './check.ts'

/** The state directory, or what is there of the way to it. */
function nearest(path = stateDir()): string {
  return existsSync(path) || path === '/' ? path : nearest(dirname(path))
}

export function overlay(): Finding {
  if (/^nodev\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'))) return ok()
  if (!isRoot()) return unchecked('the kernel loads it when root asks for it')
  const fd = attempt('fsopen', ['overlay', FSOPEN.CLOEXEC]) // loads the module
  if (fd >= 0) closeSync(fd)
  return fd === -ERRNO.ENODEV ? missing() : ok()
}

/** Runs `look` with a new directory beside the state, or in it, which is removed again. */
function inScratch(look: (directory: string) => Finding, place = nearest()): Finding {
  const directory = mkdtempSync(`${place}/.toolkit-doctor-`)
  try {
    return look(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export function state(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  try {
    return inScratch(() => ok(stateDir()))
  } catch (error) {
    return missing(`${(error as NodeJS.ErrnoException).code} in ${nearest()}`)
  }
}

/** Whether a directory tells the type of its entries (struct linux_dirent64): else whiteouts show up as devices. */
function tellsTypes(directory: string): boolean {
  const fd = openSync(directory, 'r')
  try {
    const entries = Buffer.alloc(4096)
    const length = attempt('getdents64', [fd, entries, entries.length])
    for (let at = 0; at < length; at += entries.readUInt16LE(at + 16)) if (entries[at + 18] !== 0) return true
    return false
  } finally {
    closeSync(fd)
  }
}

/** An overlay that is never mounted anywhere, over three directories. */
function tryOverlay(directory: string): Finding {
  const layers = ['lower', 'upper', 'work'].map(name => `${directory}/${name}`) as [string, string, string]
  for (const path of layers) mkdirSync(path)
  if (!tellsTypes(directory)) return missing(`directories do not tell types: ${dirname(directory)}`)
  const value = Buffer.from('y')
  const name = `${inInitialUsers() ? 'trusted' : 'user'}.overlay.opaque`
  const attribute = errorOf('lsetxattr', [layers[1], name, value, value.length, 0])
  if (attribute) return missing(`no extended attributes: ${attribute}`)
  const fd = attempt('fsopen', ['overlay', FSOPEN.CLOEXEC])
  if (fd < 0) return unchecked('without detached mounts it takes a container to tell')
  try {
    for (const [i, name] of ['lowerdir', 'upperdir', 'workdir'].entries())
      attempt('fsconfig', [fd, FSCONFIG.SET_STRING, name, layers[i]!, 0])
    const error = errorOf('fsconfig', [fd, FSCONFIG.CMD_CREATE, null, null, 0])
    return error ? missing(dirname(directory)) : ok()
  } finally {
    closeSync(fd)
  }
}

export function upper(): Finding {
  const { state: found } = state()
  if (found !== 'ok') return unchecked('the state directory cannot be written')
  return inScratch(tryOverlay, nearest(`${stateDir()}/containers`)) // in the lab a file system of its own
}

const LITTLE = 200 // MB

export function space(): Finding {
  const { bavail, bsize } = statfsSync(nearest())
  const free = Math.floor((bavail * bsize) / 1e6)
  const text = free < 10_000 ? `${free} MB free` : `${Math.floor(free / 1000)} GB free`
  return free < LITTLE ? missing(`${text} in ${nearest()}`) : ok(text)
}

/** struct mount_attr: what to set, what to clear, propagation, and whose map. */
function idMapped(userNamespace: number): Buffer {
  const bytes = Buffer.alloc(32)
  for (const [i, word] of [MOUNT_ATTR.IDMAP, 0, 0, userNamespace].entries()) bytes.writeBigUInt64LE(BigInt(word), 8 * i)
  return bytes
}

export function idMaps(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  const tree = attempt('open_tree', [AT.FDCWD, nearest(), OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC])
  if (tree < 0) return missing(`${errnoName(-tree)} from open_tree`, tree === -ERRNO.EPERM ? moreRights() : undefined)
  try {
    const error = inThrowaway([CLONE.NEWUSER], pid => {
      for (const kind of ['uid', 'gid']) writeFileSync(`/proc/${pid}/${kind}_map`, '0 100000 65536')
      const user = openSync(`/proc/${pid}/ns/user`, 'r')
      try {
        return errorOf('mount_setattr', [tree, '', AT.EMPTY_PATH, idMapped(user), 32])
      } finally {
        closeSync(user)
      }
    })
    return error ? missing(`${error} from mount_setattr`) : ok()
  } catch (error) {
    if (error instanceof KernelError || (error as NodeJS.ErrnoException).syscall === 'write')
      return unchecked('it takes a user namespace with a map to tell')
    throw error
  } finally {
    closeSync(tree)
  }
}
