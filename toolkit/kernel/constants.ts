// The kernel's numbers, in groups by their prefix: `MS.BIND` is C's MS_BIND. Each group names the man page that explains
// it. All values are the same on x86-64 and arm64 (include/uapi/asm-generic) unless a comment says otherwise.

/** Bytes of one part of a path: linux/limits.h. */
export const NAME_MAX = 255
/** Bytes of a path, its NUL with it. */
export const PATH_MAX = 4096

/** clone(2), unshare(2), setns(2). */
export const CLONE = {
  NEWTIME: 0x80,
  VM: 0x100,
  FILES: 0x400,
  PIDFD: 0x1000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  NEWNS: 0x20000,
  PARENT_SETTID: 0x100000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
  CLEAR_SIGHAND: 0x100000000,
  INTO_CGROUP: 0x200000000,
} as const

/** mount(2). */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  REMOUNT: 32,
  NOATIME: 0x400,
  NODIRATIME: 0x800,
  BIND: 0x1000,
  MOVE: 0x2000,
  REC: 0x4000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
  RELATIME: 0x200000,
  STRICTATIME: 0x1000000,
} as const

/** fsopen(2). */
export const FSOPEN = { CLOEXEC: 1 } as const
/** fsconfig(2). */
export const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, SET_FD: 5, CMD_CREATE: 6, CMD_RECONFIGURE: 7 } as const
/** fsmount(2). */
export const FSMOUNT = { CLOEXEC: 1 } as const
/** fsmount(2), mount_setattr(2). */
export const MOUNT_ATTR = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  IDMAP: 0x100000,
} as const
/** open_tree(2). */
export const OPEN_TREE = { CLONE: 1, CLOEXEC: 0o2000000, RECURSIVE: 0x8000 } as const
/** move_mount(2). */
export const MOVE_MOUNT = { F_EMPTY_PATH: 4, T_EMPTY_PATH: 0x40 } as const
/** openat2(2). */
export const RESOLVE = { NO_XDEV: 1, NO_MAGICLINKS: 2, NO_SYMLINKS: 4, BENEATH: 8, IN_ROOT: 0x10 } as const

/** umount(2). */
export const MNT = { FORCE: 1, DETACH: 2, EXPIRE: 4 } as const

/** open(2). DIRECTORY and NOFOLLOW differ on arm64. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  NONBLOCK: 0o4000,
  DIRECTORY: process.arch === 'arm64' ? 0o40000 : 0o200000,
  NOFOLLOW: process.arch === 'arm64' ? 0o100000 : 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
} as const

/** openat(2), "at" calls in general. */
export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  EMPTY_PATH: 0x1000,
  RECURSIVE: 0x8000,
} as const

/** inode(7): the file type in a mode. */
export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o60000,
  IFDIR: 0o40000,
  IFCHR: 0o20000,
  IFIFO: 0o10000,
} as const

/** prctl(2). */
export const PR = {
  SET_PDEATHSIG: 1,
  SET_DUMPABLE: 4,
  SET_KEEPCAPS: 8,
  SET_NAME: 15,
  CAPBSET_READ: 23,
  CAPBSET_DROP: 24,
  SET_NO_NEW_PRIVS: 38,
  CAP_AMBIENT: 47,
} as const

/** capabilities(7): the number of each is its bit. */
export const CAP = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  LINUX_IMMUTABLE: 9,
  NET_BIND_SERVICE: 10,
  NET_BROADCAST: 11,
  NET_ADMIN: 12,
  NET_RAW: 13,
  IPC_LOCK: 14,
  IPC_OWNER: 15,
  SYS_MODULE: 16,
  SYS_RAWIO: 17,
  SYS_CHROOT: 18,
  SYS_PTRACE: 19,
  SYS_PACCT: 20,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_NICE: 23,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
  SYS_TTY_CONFIG: 26,
  MKNOD: 27,
  LEASE: 28,
  AUDIT_WRITE: 29,
  AUDIT_CONTROL: 30,
  SETFCAP: 31,
  MAC_OVERRIDE: 32,
  MAC_ADMIN: 33,
  SYSLOG: 34,
  WAKE_ALARM: 35,
  BLOCK_SUSPEND: 36,
  AUDIT_READ: 37,
  PERFMON: 38,
  BPF: 39,
  CHECKPOINT_RESTORE: 40,
} as const

/** seccomp(2). */
export const SECCOMP = { SET_MODE_STRICT: 0, SET_MODE_FILTER: 1, GET_ACTION_AVAIL: 2 } as const

/** keyctl(2). */
export const KEYCTL = { GET_KEYRING_ID: 0, JOIN_SESSION_KEYRING: 1 } as const

/** bpf(2). */
export const BPF = { PROG_LOAD: 5, PROG_ATTACH: 8, PROG_DETACH: 9, PROG_QUERY: 16 } as const

/** memfd_create(2). */
export const MFD = { CLOEXEC: 1, ALLOW_SEALING: 2, EXEC: 0x10 } as const
/** F_GET_SEALS in fcntl(2). */
export const F_SEAL = { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8, EXEC: 0x20 } as const

/** fcntl(2). */
export const F = { DUPFD: 0, DUPFD_CLOEXEC: 1030, GETFD: 1, SETFD: 2, GETFL: 3, SETFL: 4, ADD_SEALS: 1033 } as const

/** close_range(2). */
export const CLOSE_RANGE = { UNSHARE: 2, CLOEXEC: 4 } as const

/** mmap(2). */
export const PROT = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4 } as const
/** mmap(2). */
export const MAP = { SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20, FIXED_NOREPLACE: 0x100000 } as const

/** socket(2), address_families(7). */
export const AF = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 } as const
/** socket(2). */
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, SEQPACKET: 5, CLOEXEC: 0o2000000 } as const

/** recv(2). */
export const MSG = { PEEK: 2, TRUNC: 0x20, DONTWAIT: 0x40, CMSG_CLOEXEC: 0x40000000 } as const
/** socket(7). */
export const SO = { REUSEADDR: 2, SNDBUF: 7, RCVBUF: 8, RCVTIMEO: 20, SNDBUFFORCE: 32, RCVBUFFORCE: 33 } as const
/** socket(7), netlink(7): the levels of setsockopt. */
export const SOL = { SOCKET: 1, NETLINK: 270 } as const
/** netlink(7): protocols, and then options of its sockets. */
export const NETLINK = { ROUTE: 0, NETFILTER: 12, CAP_ACK: 10, EXT_ACK: 11, GET_STRICT_CHK: 12 } as const
/** netlink(7): flags of a message; some mean another thing for each kind of request. */
export const NLM_F = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  ECHO: 8,
  DUMP_INTR: 0x10,
  ROOT: 0x100,
  MATCH: 0x200,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const

/** netdevice(7): SIOCSIFFLAGS. */
export const IFF = { UP: 1, LOOPBACK: 8, RUNNING: 0x40 } as const

/** getrlimit(2). */
export const RLIMIT = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const

/** waitpid(2). */
export const W = { NOHANG: 1, ALL: 0x40000000 } as const

/** ioctl_tty(2), TIOCGPTPEER and friends in pts(4), SIOCSIFFLAGS in netdevice(7), NS_GET_USERNS and NS_GET_NSTYPE in ioctl_ns(2). */
export const IOCTL = {
  NS_GET_USERNS: 0xb701,
  NS_GET_NSTYPE: 0xb703,
  TIOCSCTTY: 0x540e,
  TIOCGPGRP: 0x540f,
  TIOCSTI: 0x5412,
  TIOCNOTTY: 0x5422,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TIOCGPTPEER: 0x5441,
  TIOCGPTN: 0x80045430,
  TIOCSPTLCK: 0x40045431,
  SIOCGIFFLAGS: 0x8913,
  SIOCSIFFLAGS: 0x8914,
  PIDFD_GET_INFO: 0xc040ff0b,
} as const

/** signal(7). */
export const SIG = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
} as const

/** splice(2). */
export const SPLICE_F = { MOVE: 1, NONBLOCK: 2 } as const

/** clock_gettime(2). */
export const CLOCK = { REALTIME: 0, MONOTONIC: 1 } as const

/** flock(2). */
export const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const

/** renameat2(2). */
export const RENAME = { EXCHANGE: 2 } as const

export const groups = {
  CLONE,
  MS,
  FSOPEN,
  FSCONFIG,
  FSMOUNT,
  MOUNT_ATTR,
  OPEN_TREE,
  MOVE_MOUNT,
  RESOLVE,
  MNT,
  O,
  AT,
  S,
  PR,
  CAP,
  SECCOMP,
  KEYCTL,
  BPF,
  MFD,
  F_SEAL,
  F,
  CLOSE_RANGE,
  PROT,
  MAP,
  AF,
  SOCK,
  MSG,
  SO,
  SOL,
  NETLINK,
  NLM_F,
  IFF,
  RLIMIT,
  W,
  IOCTL,
  SIG,
  LOCK,
}
export type Group = keyof typeof groups
