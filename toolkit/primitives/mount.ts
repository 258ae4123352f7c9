// The mount namespace: a private view of what is mounted where. mount_namespaces(7), pivot_root(2).
// What a user wants to see in it (-v) is in bind.ts.
//
// A new namespace starts as a copy of the old one. Three things make it a container's: nothing mounted here may show
// up there (propagation), the container's files become the root (pivot_root), and the host's files go (umount).
import { AT, CLONE, MNT, MOVE_MOUNT, MS, O, RESOLVE } from '../kernel/constants.ts'
import { openHow } from '../kernel/mount-structs.ts'
import { type Descriptor, type LessonName, type Namespace, type Step, step } from '../kernel/step.ts'

const lesson = '05-mount'

export const namespace: Namespace = {
  flag: CLONE.NEWNS,
  why: 'a mount table of its own, so that what is mounted here is not mounted on the host',
  lesson,
  shell: '--mount',
}

/** Cuts the copied mounts off from the host's. MS_REC, because every mount has its own propagation type. */
export function makePrivate(): Step[] {
  return [
    step('mount', [null, '/', null, MS.REC | MS.PRIVATE, null], {
      why: 'the copied mounts are still peers of the host’s (shared): what is mounted in one would appear in both',
      lesson,
      shell: 'mount --make-rprivate /',
    }),
  ]
}

/**
 * Makes the mount point `root` the root directory. The old root stays mounted, stacked on top at the same place, until
 * `detachOldRoot`: pivot_root(".", ".") needs no directory to put it in, see NOTES in pivot_root(2). Until then a path
 * that goes above the root (`/..`, or a link to `../..`) comes out in the old one: trust no path before.
 */
export function pivotRoot(root: string): Step[] {
  return [step('chdir', [root], { why: 'stands in the new root', lesson, shell: `cd ${root}` }), ...pivotHere()]
}

/** The same for the working directory. */
export function pivotHere(): Step[] {
  return [
    step('pivot_root', ['.', '.'], {
      why: 'swaps the roots of the whole namespace, where chroot only changes one process: a way back would need the old root',
      lesson,
      shell: 'pivot_root . .',
    }),
  ]
}

/** Takes the old root away, with everything mounted below it. Lazily, because this process still came from there. */
export function detachOldRoot(): Step[] {
  return [
    step('umount2', ['.', MNT.DETACH], {
      why: 'after this the host’s files have no name here: there is nothing left to escape to',
      lesson,
      shell: 'umount -l .',
    }),
    step('chdir', ['/'], { why: 'stands in the new root under its own name', lesson, shell: 'cd /' }),
  ]
}

/** The root's own mount becomes read-only; what is mounted below it stays as it is. */
export function makeReadOnly(): Step[] {
  return [
    step('mount', [null, '/', null, MS.REMOUNT | MS.BIND | MS.RDONLY, null], {
      why: 'the container’s files cannot be changed; with MS_BIND this concerns the mount, not the file system',
      lesson: '17-security',
      shell: 'mount -o remount,bind,ro /',
    }),
  ]
}

/** Propagation types by their words in OCI: how mounts spread, mount_namespaces(7). The r-forms: all that lies below, too. */
const PROPAGATION: Record<string, number> = {
  shared: MS.SHARED,
  slave: MS.SLAVE,
  private: MS.PRIVATE,
  unbindable: MS.UNBINDABLE,
}

/** The flags of mount(2) for a word such as `rslave`; undefined for any other word. */
export function propagationFlags(word: string): number | undefined {
  const recursive = word.startsWith('r')
  const name = recursive ? word.slice(1) : word
  if (!Object.hasOwn(PROPAGATION, name)) return undefined
  return PROPAGATION[name]! | (recursive ? MS.REC : 0)
}

const SPREADS: Record<string, string> = {
  shared: 'what is mounted below it appears in all copies of it, and the other way round',
  slave: 'what is mounted in the original appears here, and never the other way round',
  private: 'mounts here and elsewhere have nothing to do with each other',
  unbindable: 'as private; and no copy of it can be made',
}

/** Gives a mount a propagation type, by one of OCI's words: rslave. None for a word that is something else. */
export function spread(mountPoint: string, word: string): Step[] {
  const flags = propagationFlags(word)
  if (flags === undefined) return []
  return [
    step('mount', [null, mountPoint, null, flags, null], {
      why: SPREADS[word.replace(/^r/, '')]!,
      lesson,
      shell: `mount --make-${word} ${mountPoint}`,
    }),
  ]
}

/** `linux.rootfsPropagation` of an OCI config.json, for the container’s own root. Run it when the old root is gone. */
export const rootPropagation = ({ linux }: { linux: { rootfsPropagation?: string } }): Step[] =>
  linux.rootfsPropagation === undefined ? [] : spread('/', linux.rootfsPropagation)

/** An entry of `mounts` in an OCI config.json. */
export interface Mount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

/** mount(8)'s option words that are flags; all others are data for the file system. */
const FLAGS: Record<string, number> = {
  ro: MS.RDONLY,
  rw: 0,
  remount: MS.REMOUNT,
  nosuid: MS.NOSUID,
  nodev: MS.NODEV,
  noexec: MS.NOEXEC,
  relatime: MS.RELATIME,
  noatime: MS.NOATIME,
  nodiratime: MS.NODIRATIME,
  strictatime: MS.STRICTATIME,
  bind: MS.BIND,
  rbind: MS.BIND | MS.REC,
}

const WHY: Record<string, { why: string; lesson: LessonName }> = {
  proc: {
    why: 'ps and top read /proc, and it shows the processes of the PID namespace it is mounted in',
    lesson: '04-pid',
  },
  tmpfs: { why: 'an empty file system in memory, in place of what the image or the host has there', lesson },
  devpts: { why: 'pseudo-terminals of its own: /dev/pts/0 here is not the host’s', lesson },
  mqueue: { why: 'POSIX message queues of its own IPC namespace', lesson: '03-ipc' },
  sysfs: {
    why: 'devices and network interfaces as files, those of its own network namespace; read-only',
    lesson: '06-net',
  },
}

// The kernel's own file systems. An image in which one of them is a symbolic link wants us to mount elsewhere.
const ORDINARY = new Set(['/proc', '/sys', '/dev'])

const mustBeOrdinary = (destination: string): Step =>
  step('openat2', [AT.FDCWD, destination, openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, RESOLVE.NO_SYMLINKS), 24], {
    why: `${destination} must be mounted on an ordinary directory: a symbolic link in an image leads where it likes`,
    lesson: '17-security',
    shell: `test -d ${destination} -a ! -L ${destination}`,
  })

function mountStep({ destination, type, source, options }: Mount, at = destination): Step {
  const flags = options.reduce((bits, word) => bits | (FLAGS[word] ?? 0), 0)
  const data = options.filter(word => !(word in FLAGS) && propagationFlags(word) === undefined).join(',')
  const about =
    destination === '/dev/shm' ? { why: 'shared memory by name, its own', lesson: '03-ipc' as const } : WHY[type]
  return step('mount', [source, at, type, flags, data || null], {
    why: `what the container finds at ${destination}`,
    lesson,
    ...about,
    shell: `mount -t ${type}${options.length ? ` -o ${options.join(',')}` : ''} ${source} ${destination}`,
  })
}

/** Mounts that exist already, by destination: detached, and to be attached there only; see visible-mount.ts. */
export type Prepared = ReadonlyMap<string, number | Descriptor>

/**
 * Mounts in order; a destination that is not there is made. Run it when the container's files are the root. Not for
 * bind mounts, nor where the image decides what the destination is: for those see bind.ts.
 */
export function plan({ mounts }: { mounts: readonly Mount[] }, prepared: Prepared = new Map()): Step[] {
  return mounts.flatMap(mount => {
    const { destination, options } = mount
    const ready = prepared.get(destination)
    return [
      step('mkdirat', [AT.FDCWD, destination, 0o755], {
        why: 'a file system is mounted on a directory; that it is there already is as good',
        lesson,
        shell: `mkdir -p ${destination}`,
        allow: ['EEXIST'],
      }),
      ...(ORDINARY.has(destination) ? [mustBeOrdinary(destination)] : []),
      ready === undefined ? mountStep(mount) : attachStep(mount, ready),
      ...options.flatMap(word => spread(destination, word)),
    ]
  })
}

const attachStep = (mount: Mount, ready: number | Descriptor): Step => ({
  ...mountStep(mount),
  call: 'move_mount',
  args: [ready, '', AT.FDCWD, mount.destination, MOVE_MOUNT.F_EMPTY_PATH],
})

/** One of them, at the place that is open as descriptor 3, wherever a path to it may lead by now. */
export function mountThere(mount: Mount): Step[] {
  return [
    step('fchdir', [3], { why: 'stands at the place: nobody can exchange its name now', lesson, shell: '' }),
    mountStep(mount, '.'),
    step('chdir', ['/'], { why: 'stands in the root again', lesson, shell: '' }),
  ]
}
