// Failures of the calls that make mounts as descriptors, and of the looking up of the places where they go.
import { type Arg, isStruct } from '../step.ts'
import type { CauseRow } from './row.ts'

/** The structure of mount_setattr or openat2 says so. */
const says =
  (word: string) =>
  (args: readonly Arg[]): boolean =>
    args.some(arg => arg !== null && isStruct(arg) && arg.text.includes(word))

/** The place for a mount is looked up from the container's root: no other path that openat2 gets is relative. */
const isPlace = ([, path]: readonly Arg[]): boolean => !String(path).startsWith('/')

export const detachedMountCauses = (): readonly CauseRow[] => [
  {
    call: 'mount_setattr',
    errno: 'ENOSYS',
    cause: 'this kernel is older than Linux 5.12, and cannot change a mount before it is attached',
    remedy: 'use a newer kernel; without volumes (-v, --mount) containers run on this one, too',
  },
  {
    call: ['fsopen', 'fsconfig', 'fsmount', 'open_tree', 'move_mount'],
    errno: 'ENOSYS',
    cause: 'this kernel is older than Linux 5.2, and has no mounts that are attached nowhere',
    remedy: 'use a newer kernel',
  },
  {
    call: 'fsopen',
    errno: 'ENODEV',
    cause: 'this kernel has no file system of that type',
    remedy: 'compare with /proc/filesystems; a module may have it: modprobe TYPE',
  },
  {
    call: 'mount_setattr',
    errno: 'EPERM',
    when: says('MOUNT_ATTR_IDMAP'),
    cause: 'the mount has a map of ids already, or has been attached somewhere, or is the host’s user namespace',
    remedy: 'map a fresh copy: open_tree with OPEN_TREE_CLONE',
  },
  {
    call: 'fsmount',
    errno: 'EPERM',
    cause: 'not root; or, in a user namespace: a new /proc or /sys must show no more than one that is there already',
    remedy:
      'run it with sudo; in a user namespace, make it where the host’s /proc and /sys can still be seen, and nothing covers a part of them',
  },
  {
    call: ['fsopen', 'open_tree', 'move_mount', 'mount_setattr'],
    errno: 'EPERM',
    cause: 'mounting needs root (CAP_SYS_ADMIN), in the user namespace that owns the mount namespace',
    remedy: 'run it with sudo',
  },
  // overlay: kernel.org, filesystems/overlayfs
  {
    call: 'fsconfig',
    errno: 'EINVAL',
    cause:
      'a layer is no directory; upperdir and workdir are not side by side on one writable file system, or that is an overlay itself; or an option is misspelt',
    remedy: 'put those two on a disk or tmpfs, side by side; the last lines of dmesg name the reason',
  },
  {
    call: 'fsconfig',
    errno: 'ENOENT',
    cause: 'one of the layers, upperdir or workdir, does not exist',
    remedy: 'create it first',
  },
  {
    call: 'fsconfig',
    errno: 'ENOTDIR',
    cause: 'one of the layers, upperdir or workdir, is not a directory',
    remedy: 'check each with ls -ld',
  },
  {
    call: 'fsconfig',
    errno: 'ELOOP',
    cause: 'one of the layers, upperdir and workdir lies inside another',
    remedy: 'put them side by side',
  },
  {
    call: 'fsconfig',
    errno: 'EBUSY',
    cause: 'another overlay uses this upperdir or workdir',
    remedy: 'give each overlay its own pair; findmnt -t overlay shows others that are mounted',
  },
  {
    call: 'fsconfig',
    errno: 'ESTALE',
    cause: 'this upperdir was used over other layers before',
    remedy: 'use a new, empty upperdir',
  },
  // copies of mounts
  {
    call: 'open_tree',
    errno: 'EINVAL',
    cause: 'the source lies on an unbindable mount, or in another mount namespace, or has mounts that are locked to it',
    remedy: 'mount --make-private the mount that findmnt -T SOURCE shows; in a user namespace, copy recursively',
  },
  {
    call: 'open_tree',
    errno: 'ENOENT',
    cause: 'there is nothing under that name on the host',
    remedy: 'create it first, or check the path',
  },
  {
    call: 'mount_setattr',
    errno: 'EINVAL',
    when: says('MOUNT_ATTR_IDMAP'),
    cause: 'the file system cannot show its files under other ids, or this kernel cannot for that file system',
    remedy: 'keep images on ext4, xfs or btrfs (Linux 5.12 to 5.19), or tmpfs (6.3); or run without a user namespace',
  },
  {
    call: 'mount_setattr',
    errno: 'EINVAL',
    cause: 'that is no mount point, or two attributes do not go together',
    remedy: 'give the mount itself, with AT_EMPTY_PATH for a descriptor',
  },
  {
    call: 'move_mount',
    errno: 'EINVAL',
    cause:
      'one of the two is a file and the other a directory; or the place lies in another mount namespace; or what is to go there is no mount, or is attached already',
    remedy:
      'a directory goes on a directory, a file on a file; a descriptor of fsmount or open_tree can be attached once',
  },
  {
    call: 'move_mount',
    errno: 'ELOOP',
    cause: 'a mount cannot be attached below itself',
    remedy: 'attach it elsewhere',
  },
  // the places where they go
  {
    call: 'openat2',
    errno: 'ELOOP',
    when: says('RESOLVE_NO_SYMLINKS'),
    cause: 'this is a symbolic link, or lies behind one, and no link is followed here',
    remedy: 'make it a directory in the image: it is mounted on, and a link leads where it likes',
  },
  {
    call: 'openat2',
    errno: 'ENOTDIR',
    when: says('RESOLVE_NO_SYMLINKS'),
    cause: 'this is a file, or a part of its path is one, and a directory is wanted',
    remedy: 'make it a directory in the image',
  },
  {
    call: 'openat2',
    errno: 'ELOOP',
    when: says('RESOLVE_NO_MAGICLINKS'),
    cause: 'the path leads through a link of /proc to what a process has open, or through more than 40 links',
    remedy: 'choose another place in the container',
  },
  {
    call: 'openat2',
    errno: 'ENOENT',
    when: isPlace,
    cause: 'the path leads through a symbolic link of the image to something that is not there',
    remedy: 'make it in the image, or choose another destination',
  },
  {
    call: 'openat2',
    errno: 'ENOTDIR',
    when: isPlace,
    cause: 'the destination, or a part of its path, is a file in the container, and should be a directory',
    remedy: 'choose another destination: a directory goes on a directory, a file on a file',
  },
  {
    call: 'openat2',
    errno: 'ENOSYS',
    cause: 'this kernel is older than Linux 5.6, and cannot look up a path without following links',
    remedy: 'use a newer kernel',
  },
]
