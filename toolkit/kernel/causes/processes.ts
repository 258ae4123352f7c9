// Failures of the calls about programs and processes: to start them, for their rights, their terminals and their ends.
import { IOCTL } from '../constants.ts'
import type { CauseRow } from './row.ts'

const PIDFDS = ['pidfd_open', 'pidfd_getfd', 'pidfd_send_signal', 'kill', 'prlimit64'] as const

export const processCauses = (): readonly CauseRow[] => [
  // execve(2)
  {
    call: 'execve',
    errno: 'ENOENT',
    cause: 'the command is not in this root directory, or the loader or #! interpreter that it names is not',
    remedy: 'put them there too: ldd COMMAND on the host lists the loader and the libraries',
  },
  {
    call: ['execve', 'execveat'],
    errno: 'EACCES',
    cause: 'the file is not executable, is a directory, or lies on a file system mounted noexec',
    remedy: 'chmod +x it, or mount without noexec',
  },
  {
    call: 'execve',
    errno: 'ENOEXEC',
    cause: 'the file is neither a program for this processor nor a script that begins with #!',
    remedy: 'compare `file COMMAND` with `uname -m`; give a script a first line such as #!/bin/sh',
  },
  {
    call: 'execve',
    errno: 'ELIBBAD',
    cause: 'the loader that the program names is no program',
    remedy: 'copy the loader into this root directory again, whole',
  },
  {
    call: 'execve',
    errno: 'EIO',
    cause: 'the program or its loader is cut short: perhaps an empty file',
    remedy: 'copy it again, whole',
  },
  {
    call: 'execve',
    errno: 'E2BIG',
    cause: 'arguments and environment are too long: 128 KiB for one, a quarter of the stack limit for all',
    remedy: 'pass less, through a file or stdin; or raise ulimit -s',
  },
  {
    call: 'execve',
    errno: 'ELOOP',
    cause: 'symbolic links lead in a circle, or #! interpreters are scripts themselves, too many in a row',
    remedy: 'follow the links with namei COMMAND; name a real program after #!',
  },
  {
    call: 'execve',
    errno: 'ENOTDIR',
    cause: 'a part of the command’s path is a file, not a directory',
    remedy: 'check the path, part by part: namei COMMAND',
  },
  {
    call: 'execve',
    errno: 'ETXTBSY',
    cause: 'somebody has the program file open for writing',
    remedy: 'wait until it is written; fuser COMMAND shows who',
  },
  {
    call: 'execve',
    errno: 'EAGAIN',
    cause: 'the user has more processes than allowed (ulimit -u)',
    remedy: 'raise the limit, or end some of them',
  },
  {
    call: ['execve', 'execveat'],
    errno: 'EPERM',
    cause: 'a security module or a seccomp filter forbids this program',
    remedy: 'look for the denial in dmesg or the audit log',
  },
  // seccomp(2)
  {
    call: 'seccomp',
    errno: 'EACCES',
    cause: 'putting a filter in place takes CAP_SYS_ADMIN or no_new_privs: a set-user-ID program might be fooled by it',
    remedy: 'do it before the capability is given up, or call prctl(PR_SET_NO_NEW_PRIVS) first',
  },
  {
    call: 'seccomp',
    errno: 'EINVAL',
    when: args => args[1] !== 0,
    cause: 'a flag that this kernel does not know, or one that does not go with the others',
    remedy: 'leave out the flags of the profile: LOG needs Linux 4.14, SPEC_ALLOW 4.17',
  },
  {
    call: 'seccomp',
    errno: 'EINVAL',
    cause: 'not a filter: empty, longer than 4096 instructions, or with one that seccomp does not have',
    remedy: 'look at its listing (disassemble); a kernel without CONFIG_SECCOMP_FILTER says the same of all',
  },
  // openat2(2), fchdir(2)
  {
    call: ['openat2', 'fchdir'],
    errno: 'EACCES',
    cause: 'this user may not enter the directory, or one on the way to it',
    remedy: 'give it the right to search them: chmod +x',
  },
  // setgroups(2), setresgid(2), setresuid(2), capset(2)
  {
    call: 'setgroups',
    errno: 'EPERM',
    cause: 'only root may (CAP_SETGID), and in a user namespace only where /proc/PID/setgroups says allow',
    remedy: 'run it with sudo; leave out --group-add in a user namespace with a single id',
  },
  {
    call: ['setresuid', 'setresgid'],
    errno: 'EPERM',
    cause: 'only root may become another user or take another group (CAP_SETUID, CAP_SETGID)',
    remedy: 'run it with sudo',
  },
  {
    call: ['setgroups', 'setresuid', 'setresgid', 'fchownat'],
    errno: 'EINVAL',
    cause: 'the user namespace has no such id: the map leaves it out',
    remedy: 'look at the map: /proc/PID/uid_map and gid_map; choose another --user, or a larger range',
  },
  {
    call: 'capset',
    errno: 'EPERM',
    cause: 'a process can only give capabilities up: it has never had one of these',
    remedy: 'leave it out; what there is to give stands in CapPrm of /proc/self/status',
  },
  // memfd_create(2)
  {
    call: 'memfd_create',
    errno: 'EACCES',
    cause: 'no program may be run from memory here: sysctl vm.memfd_noexec is 2',
    remedy: 'as root: sysctl -w vm.memfd_noexec=1; inside another container, there',
  },
  // sessions and terminals: setsid(2), ioctl_tty(2)
  {
    call: 'setsid',
    errno: 'EPERM',
    cause: 'this process leads a process group already',
    remedy: 'call it in a new child',
  },
  {
    call: 'ioctl',
    errno: 'EPERM',
    when: ([, request]) => request === IOCTL.TIOCSCTTY,
    cause: 'not a session’s first process, or it has a terminal already, or another session has this one',
    remedy: 'call setsid first, and give each session its own pseudo-terminal',
  },
  {
    call: 'ioctl',
    errno: 'EIO',
    when: ([, request]) => request === IOCTL.TIOCSTI,
    cause: 'pushing characters into a terminal’s input is switched off in this kernel',
    remedy: 'leave it so; sysctl dev.tty.legacy_tiocsti',
  },
  {
    call: 'ioctl',
    errno: 'EPERM',
    when: ([, request]) => request === IOCTL.SIOCSIFFLAGS,
    cause: 'only root of the network namespace may switch its links',
    remedy: 'run it with sudo, or make a network namespace first: unshare --net',
  },
  {
    call: 'ioctl',
    errno: 'ENODEV',
    when: ([, request]) => request === IOCTL.SIOCSIFFLAGS || request === IOCTL.SIOCGIFFLAGS,
    cause: 'this network namespace has no link of that name',
    remedy: 'look which it has: ip link',
  },
  {
    call: 'ioctl',
    errno: 'ENOTTY',
    cause: 'the descriptor is not a terminal, or a thing that does not know this request',
    remedy: 'run it in a terminal, or without -t',
  },
  // pidfd_open(2), pidfd_getfd(2), kill(2), prlimit(2), wait4(2)
  {
    call: PIDFDS,
    errno: 'ESRCH',
    cause: 'the process has ended',
    remedy: 'nothing to be done: it is gone',
  },
  {
    call: 'pidfd_open',
    errno: 'ENOENT', // since Linux 6.16, before that EINVAL
    cause: 'the number is a thread’s, not a process’s',
    remedy: 'use the process’s own pid: Tgid in /proc/TID/status',
  },
  {
    call: 'pidfd_open',
    errno: 'EINVAL',
    cause: 'the number is not positive, or a thread’s and not a process’s',
    remedy: 'use the process’s own pid: Tgid in /proc/TID/status',
  },
  {
    call: 'pidfd_getfd',
    errno: 'EPERM',
    cause: 'taking a descriptor from another process needs the right to trace it (ptrace)',
    remedy: 'run it with sudo; as for gdb, see kernel.yama.ptrace_scope',
  },
  {
    call: 'pidfd_getfd',
    errno: 'EBADF',
    cause: 'the other process has no such descriptor open',
    remedy: 'look which it has: ls -l /proc/PID/fd',
  },
  {
    call: ['kill', 'pidfd_send_signal'],
    errno: 'EPERM',
    cause: 'the process belongs to another user',
    remedy: 'run it with sudo',
  },
  {
    call: 'prlimit64',
    errno: 'EPERM',
    cause: 'only root (CAP_SYS_RESOURCE) may raise a hard limit, and open files never above fs.nr_open',
    remedy: 'ask for no more than `ulimit -H` shows (--ulimit), or run it with sudo',
  },
  {
    call: 'prlimit64',
    errno: 'EINVAL',
    cause: 'the soft limit is above the hard limit',
    remedy: 'raise both, or lower the soft one',
  },
  {
    call: 'wait4',
    errno: 'ECHILD',
    cause: 'it is not a child of this process, or was waited for already, or SIGCHLD is ignored',
    remedy: 'wait with a pidfd and poll instead',
  },
  {
    call: ['mprotect', 'mmap'],
    errno: 'EACCES',
    cause: 'a security module (SELinux execmem) forbids to run memory that was written to',
    remedy: 'as root: setsebool deny_execmem 0',
  },
  {
    call: ['mprotect', 'mmap'],
    errno: 'EPERM',
    cause: 'a seccomp filter forbids executable memory, such as systemd’s MemoryDenyWriteExecute',
    remedy: 'run it outside of that service',
  },
]
