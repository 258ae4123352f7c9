// What a container has changed, as `docker diff` tells it: the upper layer of its overlay compared with those below.
//
// The container may be running, and is not to be trusted: in the time between two looks it can exchange a directory for
// a symbolic link. So directories of the upper layer are opened one in the other, and looked at through descriptors.
import { type BigIntStats, closeSync, lstatSync, readdirSync } from 'node:fs'
import { attempt, invoke } from '../kernel/call.ts'
import { AT, O } from '../kernel/constants.ts'
import { inInitialUsers } from './id-maps.ts'
import { orGone } from './read.ts'

export interface Change {
  /** Added, changed, deleted. */
  readonly kind: 'A' | 'C' | 'D'
  /** As the container sees it; bytes that are no UTF-8 as U+FFFD. */
  readonly path: string
}

// Names are bytes; a string of one character a byte keeps them all.
const bytes = (path: string): Buffer => Buffer.from(path, 'latin1')
const text = (path: string): string => bytes(path).toString('utf8')
const fromText = (path: string): string => Buffer.from(path).toString('latin1')

const look = (path: string): BigIntStats | undefined => orGone(() => lstatSync(bytes(path), { bigint: true }))
const namesIn = (path: string): string[] =>
  (orGone(() => readdirSync(bytes(path), { encoding: 'buffer' })) ?? []).map(name => name.toString('latin1')).sort()

/** An attribute's value; undefined where the file has none of this name. */
function attribute(path: string, name: string): string | undefined {
  const value = Buffer.alloc(16)
  const length = attempt('lgetxattr', [Buffer.concat([bytes(path), Buffer.of(0)]), name, value, value.length])
  return length < 0 ? undefined : value.toString('latin1', 0, length)
}

/** Whose attributes an overlay of ours is noted in: real root's, or in a user namespace those that anybody may set. */
const noted = (name: string): string => `${inInitialUsers() ? 'trusted' : 'user'}.overlay.${name}`

const isOpaque = (directory: string): boolean => attribute(directory, noted('opaque')) === 'y'

/** The mark of a deleted file: a device 0:0, or in a layer that cannot have one an empty file with an attribute. */
const isWhiteout = (path: string, stat: BigIntStats): boolean =>
  (stat.isCharacterDevice() && stat.rdev === 0n) ||
  (stat.isFile() && stat.size === 0n && attribute(path, noted('whiteout')) !== undefined)

/** What the lower layers show at a name: a file, or directories that become one, the topmost first. */
interface Below {
  readonly stat: BigIntStats
  readonly directories: readonly string[]
}

/** Looks a name up in directories of the lower layers, as overlayfs does. */
function lookUp(directories: readonly string[], name: string): Below | undefined {
  let stat: BigIntStats | undefined
  const merged: string[] = []
  for (const directory of directories) {
    const path = `${directory}/${name}`
    const found = look(path)
    if (!found) continue
    if (isWhiteout(path, found)) break
    if (stat && !found.isDirectory()) break // hidden by the directory above it
    stat ??= found
    if (!found.isDirectory()) break
    merged.push(path)
    if (isOpaque(path)) break
  }
  return stat && { stat, directories: merged }
}

/** All names that the lower layers show in a directory. */
const namesBelow = (directories: readonly string[]): string[] =>
  directories.flatMap(namesIn).filter(name => lookUp(directories, name) !== undefined)

const sameDirectory = (one: BigIntStats, other: BigIntStats): boolean =>
  one.mode === other.mode && one.uid === other.uid && one.gid === other.gid && one.mtimeNs === other.mtimeNs

/**
 * One directory of the upper layer, open as `fd`. `below`: the directories of the lower layers that were seen there
 * before; `hidden`: they are not seen any more, because this directory, or one above it, is opaque.
 */
function changesIn(fd: number, at: string, below: readonly string[], hidden: boolean): Change[] {
  const here = namesIn(`/proc/self/fd/${fd}`)
  const names = hidden ? [...new Set([...here, ...namesBelow(below)])].sort() : here
  return names.flatMap(name => changesAt(fd, name, `${at}/${name}`, lookUp(below, name), hidden))
}

function changesAt(parent: number, name: string, path: string, below: Below | undefined, hidden: boolean): Change[] {
  const seen = `/proc/self/fd/${parent}/${name}`
  const stat = look(seen)
  const change = (kind: Change['kind']): Change => ({ kind, path: text(path) })
  if (!stat) return below && hidden ? [change('D')] : [] // never there, or gone meanwhile
  if (isWhiteout(seen, stat)) return below ? [change('D')] : []
  if (!stat.isDirectory()) return [change(below ? 'C' : 'A')]
  const fd = openDirectory(parent, name)
  if (fd === undefined) return []
  try {
    const inside = changesIn(fd, path, below?.directories ?? [], hidden || isOpaque(seen))
    if (!below) return [change('A'), ...inside]
    return inside.length > 0 || !sameDirectory(stat, below.stat) ? [change('C'), ...inside] : []
  } finally {
    closeSync(fd)
  }
}

/** Undefined where it is no directory any more. */
function openDirectory(parent: number, name: string): number | undefined {
  const path = Buffer.concat([bytes(name), Buffer.of(0)])
  const fd = attempt('openat', [parent, path, O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC, 0])
  return fd < 0 ? undefined : fd
}

/**
 * The changes in `upper` over the layers `lower` (the topmost first), in the order of a directory tree. As docker has
 * it, a directory in which something is changed is changed, too, and so is a file that was written with what it held
 * before. Reads attributes that only root sees. Throws KernelError where `upper` cannot be opened.
 */
export function readChanges(upper: string, lower: readonly string[]): Change[] {
  const fd = invoke('openat', [AT.FDCWD, upper, O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0])
  try {
    return changesIn(fd, '', lower.map(fromText), false)
  } finally {
    closeSync(fd)
  }
}
