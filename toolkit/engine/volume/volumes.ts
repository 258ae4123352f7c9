// What is mounted in a container, and when. The order is part of its safety:
//
//   1. what the user asks for (-v, --mount, --tmpfs), while the container's root holds the image's files and nothing
//      else: wherever a symbolic link of the image leads, it leads to the image
//   2. the kernel's own: /proc, /dev, /sys and what lies below them
//   3. what the user wants to see below /dev
//
// The sources of 1 and 3 are copied by the engine before there is a process, see primitives/bind.ts.
import { closeSync, realpathSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { openDirectoryInside, openInside } from '../../image/inside.ts'
import { stateDir } from '../../image/paths.ts'
import type { Action } from '../../kernel/action.ts'
import type { Step } from '../../kernel/step.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { isBelow, mountOver, readMounts } from '../../observe/mounts.ts'
import * as bind from '../../primitives/bind.ts'
import * as mount from '../../primitives/mount.ts'
import { type Asked, askedAt, reasonOf, refusing, saying, type Wish, wishing } from '../refusal.ts'
import { makeTree } from '../state/files.ts'

export interface Mounts {
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** When the container's files are the root and the old root is gone; before `system`. */
  readonly early: readonly Step[]
  /** The kernel's own file systems. */
  readonly system: readonly mount.Mount[]
  /** After the devices. */
  readonly late: readonly Step[]
}

/** What every container has mounted in /dev. */
const OF_DEV = ['/dev', '/dev/pts', '/dev/shm', '/dev/mqueue']

const isBind = ({ type, options }: mount.Mount): boolean =>
  type === 'bind' || options.includes('bind') || options.includes('rbind')
const depth = (path: string): number => path.split('/').length

/**
 * The user's mounts among a container's: one with the same destination as a default takes its place. Throws a UsageError
 * for two with the same destination.
 */
export function withMounts(defaults: readonly mount.Mount[], wanted: readonly mount.Mount[]): readonly mount.Mount[] {
  const destinations = wanted.map(({ destination }) => destination)
  const twice = destinations.find((destination, i) => destinations.indexOf(destination) !== i)
  if (twice) throw new UsageError(`two mounts at ${twice}; each place takes one`)
  return [...defaults.filter(({ destination }) => !destinations.includes(destination)), ...wanted]
}

/** What else is known of mounts. */
export interface AboutMounts {
  /** Sources that are made where they are missing, as directories. */
  readonly create?: readonly string[]
  /** Sources that are the engine's own, and there by then. */
  readonly volumes?: readonly string[]
  readonly asked?: Asked
}

/** Puts the entries of an OCI config.json in order. Looks at the host's files, changes nothing. Throws UsageError. */
export function planMounts(mounts: readonly mount.Mount[], about: AboutMounts = {}): Mounts {
  const entries = mounts.map(entry => ({ ...entry, destination: posix.normalize(entry.destination) }))
  const isSystem = (entry: mount.Mount) =>
    !isBind(entry) &&
    (isBelow(entry.destination, '/proc') || isBelow(entry.destination, '/sys') || OF_DEV.includes(entry.destination))
  const asked = entries
    .filter(entry => !isSystem(entry))
    .toSorted((a, b) => depth(a.destination) - depth(b.destination))
  const placed = asked.map((entry, i) => place(entry, `volume-${i}`, about))
  const late = (at: number) => isBelow(asked[at]!.destination, '/dev')
  return {
    before: placed.flatMap(({ before }) => before),
    early: placed.flatMap(({ steps }, i) => (late(i) ? [] : steps)),
    system: entries.filter(isSystem),
    late: placed.flatMap(({ steps }, i) => (late(i) ? steps : [])),
  }
}

/** Why nothing of a user's may be mounted there; undefined where it may. */
export function forbidden(destination: string): string | undefined {
  if (destination === '/') return 'is the root of the container; give a directory below it'
  if (destination === '/dev') return 'holds the container’s own devices; a place below it may be mounted on'
  if (isBelow(destination, '/proc') || isBelow(destination, '/sys'))
    return 'belongs to the kernel: nothing can be mounted on /proc, /sys, or below them'
  if (/^\/dev\/(pts|mqueue)\/./.test(destination))
    return 'belongs to the kernel: nothing can be mounted below /dev/pts and /dev/mqueue'
  return undefined
}

/** An option of a volume: only this part of it is mounted. */
export const SUBPATH = 'subpath='

function place(entry: mount.Mount, name: string, about: AboutMounts) {
  const { destination } = entry
  const asked = askedAt(about.asked, destination, `a mount at ${destination}`)
  // Below /dev all is ours, and its links lead to what a process has open.
  const links = isBelow(destination, '/dev') ? 'refuse' : 'follow'
  const why = forbidden(destination)
  if (why) throw new UsageError(`${asked}: ${destination} ${why}`)
  if (!isBind(entry)) {
    const steps = [...bind.mountPoint(destination, 'directory', links), ...mount.mountThere(entry)]
    return { before: [], steps: wishing(onA('directory', asked), steps) }
  }
  const { source, missing, kind } = look(entry, { ...about, of: asked })
  const below = subpathOf(entry)
  const wish = onA(kind, asked)
  const taken = [...(missing ? [makeSource(source)] : []), ...bind.tree(name, { ...entry, source, below })]
  const ofSource = { asked, allowed: 'a file or directory of this machine, or a place for a new one' }
  return {
    before: taken.map(action => saying(action, refusing(ofSource))),
    steps: [
      ...wishing(wish, [...bind.mountPoint(destination, kind, links), ...bind.attach(name)]),
      ...hideState(source, entry),
    ],
  }
}

const onA = (kind: 'directory' | 'file', asked: string): Wish => ({
  asked,
  allowed: `a place in the container where a ${kind} is, or where one can be made`,
})

interface Looking extends AboutMounts {
  /** What asks for it. */
  readonly of: string
}

/** What a bind mount shows, with symbolic links resolved, as the host sees it now. */
function look({ source, options }: mount.Mount, { create = [], volumes = [], of }: Looking) {
  const refuse = (why: string) => new UsageError(`${of}: ${why}`)
  const kindOf = (path: string) => kindBelow(path, subpathOf({ options }), refuse)
  if (volumes.includes(source)) return { source, missing: false, kind: kindOf(source) } as const
  const found = find(source, refuse)
  if (!found) {
    if (create.includes(source)) return { source, missing: true, kind: 'directory' } as const
    throw refuse(`there is no ${source} on this machine`)
  }
  const { stat, real } = found
  const state = realState()
  if (isBelow(real, state)) throw refuse(`${source} is part of ${state}, where the engine keeps its containers`)
  const spread = options.find(word => /^r?(shared|slave)$/.test(word))
  if (spread) checkPropagation(real, spread, refuse)
  const isFile = subpathOf({ options }) === undefined && !stat.isDirectory()
  return { source: real, missing: false, kind: isFile ? 'file' : kindOf(real) } as const
}

/** Undefined where there is nothing. */
function find(path: string, refuse: (why: string) => UsageError) {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    return stat && { stat, real: realpathSync(path) }
  } catch (error) {
    throw refuse(`${path} cannot be reached: ${reasonOf(error)}; give a file or directory of this machine`)
  }
}

const subpathOf = ({ options }: Pick<mount.Mount, 'options'>): string | undefined =>
  options.find(word => word.startsWith(SUBPATH))?.slice(SUBPATH.length)

/** What a part of a volume is; all of it is a directory. */
function kindBelow(source: string, below: string | undefined, refuse: (why: string) => UsageError) {
  if (below === undefined) return 'directory'
  if (statSync(source, { throwIfNoEntry: false })) {
    const directory = openDirectoryInside(source, below)
    const found = directory ?? openInside(source, below)
    if (found !== undefined) closeSync(found)
    if (found !== undefined) return directory === undefined ? 'file' : 'directory'
  }
  throw refuse(`there is no ${below} in ${source}, or it leads out of that`)
}

function realState(): string {
  try {
    return realpathSync(stateDir())
  } catch {
    return posix.resolve(stateDir()) // not made yet
  }
}

/** A mount can only share, or be a slave of, what has peers: a private one has none. */
function checkPropagation(source: string, word: string, refuse: (why: string) => UsageError): void {
  const over = mountOver(readMounts(process.pid) ?? [], source)
  const { shared, master } = over?.propagation ?? {}
  if (shared !== undefined || (word.endsWith('slave') && master !== undefined)) return
  const on = over?.mountPoint ?? '/'
  throw refuse(`${source} cannot be ${word}: it lies on ${on}, which is private; first: mount --make-shared ${on}`)
}

/** A directory above our own, `/` perhaps, is shown without ours: nobody's overlay is to be changed from below. */
function hideState(source: string, { destination }: mount.Mount): Step[] {
  const state = realState()
  if (!isBelow(state, source) || !statSync(state, { throwIfNoEntry: false })) return []
  const hidden = posix.join(destination, posix.relative(source, state))
  const cover = {
    destination: hidden,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['ro', 'nosuid', 'nodev', 'noexec', 'size=4k', 'mode=0'],
  }
  return [...bind.mountPoint(hidden, 'directory'), ...mount.mountThere(cover)]
}

const makeSource = (path: string): Action => ({
  text: `mkdir -p ${path}`,
  why: '-v makes a directory that is missing, as docker does',
  lesson: '18-volumes',
  shell: `mkdir -p ${path}`,
  apply() {
    const mask = process.umask(0o022)
    try {
      makeTree(path, 0o755)
    } finally {
      process.umask(mask)
    }
  },
})
