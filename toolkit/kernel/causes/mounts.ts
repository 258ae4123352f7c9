// Failures of the calls that change the root directory and the tree of mounts.

import { MS } from '../constants.ts'
import type { Arg } from '../step.ts'
import type { CauseRow } from './row.ts'

type Args = readonly Arg[]

/** mount(source, target, type, flags, data): a new mount of this file system type. */
const ofType =
  (...types: string[]) =>
  (args: Args): boolean =>
    types.includes(String(args[2]))

const asks =
  (flag: number) =>
  (args: Args): boolean =>
    (Number(args[3]) & flag) !== 0

const PROPAGATION = MS.SHARED | MS.PRIVATE | MS.SLAVE | MS.UNBINDABLE
const isRemount = asks(MS.REMOUNT)
const isBind = asks(MS.BIND)

export const mountCauses = (): readonly CauseRow[] => [
  // mount(2), overlay: kernel.org, filesystems/overlayfs
  {
    call: 'mount',
    errno: 'EINVAL',
    when: ofType('overlay'),
    cause:
      'a layer is no directory; upperdir and workdir are not side by side on one writable file system, or that is an overlay itself; or an option is misspelt',
    remedy: 'put those two on a disk or tmpfs, side by side; the last lines of dmesg name the reason',
  },
  {
    call: 'mount',
    errno: 'ELOOP',
    when: ofType('overlay'),
    cause: 'one of lowerdir, upperdir and workdir lies inside another',
    remedy: 'put them side by side',
  },
  {
    call: 'mount',
    errno: 'ENOENT',
    when: ofType('overlay'),
    cause: 'the mount point, or one of lowerdir, upperdir and workdir, does not exist',
    remedy: 'create them first; in a path, a comma or colon needs a backslash before it',
  },
  {
    call: 'mount',
    errno: 'ENOTDIR',
    when: ofType('overlay'),
    cause: 'the mount point, or one of lowerdir, upperdir and workdir, is not a directory',
    remedy: 'check each with ls -ld',
  },
  {
    call: 'mount',
    errno: 'EBUSY',
    when: ofType('overlay'),
    cause: 'another overlay uses this upperdir or workdir',
    remedy: 'give each overlay its own pair; findmnt -t overlay shows the others',
  },
  {
    call: 'mount',
    errno: 'ESTALE',
    when: ofType('overlay'),
    cause: 'this upperdir was used over other layers before',
    remedy: 'use a new, empty upperdir',
  },
  // mount(2), the kernel's own file systems
  {
    call: 'mount',
    errno: 'EPERM',
    when: ofType('proc', 'sysfs'),
    cause: 'mounting needs root; in a user namespace also a PID (proc) or network (sysfs) namespace of its own',
    remedy: 'run it with sudo; unprivileged: unshare --user --map-root-user --mount --pid --fork --net',
  },
  {
    call: 'mount',
    errno: 'EBUSY',
    when: ofType('cgroup'),
    cause: 'one of these controllers belongs to another cgroup hierarchy',
    remedy: 'mount them in the grouping that /proc/self/cgroup shows',
  },
  // mount(2), changes to what is mounted
  {
    call: 'mount',
    errno: 'EINVAL',
    when: asks(PROPAGATION),
    cause: 'only a mount point has a propagation type, and this directory is none',
    remedy: 'bind mount the directory onto itself first: mount --bind DIR DIR',
  },
  {
    call: 'mount',
    errno: 'EINVAL',
    when: isRemount,
    cause: 'the directory is not a mount point, or the file system does not know an option',
    remedy: 'bind mount it onto itself first: mount --bind DIR DIR',
  },
  {
    call: 'mount',
    errno: 'EBUSY',
    when: isRemount,
    cause: 'files are open for writing there, so it cannot become read-only',
    remedy: 'close them; fuser -vm DIR shows who',
  },
  {
    call: 'mount',
    errno: 'EPERM',
    when: isRemount,
    cause: 'not root, or the mount came from a namespace with more rights, which locks its ro, nosuid, nodev, noexec',
    remedy: 'run it with sudo; in a user namespace, repeat the flags that the mount has',
  },
  {
    call: 'mount',
    errno: 'EINVAL',
    when: asks(MS.MOVE),
    cause: 'the source is not a mount point, or lies on a mount that is shared',
    remedy: 'make the mount that holds it private first: mount --make-private',
  },
  {
    call: 'mount',
    errno: 'ELOOP',
    when: asks(MS.MOVE),
    cause: 'a mount cannot be moved below itself',
    remedy: 'move it elsewhere',
  },
  {
    call: 'mount',
    errno: 'EINVAL',
    when: isBind,
    cause: 'the source lies in another mount namespace, on an unbindable mount, or has mounts that are locked to it',
    remedy: 'bind from a path of this namespace; in a user namespace, with MS_REC (--rbind)',
  },
  {
    call: 'mount',
    errno: 'ENOENT',
    when: isBind,
    cause: 'the source or the mount point does not exist',
    remedy: 'create the mount point: a directory for a directory, an empty file for a file',
  },
  {
    call: 'mount',
    errno: 'ENOTDIR',
    when: isBind,
    cause: 'one of source and mount point is a file and the other a directory, or a part of a path is a file',
    remedy: 'bind a directory on a directory, a file on a file',
  },
  // mount(2), any
  {
    call: 'mount',
    errno: 'ENODEV',
    cause: 'this kernel has no file system of that type',
    remedy: 'compare with /proc/filesystems; a module may have it: modprobe TYPE',
  },
  {
    call: 'mount',
    errno: 'EPERM',
    cause: 'mounting needs root (CAP_SYS_ADMIN), in the user namespace that owns the mount namespace',
    remedy: 'run it with sudo',
  },
  {
    call: 'mount',
    errno: 'EACCES',
    cause: 'a security module forbids it, or a directory on the way is closed, or the device is read-only',
    remedy: 'look for the denial in dmesg; mount a read-only device with -o ro',
  },
  {
    call: 'mount',
    errno: 'EBUSY',
    cause: 'the same file system is mounted exactly there already, or somebody else uses the device',
    remedy: 'use the one that is there: findmnt DIR',
  },
  {
    call: 'mount',
    errno: 'EINVAL',
    cause: 'the file system does not know an option, or the device holds another file system',
    remedy: 'check the options; blkid DEVICE tells the type; dmesg may tell more',
  },
  {
    call: 'mount',
    errno: 'ENOENT',
    cause: 'the mount point does not exist, or the source does not',
    remedy: 'create the directory first',
  },
  {
    call: 'mount',
    errno: 'ENOTDIR',
    cause: 'the mount point, or a part of its path, is a file',
    remedy: 'mount on a directory; only a bind mount of a file goes on a file',
  },
  {
    call: 'mount',
    errno: 'ENOTBLK',
    cause: 'the source is not a block device',
    remedy: 'for a file with a file system in it: mount -o loop',
  },
  {
    call: 'mount',
    errno: 'ENOSPC',
    cause: 'the mount namespace has as many mounts as it may have, or a cgroup or device limit is reached',
    remedy: 'look for mounts left behind: findmnt; the limit is sysctl fs.mount-max',
  },
  // umount(2)
  {
    call: 'umount2',
    errno: 'EBUSY',
    cause: 'somebody uses it: an open file, a working directory, or another mount below it',
    remedy: 'fuser -vm DIR shows who; umount -l takes it out of sight at once, and away when the last one leaves',
  },
  {
    call: 'umount2',
    errno: 'EINVAL',
    cause: 'not a mount point here, or one that came from a namespace with more rights and is locked',
    remedy: 'compare with findmnt',
  },
  {
    call: 'umount2',
    errno: 'EPERM',
    cause: 'unmounting needs root (CAP_SYS_ADMIN)',
    remedy: 'run it with sudo',
  },
  {
    call: 'umount2',
    errno: 'ENOENT',
    cause: 'the directory does not exist',
    remedy: 'compare with findmnt',
  },
  // pivot_root(2)
  {
    call: 'pivot_root',
    errno: 'EBUSY',
    cause: 'the new root is not a mount point of its own, or is the current root',
    remedy: 'bind mount the directory onto itself first: mount --bind DIR DIR',
  },
  {
    call: 'pivot_root',
    errno: 'EINVAL',
    cause:
      'the new root is not a mount point, the place for the old root is not inside it, a mount concerned is shared, or the old root is no mount point (chroot, initramfs)',
    remedy: 'mount --make-rprivate /, then mount --bind DIR DIR; not from inside a chroot',
  },
  {
    call: 'pivot_root',
    errno: 'EPERM',
    cause: 'changing the root of a mount namespace needs root (CAP_SYS_ADMIN)',
    remedy: 'run it with sudo',
  },
  {
    call: 'pivot_root',
    errno: 'ENOENT',
    cause: 'the new root, or the directory for the old one, does not exist',
    remedy: 'create it first: mkdir NEWROOT/old',
  },
  // chroot(2), chdir(2)
  {
    call: 'chroot',
    errno: 'EPERM',
    cause: 'only root (CAP_SYS_CHROOT) may change its root directory',
    remedy: 'run it with sudo',
  },
  {
    call: 'chroot',
    errno: 'ENOENT',
    cause: 'the new root directory does not exist',
    remedy: 'make it first, or check the path',
  },
  {
    call: 'chdir',
    errno: 'ENOENT',
    cause: 'the working directory does not exist in this root directory',
    remedy: 'create it there, or choose another',
  },
  {
    call: ['chroot', 'chdir', 'pivot_root'],
    errno: 'ENOTDIR',
    cause: 'the path, or a part of it, is a file',
    remedy: 'name a directory',
  },
  {
    call: ['chroot', 'chdir'],
    errno: 'EACCES',
    cause: 'this user may not enter the directory, or one on the way to it',
    remedy: 'give it the right to search them: chmod +x',
  },
]
