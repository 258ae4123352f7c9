// How a check looks at a lab. The learner is root in there and may have put a symbolic link anywhere, so a path is
// walked by hand, link by link, as a process with that root directory would walk it: it never leads out to the host.
import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs'
import { readInside } from '../toolkit/image/inside.ts'
import { UsageError } from '../toolkit/kernel/usage-error.ts'
import { executableOf, type Place, processes, readProcess, rootOf, type Stat } from '../toolkit/observe/process.ts'
import type { Scene } from './lesson.ts'

export interface Found {
  /** Where the host can open it: /proc/PID/root/… */
  readonly hostPath: string
  readonly stat: BigIntStats
}

export interface Missing {
  /** The first part that is not there, as seen from the root directory of the walk. */
  readonly missing: string
  /** The symbolic link that led there, and its text. */
  readonly link: { readonly path: string; readonly target: string } | undefined
}

const MAX_LINKS = 40 // the kernel's own limit: path_resolution(7)

/**
 * What a path of the lab leads to. `root` is the directory of the lab that counts as `/`: the walk of a process that
 * has been chrooted there. That directory itself must be reached without links.
 */
export function find(scene: Scene, path: string, root = '/'): Found | Missing {
  const lab = `/proc/${scene.lab.pid}/root`
  if (!isPlain(lab, root)) return { missing: '/', link: undefined }
  const top = root === '/' ? lab : lab + root
  const ahead = partsOf(path).reverse()
  const here: string[] = []
  let link: Missing['link']
  for (let links = 0; ahead.length > 0; ) {
    const name = ahead.pop()!
    if (name === '..') here.pop()
    if (name === '.' || name === '..') continue
    const at = `/${[...here, name].join('/')}`
    const stat = lstat(top + at)
    if (!stat) return { missing: at, link }
    if (!stat.isSymbolicLink()) {
      here.push(name)
      continue
    }
    const target = readlinkSync(top + at)
    link = { path: at, target }
    if (++links > MAX_LINKS) return { missing: at, link }
    if (target.startsWith('/')) here.length = 0
    ahead.push(...partsOf(target).reverse())
  }
  const hostPath = `${top}/${here.join('/')}`
  const stat = lstat(hostPath)
  return stat ? { hostPath, stat } : { missing: `/${here.join('/')}`, link }
}

const partsOf = (path: string): string[] => path.split('/').filter(Boolean)

export const isFound = (found: Found | Missing): found is Found => 'stat' in found

/** Whether every part of a path below `top` is a directory, none of them by a link. */
function isPlain(top: string, path: string): boolean {
  const parts = partsOf(path)
  return parts.every((_, i) => lstat(`${top}/${parts.slice(0, i + 1).join('/')}`)?.isDirectory())
}

function lstat(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return undefined // ENOTDIR, or the lab has just ended
  }
}

/** The file or directory itself, without following a link in its last part; its directories must be plain. */
export function findEntry(scene: Scene, path: string): BigIntStats | undefined {
  const top = `/proc/${scene.lab.pid}/root`
  const parts = partsOf(path)
  return isPlain(top, parts.slice(0, -1).join('/')) ? lstat(`${top}/${parts.join('/')}`) : undefined
}

/**
 * What a file of the lab holds, with links followed as in the lab; undefined where there is none, or one that is no regular
 * file or larger than `maxBytes`.
 */
export function readBytes({ lab }: Scene, path: string, maxBytes = 1 << 20): Buffer | undefined {
  try {
    return readInside(`/proc/${lab.pid}/root`, path, maxBytes)
  } catch (error) {
    if (error instanceof UsageError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The same as text. */
export const readText = (scene: Scene, path: string): string | undefined => readBytes(scene, path)?.toString('utf8')

/** Comparable with `rootOf(pid)?.id`. */
export const idOf = ({ stat }: Found): string => `${stat.dev}:${stat.ino}`

/** The living processes of the lab: its first one, the learner's shell, and all below. */
export function labProcesses({ lab, shellPid }: Scene): Stat[] {
  const all = processes()
  const children = Map.groupBy(all, ({ ppid }) => ppid)
  const found = new Set(all.filter(({ pid }) => pid === lab.pid || pid === shellPid))
  // a Set is walked in the order of adding, so this comes by those that it adds
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child)
  return [...found].filter(({ state }) => state !== 'Z' && state !== 'X')
}

export interface Inhabitant extends Stat {
  readonly root: Place
}

/** Those of the lab's processes whose root directory is not the lab's. */
export function rerooted(scene: Scene): Inhabitant[] {
  const ordinary = rootOf(scene.lab.pid)?.id
  return labProcesses(scene).flatMap(stat => {
    const root = rootOf(stat.pid)
    return root && root.id !== ordinary ? [{ ...stat, root }] : []
  })
}

/** Those whose root directory is this directory of the lab. */
export function inhabitants(scene: Scene, directory: string): Inhabitant[] {
  const found = find(scene, directory)
  return isFound(found) ? rerooted(scene).filter(({ root }) => root.id === idOf(found)) : []
}

/** Whether the file in memory that carries a plan out is still what it runs: it is on its way to its program. */
export const isUnderway = (pid: number): boolean => executableOf(pid)?.path.startsWith('/memfd:') ?? false

/** The lab's processes that were started as `sleep SECONDS`, by which those that a lesson has prepared are known. */
export const sleepers = (scene: Scene, seconds: string | undefined): Stat[] =>
  labProcesses(scene).filter(({ pid }) => {
    const argv = readProcess(pid)?.argv ?? []
    return argv.length === 2 && argv[0]!.endsWith('sleep') && argv[1] === seconds
  })
