// What may happen to any call. Comes last: a call's own rows know more.
import type { CauseRow } from './row.ts'

export const anyCallCauses = (): readonly CauseRow[] => [
  {
    errno: 'ENOSYS',
    cause: 'this kernel is too old to have the call, or a seccomp filter hides it',
    remedy: 'compare uname -r with VERSIONS on the call’s man page',
  },
  {
    errno: 'EBADF',
    cause: 'the descriptor is not open here, or not for this',
    remedy: 'look what is open: ls -l /proc/PID/fd',
  },
  {
    errno: 'EMFILE',
    cause: 'this process has as many files open as it may have',
    remedy: 'raise ulimit -n',
  },
  {
    errno: 'ENFILE',
    cause: 'the machine has as many files open as it may have',
    remedy: 'raise sysctl fs.file-max, or find who opens so many',
  },
  {
    errno: 'ENOSPC',
    cause: 'no space, or no inode, is left on that file system',
    remedy: 'look with df and df -i, and free some',
  },
  {
    errno: 'EDQUOT',
    cause: 'the user’s share of that file system is used up',
    remedy: 'look with quota, and free some',
  },
  {
    errno: 'ENOMEM',
    cause: 'the machine or the cgroup has no memory left',
    remedy: 'look with free and the cgroup’s memory limit',
  },
  {
    errno: 'ENAMETOOLONG',
    cause: 'a name has at most 255 bytes, a path 4095',
    remedy: 'use a shorter one, or go there with chdir first',
  },
  {
    errno: 'ELOOP',
    cause: 'symbolic links lead in a circle, or through more than 40',
    remedy: 'follow them with namei PATH',
  },
  {
    errno: 'ENOTDIR',
    cause: 'the path, or a part of it, is a file',
    remedy: 'check it, part by part: namei PATH',
  },
]
