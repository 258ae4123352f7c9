// Failures of the calls that make, open and write files, and of a few that use their descriptors.

import { O } from '../constants.ts'
import type { CauseRow } from './row.ts'

const MAKING = ['mkdirat', 'mknodat', 'symlinkat'] as const
const NAMING = [...MAKING, 'openat', 'fchmodat'] as const

export const fileCauses = (): readonly CauseRow[] => [
  // mkdir(2), mknod(2), symlink(2), chmod(2)
  {
    call: 'mknodat',
    errno: 'EPERM',
    cause: 'only root of the host may make device nodes, not that of a user namespace; in devpts and mqueue nobody may',
    remedy: 'run it with sudo, or bind mount the host’s node on an empty file',
  },
  {
    call: MAKING,
    errno: 'EEXIST',
    cause: 'the name is taken: by a file, a directory or a link',
    remedy: 'remove it first, or go on with what is there',
  },
  {
    call: 'mkdirat',
    errno: 'EAGAIN',
    cause: 'the cgroup has as many cgroups below it, or as many levels, as it may have',
    remedy: 'raise cgroup.max.descendants or cgroup.max.depth there',
  },
  {
    call: MAKING,
    errno: 'ENOENT',
    cause: 'the directory that it should be made in does not exist, or is one of the kernel’s, such as /proc',
    remedy: 'create that first: mkdir -p',
  },
  {
    call: NAMING,
    errno: 'EROFS',
    cause: 'the file system is mounted read-only',
    remedy: 'write to another place, or mount an overlay or a tmpfs over it',
  },
  {
    call: [...MAKING, 'openat', 'write'],
    errno: 'EOVERFLOW',
    cause: 'this user has no number in the user namespace that owns the file system',
    remedy: 'map the user id in /proc/PID/uid_map',
  },
  {
    call: 'fchmodat',
    errno: 'EPERM',
    cause: 'the file belongs to another user',
    remedy: 'run it with sudo',
  },
  // open(2)
  {
    call: 'openat',
    errno: 'ENOENT',
    when: ([, path]) => String(path).endsWith('/ptmx'),
    cause: 'no pseudo-terminals here: /dev/ptmx is missing, or leads to a devpts that is not mounted',
    remedy: 'mount -t devpts devpts /dev/pts -o newinstance,ptmxmode=0666; ln -s pts/ptmx /dev/ptmx',
  },
  {
    call: 'openat',
    errno: 'ENOSPC',
    when: ([, path]) => String(path).endsWith('/ptmx'),
    cause: 'as many pseudo-terminals are open as may be',
    remedy: 'close some, or raise sysctl kernel.pty.max or devpts’ option max',
  },
  {
    call: 'openat',
    errno: 'ENXIO',
    when: ([, path]) => path === '/dev/tty',
    cause: 'this process has no terminal of its own',
    remedy: 'run it in a terminal',
  },
  {
    call: 'openat',
    errno: 'ENXIO',
    cause: 'no driver or device stands behind the node, or nobody reads the other end of the fifo',
    remedy: 'compare its numbers with /proc/devices; start the reader first',
  },
  {
    call: 'openat',
    errno: 'ENOENT',
    when: ([, path]) => String(path).startsWith('/proc/sys/'),
    cause: 'this kernel, or a namespace of this kind, has no such setting',
    remedy: 'look which there are: sysctl -a, inside',
  },
  {
    call: 'openat',
    errno: 'EACCES',
    when: ([, path]) => String(path).startsWith('/proc/sys/'),
    cause: 'here this setting can be read only: it is the whole machine’s',
    remedy: 'set it on the machine, outside of containers',
  },
  {
    call: 'openat',
    errno: 'ENOENT',
    when: ([, , flags]) => (Number(flags) & O.CREAT) !== 0,
    cause: 'the directory that the file should be in does not exist',
    remedy: 'create that first: mkdir -p',
  },
  {
    call: 'openat',
    errno: 'ENOENT',
    cause: 'the file is not there, or the symbolic link leads nowhere in this root directory',
    remedy: 'check the path, part by part: namei PATH',
  },
  {
    call: 'openat',
    errno: 'EACCES',
    cause: 'no permission; for a device node, also where the file system is mounted nodev',
    remedy: 'look at the rights of each part of the path: namei -l PATH',
  },
  {
    call: 'openat',
    errno: 'ELOOP',
    when: ([, , flags]) => (Number(flags) & O.NOFOLLOW) !== 0,
    cause: 'the last part of the path is a symbolic link, which was not to be followed',
    remedy: 'name what it leads to; in an image, mistrust it',
  },
  {
    call: 'openat',
    errno: 'EISDIR',
    cause: 'a directory cannot be written to',
    remedy: 'name a file in it',
  },
  {
    call: 'openat',
    errno: 'ETXTBSY',
    cause: 'the file is a program that runs now',
    remedy: 'write it under another name and rename that',
  },
  // cgroups(7), user_namespaces(7): files whose writing is a request to the kernel
  {
    call: 'write',
    errno: 'ERANGE',
    cause: 'with this offset a clock of the time namespace would stand before 0, or after more than 146 years',
    remedy: 'choose an offset that is nearer to 0; /proc/uptime shows how far back one can go',
  },
  {
    call: 'write',
    errno: 'EBUSY',
    cause: 'in cgroup v2 a cgroup either holds processes or passes controllers on, never both',
    remedy: 'move the processes to a cgroup below it first',
  },
  {
    call: 'write',
    errno: 'ENOSPC',
    cause: 'no space on the device; in a cpuset cgroup: it has no processors or no memory nodes yet',
    remedy: 'free space; or write cpuset.cpus and cpuset.mems first',
  },
  {
    call: 'write',
    errno: 'ESRCH',
    cause: 'no process has that pid (any more)',
    remedy: 'check it: the pid as seen from here, not from inside the container',
  },
  {
    call: 'write',
    errno: 'EINVAL',
    when: ([, text]) => /^\d+ +\d+ +\d+(\n|$)/.test(String(text)),
    cause: 'the kernel does not take this value in this file; an id map: ids overlap, or there are too many lines',
    remedy: 'compare with the file’s present content, and with user_namespaces(7)',
  },
  {
    call: 'write',
    errno: 'EINVAL',
    cause: 'the kernel does not take this value in this file',
    remedy: 'compare with the file’s present content, and its section in cgroups(7) or proc(5)',
  },
  {
    call: 'write',
    errno: 'ENOENT',
    when: ([, text]) => /^[+-]/.test(String(text)),
    cause: 'the cgroup above does not pass this controller on',
    remedy: 'write +CONTROLLER to cgroup.subtree_control, from the top down',
  },
  {
    call: 'write',
    errno: 'ENOENT',
    cause: 'the kernel has nothing by the name that was written',
    remedy: 'look which names there are: a file near by often lists them, such as *_available_*',
  },
  {
    call: 'write',
    errno: 'EOPNOTSUPP',
    cause: 'the cgroup is threaded, or in a threaded tree, and cannot hold whole processes or such controllers',
    remedy: 'use a cgroup whose cgroup.type is "domain"',
  },
  {
    call: 'write',
    errno: 'EACCES',
    cause: 'the kernel takes this value only from a process with more rights: a lower OOM score from SYS_RESOURCE',
    remedy: 'give --oom-score-adj no less than /proc/self/oom_score_adj shows',
  },
  {
    call: 'write',
    errno: 'EPERM',
    cause: 'not allowed for this user; an id map can be written once, and an ordinary user may map only his own id',
    remedy: 'run it with sudo; for a gid_map, first write deny to /proc/PID/setgroups',
  },
  {
    call: 'write',
    errno: 'ENODEV',
    cause: 'no such device, or the cgroup was removed meanwhile',
    remedy: 'check the device number with lsblk, and that the cgroup is there',
  },
  {
    call: 'write',
    errno: 'EPIPE',
    cause: 'whoever read from the other end has closed it, or ended',
    remedy: 'look why the reader ended',
  },
  // descriptors and sockets
  {
    call: 'flock',
    errno: 'EAGAIN',
    cause: 'another process holds the lock',
    remedy: 'wait for it to finish',
  },
  {
    call: 'socket',
    errno: 'EPERM',
    cause: 'such sockets are for root (CAP_NET_RAW)',
    remedy: 'run it with sudo',
  },
  {
    call: 'socket',
    errno: 'EAFNOSUPPORT',
    cause: 'this kernel was built without that family, or has it switched off, as with ipv6.disable=1',
    remedy: 'use another family, or load its module',
  },
  {
    call: 'prctl',
    errno: 'EPERM',
    cause: 'the process lacks the capability for this request',
    remedy: 'call it before giving up root',
  },
  {
    call: 'prctl',
    errno: 'EINVAL',
    cause: 'this kernel does not know the request, or the value does not fit it',
    remedy: 'look in prctl(2) since which version there is such a request',
  },
  {
    call: NAMING,
    errno: 'EACCES',
    cause: 'this user may not write there, or not enter a directory on the way',
    remedy: 'look at the rights of each part of the path: namei -l PATH',
  },
]
