// The system calls this project makes: number per processor, and what each argument is, so that a call can be encoded
// for the kernel and printed for a person from the same line. Where arm64 has only the newer form of a call (mkdirat,
// openat, dup3 …) we use that one on both.
//
// Numbers: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of the kernel.
import type { Group } from './constants.ts'

/**
 * What an argument is: `str` a NUL-terminated string, `strs` a NULL-terminated array of them (argv, envp), `ptr` bytes
 * that the kernel reads or fills, `dirfd` a descriptor or AT_FDCWD, `mode` octal, with the file type where there is one,
 * `access` the flags of open(2) with their access mode, `dev` a device number, `clone` flags and in the lowest byte the
 * signal that a child ends with; `flags:X` bits from the group X of
 * constants.ts, `enum:X` one value of it. All others are plain numbers.
 */
export type Param =
  | 'int'
  | 'uint'
  | 'fd'
  | 'dirfd'
  | 'pid'
  | 'id'
  | 'size'
  | 'mode'
  | 'access'
  | 'dev'
  | 'clone'
  | 'str'
  | 'strs'
  | 'ptr'
  | `flags:${Group}`
  | `enum:${Group}`

export interface Syscall {
  readonly x64: number
  readonly arm64: number
  readonly params: readonly Param[]
  /** Section of the manual: mount is documented in mount(2). */
  readonly man?: string
}

const call = (x64: number, arm64: number, ...params: Param[]): Syscall => ({ x64, arm64, params })

export const syscalls = {
  // processes
  clone3: call(435, 435, 'flags:CLONE'), // of struct clone_args only the flags are told
  clone: call(56, 220, 'clone', 'ptr', 'ptr', 'ptr', 'ptr'),
  unshare: call(272, 97, 'flags:CLONE'),
  setns: call(308, 268, 'fd', 'flags:CLONE'),
  execve: call(59, 221, 'str', 'strs', 'strs'),
  execveat: call(322, 281, 'dirfd', 'str', 'strs', 'strs', 'flags:AT'),
  exit_group: call(231, 94, 'int'),
  ppoll: call(271, 73, 'ptr', 'uint', 'ptr', 'ptr', 'size'),
  wait4: call(61, 260, 'pid', 'ptr', 'flags:W', 'ptr'),
  kill: call(62, 129, 'pid', 'enum:SIG'),
  getppid: call(110, 173),
  prctl: call(157, 167, 'enum:PR', 'uint', 'uint', 'uint', 'uint'),
  prlimit64: call(302, 261, 'pid', 'enum:RLIMIT', 'ptr', 'ptr'),
  umask: call(95, 166, 'mode'),
  setsid: call(112, 157),
  getpgid: call(121, 155, 'int'),
  sched_getaffinity: call(204, 123, 'pid', 'size', 'ptr'),
  clock_gettime: call(228, 113, 'int', 'ptr'),
  clock_nanosleep: call(230, 115, 'int', 'int', 'ptr', 'ptr'),
  rt_sigaction: call(13, 134, 'enum:SIG', 'ptr', 'ptr', 'size'),
  rt_sigprocmask: call(14, 135, 'int', 'ptr', 'ptr', 'size'),
  pidfd_open: call(434, 434, 'pid', 'uint'),
  pidfd_getfd: call(438, 438, 'fd', 'fd', 'uint'),
  pidfd_send_signal: call(424, 424, 'fd', 'enum:SIG', 'ptr', 'uint'),
  // files and descriptors
  openat: call(257, 56, 'dirfd', 'str', 'access', 'mode'),
  close: call(3, 57, 'fd'),
  close_range: call(436, 436, 'fd', 'uint', 'flags:CLOSE_RANGE'),
  dup3: call(292, 24, 'fd', 'fd', 'flags:O'),
  fcntl: call(72, 25, 'fd', 'enum:F', 'uint'),
  ioctl: call(16, 29, 'fd', 'enum:IOCTL', 'ptr'),
  pipe2: call(293, 59, 'ptr', 'flags:O'),
  read: call(0, 63, 'fd', 'ptr', 'size'),
  write: call(1, 64, 'fd', 'ptr', 'size'),
  writev: call(20, 66, 'fd', 'ptr', 'uint'),
  lseek: call(8, 62, 'fd', 'int', 'int'),
  ftruncate: call(77, 46, 'fd', 'size'),
  splice: call(275, 76, 'fd', 'ptr', 'fd', 'ptr', 'size', 'uint'),
  flock: call(73, 32, 'fd', 'flags:LOCK'),
  openat2: call(437, 437, 'dirfd', 'str', 'ptr', 'size'),
  getdents64: call(217, 61, 'fd', 'ptr', 'size'),
  unlinkat: call(263, 35, 'dirfd', 'str', 'flags:AT'),
  renameat2: call(316, 276, 'dirfd', 'str', 'dirfd', 'str', 'uint'),
  fchownat: call(260, 54, 'dirfd', 'str', 'id', 'id', 'flags:AT'),
  fstatfs: call(138, 44, 'fd', 'ptr'),
  lgetxattr: call(192, 9, 'str', 'str', 'ptr', 'size'),
  lsetxattr: call(189, 6, 'str', 'str', 'ptr', 'size', 'int'),
  flistxattr: call(196, 13, 'fd', 'ptr', 'size'),
  fgetxattr: call(193, 10, 'fd', 'str', 'ptr', 'size'),
  fsetxattr: call(190, 7, 'fd', 'str', 'ptr', 'size', 'int'),
  linkat: call(265, 37, 'dirfd', 'str', 'dirfd', 'str', 'flags:AT'),
  mkdirat: call(258, 34, 'dirfd', 'str', 'mode'),
  mknodat: call(259, 33, 'dirfd', 'str', 'mode', 'dev'),
  symlinkat: call(266, 36, 'str', 'dirfd', 'str'),
  fchmodat: call(268, 53, 'dirfd', 'str', 'mode'),
  // the root directory and mounts
  chdir: call(80, 49, 'str'),
  fchdir: call(81, 50, 'fd'),
  chroot: call(161, 51, 'str'),
  mount: call(165, 40, 'str', 'str', 'str', 'flags:MS', 'str'),
  umount2: call(166, 39, 'str', 'flags:MNT'),
  pivot_root: call(155, 41, 'str', 'str'),
  fsopen: call(430, 430, 'str', 'flags:FSOPEN'),
  fsconfig: call(431, 431, 'fd', 'enum:FSCONFIG', 'str', 'str', 'int'),
  fsmount: call(432, 432, 'fd', 'flags:FSMOUNT', 'flags:MOUNT_ATTR'),
  open_tree: call(428, 428, 'dirfd', 'str', 'flags:OPEN_TREE'),
  move_mount: call(429, 429, 'dirfd', 'str', 'dirfd', 'str', 'flags:MOVE_MOUNT'),
  mount_setattr: call(442, 442, 'dirfd', 'str', 'flags:AT', 'ptr', 'size'),
  // names and network
  sethostname: call(170, 161, 'str', 'size'),
  setdomainname: call(171, 162, 'str', 'size'),
  socket: call(41, 198, 'enum:AF', 'flags:SOCK', 'int'),
  bind: call(49, 200, 'fd', 'ptr', 'size'),
  listen: call(50, 201, 'fd', 'int'),
  shutdown: call(48, 210, 'fd', 'int'),
  sendto: call(44, 206, 'fd', 'ptr', 'size', 'uint', 'ptr', 'size'),
  recvfrom: call(45, 207, 'fd', 'ptr', 'size', 'uint', 'ptr', 'ptr'),
  socketpair: call(53, 199, 'enum:AF', 'flags:SOCK', 'int', 'ptr'),
  sendmsg: call(46, 211, 'fd', 'ptr', 'uint'),
  recvmsg: call(47, 212, 'fd', 'ptr', 'uint'),
  setsockopt: call(54, 208, 'fd', 'int', 'int', 'ptr', 'size'),
  getsockname: call(51, 204, 'fd', 'ptr', 'ptr'),
  // rights
  capset: call(126, 91, 'ptr', 'ptr'),
  setresuid: call(117, 147, 'id', 'id', 'id'),
  setresgid: call(119, 149, 'id', 'id', 'id'),
  setgroups: call(116, 159, 'size', 'ptr'),
  seccomp: call(317, 277, 'enum:SECCOMP', 'uint', 'ptr'),
  keyctl: call(250, 219, 'enum:KEYCTL', 'str'),
  bpf: call(321, 280, 'enum:BPF', 'ptr', 'size'),
  // memory
  mmap: call(9, 222, 'ptr', 'size', 'flags:PROT', 'flags:MAP', 'fd', 'uint'),
  mprotect: call(10, 226, 'ptr', 'size', 'flags:PROT'),
  munmap: call(11, 215, 'ptr', 'size'),
  memfd_create: call(319, 279, 'str', 'flags:MFD'),
  eventfd2: call(290, 19, 'uint', 'flags:O'),
} satisfies Record<string, Syscall>

export type SyscallName = keyof typeof syscalls

/** The number of a call on this processor. */
export function number(name: SyscallName): number {
  return syscalls[name][process.arch as 'x64' | 'arm64']
}
