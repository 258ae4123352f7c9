// What is mounted in a container, and when. The order is part of its safety:
//
//   1. what the user asks for (-v, --mount, --tmpfs), while the container's root holds the image's files and nothing
//      else: wherever a symbolic link of the image leads, it leads to the image
//   2. the kernel's own: /proc, /dev, /sys and what lies below them
//   3. what the user wants to see below /dev
//
// The sources of 1 and 3 are copied by the engine before there is a process, see primitives/bind.ts.
import { closeSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { openDirectoryInside, openInside } from '../../image/inside.ts'
import { stateDir } from '../../image/paths.ts'
import type { Action } from '../../kernel/action.ts'
import type { Step } from '../../kernel/step.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { mountOver, readMounts } from '../../observe/mounts.ts'
import * as bind from '../../primitives/bind.ts'
import * as mount from '../../primitives/mount.ts'

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

const isBelow = (path: string, top: string): boolean => path === top || path.startsWith(top === '/' ? '/' : `${top}/`)
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

/**
 * Puts the entries of an OCI config.json in order. `create`: sources that are made where they are missing, as
 * directories; `volumes`: sources that are the engine's own, and there by then. Looks at the host's files, changes
 * nothing. Throws UsageError.
 */
export function planMounts(
  mounts: readonly mount.Mount[],
  create: readonly string[] = [],
  volumes: readonly string[] = [],
): Mounts {
  const entries = mounts.map(entry => ({ ...entry, destination: posix.normalize(entry.destination) }))
  const isSystem = (entry: mount.Mount) =>
    !isBind(entry) && ['/proc', '/sys', '/dev'].some(top => isBelow(entry.destination, top))
  const asked = entries
    .filter(entry => !isSystem(entry))
    .toSorted((a, b) => depth(a.destination) - depth(b.destination))
  const placed = asked.map((entry, i) => place(entry, `volume-${i}`, { create, volumes }))
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
  return undefined
}

/** An option of a volume: only this part of it is mounted. */
export const SUBPATH = 'subpath='

interface Sources {
  readonly create: readonly string[]
  readonly volumes: readonly string[]
}

function place(entry: mount.Mount, name: string, sources: Sources) {
  const { destination } = entry
  // Below /dev all is ours, and its links lead to what a process has open.
  const links = isBelow(destination, '/dev') ? 'refuse' : 'follow'
  const why = forbidden(destination)
  if (why) throw new UsageError(`a mount at ${destination}: ${destination} ${why}`)
  if (!isBind(entry))
    return { before: [], steps: [...bind.mountPoint(destination, 'directory', links), ...mount.mountThere(entry)] }
  const { source, missing, kind } = look(entry, sources)
  const below = subpathOf(entry)
  return {
    before: [...(missing ? [makeSource(source)] : []), ...bind.tree(name, { ...entry, source, below })],
    steps: [...bind.mountPoint(destination, kind, links), ...bind.attach(name), ...hideState(source, entry)],
  }
}

/** What a bind mount shows, with symbolic links resolved, as the host sees it now. */
function look({ source, destination, options }: mount.Mount, { create, volumes }: Sources) {
  if (volumes.includes(source))
    return { source, missing: false, kind: kindBelow(source, destination, options) } as const
  const stat = statSync(source, { throwIfNoEntry: false })
  if (!stat) {
    if (create.includes(source)) return { source, missing: true, kind: 'directory' } as const
    throw new UsageError(`cannot mount ${source} at ${destination}: there is no ${source} on this machine`)
  }
  const real = realpathSync(source)
  const state = realState()
  if (isBelow(real, state))
    throw new UsageError(
      `cannot mount ${source} at ${destination}: it is part of ${state}, where the engine keeps its containers`,
    )
  checkPropagation(real, options)
  return {
    source: real,
    missing: false,
    kind:
      subpathOf({ options }) === undefined
        ? stat.isDirectory()
          ? 'directory'
          : 'file'
        : kindBelow(real, destination, options),
  } as const
}

const subpathOf = ({ options }: Pick<mount.Mount, 'options'>): string | undefined =>
  options.find(word => word.startsWith(SUBPATH))?.slice(SUBPATH.length)

/** What a part of a volume is; all of it is a directory. */
function kindBelow(source: string, destination: string, options: readonly string[]): 'directory' | 'file' {
  const below = subpathOf({ options })
  if (below === undefined) return 'directory'
  if (statSync(source, { throwIfNoEntry: false })) {
    const directory = openDirectoryInside(source, below)
    const found = directory ?? openInside(source, below)
    if (found !== undefined) closeSync(found)
    if (found !== undefined) return directory === undefined ? 'file' : 'directory'
  }
  throw new UsageError(`cannot mount ${below} of a volume at ${destination}: there is no ${source}/${below}`)
}

function realState(): string {
  try {
    return realpathSync(stateDir())
  } catch {
    return posix.resolve(stateDir()) // not made yet
  }
}

/** A mount can only share, or be a slave of, what has peers: a private one has none. */
function checkPropagation(source: string, options: readonly string[]): void {
  const word = options.find(word => /^r?(shared|slave)$/.test(word))
  if (!word) return
  const over = mountOver(readMounts(process.pid) ?? [], source)
  const { shared, master } = over?.propagation ?? {}
  if (shared !== undefined || (word.endsWith('slave') && master !== undefined)) return
  throw new UsageError(
    `cannot mount ${source} as ${word}: it lies on ${over?.mountPoint ?? '/'}, which is private; first: mount --make-shared ${over?.mountPoint ?? '/'}`,
  )
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
  apply: () => void mkdirSync(path, { recursive: true }),
})
