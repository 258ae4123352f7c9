// The default profile: what a program in a container may ask the kernel for. A list of what is allowed, by docker's
// measure, so that what runs there runs here; whatever is not on it fails with EPERM. Every group says what it is there
// for, and below stands what is left out and why.
import type { Condition, Profile } from './profile.ts'

/** Calls that belong together, and what programs want them for. */
interface Group {
  readonly purpose: string
  readonly calls: string
}

const GROUPS: readonly Group[] = [
  {
    purpose: 'read, write and position in open files; copies and pipes within the kernel',
    calls: `read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close close_range
      sendfile sendfile64 splice tee vmsplice copy_file_range readahead fadvise64 fadvise64_64 arm_fadvise64_64
      pipe pipe2 dup dup2 dup3 fcntl fcntl64 flock ioctl`,
  },
  {
    purpose: 'open, create and name files',
    calls: `open openat openat2 creat mkdir mkdirat mknod mknodat rmdir unlink unlinkat link linkat symlink symlinkat
      rename renameat renameat2 readlink readlinkat name_to_handle_at truncate truncate64 ftruncate ftruncate64
      fallocate umask`,
  },
  {
    purpose: 'look at files and directories; cachestat tells what of a file is in memory',
    calls: `stat stat64 fstat fstat64 lstat lstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64
      access faccessat faccessat2 getdents getdents64 getcwd chdir fchdir cachestat statmount listmount`,
  },
  {
    purpose: 'owner, mode, times and attributes of files, as far as the process’s rights go',
    calls: `chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 utime utimes
      utimensat utimensat_time64 futimesat setxattr lsetxattr fsetxattr setxattrat getxattr lgetxattr fgetxattr
      getxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat
      file_getattr file_setattr`,
  },
  {
    purpose: 'bring what was written to the disk',
    calls: `sync syncfs fsync fdatasync sync_file_range sync_file_range2 arm_sync_file_range msync`,
  },
  {
    purpose: 'memory: map, protect, lock, share; memory by descriptor, and keys and seals for pages',
    calls: `brk mmap mmap2 munmap mremap mprotect madvise process_mrelease mincore mlock mlock2 mlockall
      munlock munlockall remap_file_pages memfd_create memfd_secret mseal map_shadow_stack membarrier pkey_alloc
      pkey_free pkey_mprotect`,
  },
  {
    purpose: 'processes and threads: begin, wait for, end; what clone may not do stands below',
    calls: `fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp
      setpgid getsid setsid set_tid_address get_thread_area set_thread_area arch_prctl modify_ldt prctl rseq kill tkill tgkill
      pidfd_open pidfd_send_signal`,
  },
  {
    // Before Linux 4.8 a tracer could exchange a call that the filter had let through.
    purpose: 'debuggers, as far as ptrace(2) lets them; uretprobe and uprobe return from probes set from outside',
    calls: 'ptrace process_vm_readv process_vm_writev uretprobe uprobe',
  },
  {
    purpose: 'signals',
    calls: `rt_sigaction rt_sigprocmask rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend
      rt_sigtimedwait rt_sigtimedwait_time64 sigprocmask sigreturn sigaltstack signalfd signalfd4 pause alarm
      restart_syscall`,
  },
  {
    purpose: 'locks between threads; the futex calls of Linux 6.7 beside the old one',
    calls: `futex futex_time64 futex_wait futex_wake futex_requeue futex_waitv set_robust_list get_robust_list`,
  },
  {
    purpose: 'wait for events',
    calls: `select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl
      epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 inotify_init inotify_init1
      inotify_add_watch inotify_rm_watch fanotify_mark`,
  },
  {
    purpose: 'asynchronous input and output, the old kind',
    calls: 'io_setup io_submit io_getevents io_pgetevents io_pgetevents_time64 io_cancel io_destroy',
  },
  {
    purpose: 'read clocks, sleep, timers; adjtimex only reads without CAP_SYS_TIME',
    calls: `time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
      clock_nanosleep_time64 nanosleep times adjtimex clock_adjtime clock_adjtime64 getitimer setitimer timer_create
      timer_settime timer_settime64 timer_gettime timer_gettime64 timer_getoverrun timer_delete timerfd_create
      timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64`,
  },
  {
    purpose: 'sockets; which kinds may be made stands below',
    calls: `socketpair bind connect listen accept accept4 shutdown getsockname getpeername getsockopt setsockopt send
      sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`,
  },
  {
    purpose: 'messages, semaphores and shared memory of the IPC namespace',
    calls: `ipc msgget msgsnd msgrcv msgctl semget semop semctl semtimedop semtimedop_time64 shmget shmat shmctl shmdt
      mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify
      mq_getsetattr`,
  },
  {
    purpose: 'who a process is: users, groups, capabilities; the kernel lets nobody gain any',
    calls: `getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid
      getresgid32 getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32
      setresuid setresuid32 setresgid setresgid32 setgroups setgroups32 setfsuid setfsuid32 setfsgid setfsgid32 capget
      capset`,
  },
  {
    purpose: 'a process may restrict itself further',
    calls: `seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr
      lsm_set_self_attr lsm_list_modules`,
  },
  {
    purpose: 'limits, priorities and processors',
    calls: `getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set getcpu
      sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
      sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
      sched_rr_get_interval_time64`,
  },
  { purpose: 'facts about the system, and randomness', calls: 'uname sysinfo getrandom' },
  {
    purpose: 'calls of 32-bit ARM only: caches and the thread pointer',
    calls: 'breakpoint cacheflush set_tls',
  },
]

/** What a capability opens: without it the kernel would refuse most of these anyway, the filter refuses all of them. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr
    move_mount open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog
    umount umount2 unshare`,
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
}

// Left out for everyone: keyctl, add_key, request_key (keys are not divided among containers); io_uring_* (works on
// files and sockets where no filter sees it, and has had many holes); userfaultfd (holds the kernel still in the middle
// of an attack); kexec_load (another kernel); pivot_root, swapon, and relics such as uselib, vm86, create_module; of
// i386's socketcall the socket: which kind it wants cannot be seen.

const words = (text: string): string[] => text.trim().split(/\s+/)

const LOW_WORD = 0xffffffff

/**
 * Conditions that an argument of type int is one of `values`. Only the low 32 bits are looked at, as the kernel does:
 * a comparison of all 64 would take 0x100000026 for another number than 0x26, which the call then is given.
 */
const isOneOf = (index: number, values: readonly (readonly [value: number, mask?: number])[]): Condition[][] =>
  values.map(([valueTwo, mask = LOW_WORD]) => [{ index, value: mask, valueTwo, op: 'SCMP_CMP_MASKED_EQ' }])

/** The family is none of 38 (AF_ALG, the kernel's cryptography) and 40 (AF_VSOCK, the way to the hypervisor). */
const FAMILIES = isOneOf(0, [
  [0, 0xffffffe0], // 0 to 31, by their upper bits
  [32, 0xfffffffc], // 32 to 35
  [36, 0xfffffffe], // 36, 37
  [39],
  [41],
  [42, 0xfffffffe], // 42, 43
  [44, 0xfffffffc], // 44 to 47
])

/** PER_LINUX and PER_LINUX32, each with and without UNAME26; and the question what it is. */
const PERSONALITIES = isOneOf(0, [[0], [8], [0x20000], [0x20008], [LOW_WORD]])

/** Not one flag of a new namespace: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NO_NAMESPACE: Condition[][] = [[{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]]

const allow = (name: string, ways: readonly (readonly Condition[])[]) =>
  ways.map(args => ({ names: [name], action: 'SCMP_ACT_ALLOW' as const, args }))

export const defaultProfile: Profile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    { names: GROUPS.flatMap(({ calls }) => words(calls)), action: 'SCMP_ACT_ALLOW' },
    ...allow('socket', FAMILIES),
    ...allow('personality', PERSONALITIES),
    ...allow('clone', NO_NAMESPACE),
    // Its flags lie in memory, out of a filter's sight. ENOSYS: a libc then uses clone.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, excludes: { caps: ['CAP_SYS_ADMIN'] } },
    ...Object.entries(BY_CAPABILITY).map(([capability, calls]) => ({
      names: words(calls),
      action: 'SCMP_ACT_ALLOW' as const,
      includes: { caps: [capability] },
    })),
  ],
}
