// The mount namespace: a private view of what is mounted where. mount_namespaces(7), pivot_root(2).
//
// A new namespace starts as a copy of the old one. Three things make it a container's: nothing mounted here may show
// up there (propagation), the container's files become the root (pivot_root), and the host's files go (umount).
import { AT, CLONE, MNT, MS } from '../kernel/constants.ts'
import { type LessonName, type Namespace, type Step, step } from '../kernel/step.ts'

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
 * Makes the mount point `root` the root directory. The old root stays mounted, stacked underneath at the same place,
 * until `detachOldRoot`: pivot_root(".", ".") needs no directory to put it in, see NOTES in pivot_root(2).
 */
export function pivotRoot(root: string): Step[] {
  return [
    step('chdir', [root], { why: 'stands in the new root', lesson, shell: `cd ${root}` }),
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
  nosuid: MS.NOSUID,
  nodev: MS.NODEV,
  noexec: MS.NOEXEC,
  relatime: MS.RELATIME,
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

/** Mounts in order; a destination that is not there is made. Run it when the container's files are the root. */
export function plan({ mounts }: { mounts: readonly Mount[] }): Step[] {
  return mounts.flatMap(({ destination, type, source, options }) => {
    const flags = options.reduce((bits, word) => bits | (FLAGS[word] ?? 0), 0)
    const data = options.filter(word => !(word in FLAGS)).join(',')
    const about =
      destination === '/dev/shm' ? { why: 'shared memory by name, its own', lesson: '03-ipc' as const } : WHY[type]
    return [
      step('mkdirat', [AT.FDCWD, destination, 0o755], {
        why: 'a file system is mounted on a directory; that it is there already is as good',
        lesson,
        shell: `mkdir -p ${destination}`,
        allow: 'EEXIST',
      }),
      step('mount', [source, destination, type, flags, data || null], {
        why: `what the container finds at ${destination}`,
        lesson,
        ...about,
        shell: `mount -t ${type}${options.length ? ` -o ${options.join(',')}` : ''} ${source} ${destination}`,
      }),
    ]
  })
}
