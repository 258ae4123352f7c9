// The mounts that a process sees: /proc/PID/mountinfo, proc_pid_mountinfo(5).
import { readText } from './read.ts'

/** How mounts and unmounts below a mount spread to others, mount_namespaces(7). None of it: private. */
export interface Propagation {
  /** The peer group that it gives to and takes from. */
  readonly shared: number | undefined
  /** The peer group that it takes from only: a slave. */
  readonly master: number | undefined
  /** The nearest peer group under the process's root that feeds the master, where the master itself isn't there. */
  readonly propagateFrom: number | undefined
  readonly unbindable: boolean
}

export interface Mount {
  readonly id: number
  readonly parent: number
  /** `major:minor` of its files. */
  readonly device: string
  /** The directory of the file system that is mounted; not `/` for a bind mount of a part. */
  readonly root: string
  /** Relative to the root directory of the process. */
  readonly mountPoint: string
  /** Of this mount: ro, nosuid, relatime … */
  readonly options: readonly string[]
  readonly propagation: Propagation
  readonly fsType: string
  readonly source: string
  /** Of the file system, the same for all its mounts: size=64k, lowerdir=… */
  readonly superOptions: readonly string[]
}

// The kernel writes space, tab, line end, backslash and # as \ and three octal digits; inside an option, a comma too.
const decode = (text: string): string =>
  text.includes('\\')
    ? text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    : text

const decodeOptions = (text: string): string[] => text.split(',').map(decode)

/** One line of mountinfo; undefined where it is none. */
export function parseMount(line: string): Mount | undefined {
  const fields = line.split(' ') // by single spaces: the source may be empty
  const dash = fields.indexOf('-', 6)
  if (dash < 0 || fields.length < dash + 4) return undefined
  const [id, parent, device, root, mountPoint, options] = fields as [string, string, string, string, string, string]
  const [fsType, source, superOptions] = fields.slice(dash + 1) as [string, string, string]
  const tags = new Map(fields.slice(6, dash).map(tag => tag.split(':') as [string, string]))
  const group = (tag: string) => (tags.has(tag) ? Number(tags.get(tag)) : undefined)
  return {
    id: Number(id),
    parent: Number(parent),
    device,
    root: decode(root),
    mountPoint: decode(mountPoint),
    options: decodeOptions(options),
    propagation: {
      shared: group('shared'),
      master: group('master'),
      propagateFrom: group('propagate_from'),
      unbindable: tags.has('unbindable'),
    },
    fsType,
    source: decode(source),
    superOptions: decodeOptions(superOptions),
  }
}

/** The mounts of a process in the kernel's order; undefined where it is gone or a zombie. */
export function readMounts(pid: number): Mount[] | undefined {
  return readText(`/proc/${pid}/mountinfo`)
    ?.split('\n')
    .map(parseMount)
    .filter(mount => mount !== undefined)
}

/** That a path is this one, or leads through it. Both are absolute, without links. */
export const isBelow = (path: string, top: string): boolean =>
  path === top || path.startsWith(top === '/' ? top : `${top}/`)

/**
 * The mount whose files one sees at a path: walks down from the root as the kernel does, over each mount point on the
 * way. So what another mount has covered is not found, and of several on one place the uppermost is. The path is
 * absolute, as the process sees it, without symbolic links. Undefined for a path on what the process's root lies on,
 * where that root is no mount point (after chroot).
 */
export function mountOver(mounts: readonly Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id))
  let at: Mount | undefined
  for (;;) {
    const next = mounts
      .filter(({ parent, id }) => (at ? parent === at.id : !ids.has(parent) || parent === id))
      .filter(({ id, mountPoint }) => id !== at?.id && isBelow(path, mountPoint))
      .toSorted((a, b) => a.mountPoint.length - b.mountPoint.length)[0]
    if (!next) return at
    at = next
  }
}

/** The uppermost mount exactly at a path, as a process sees it; undefined where that is no mount point. */
export function mountAt(pid: number, path: string): Mount | undefined {
  const mount = mountOver(readMounts(pid) ?? [], path)
  return mount?.mountPoint === path ? mount : undefined
}
