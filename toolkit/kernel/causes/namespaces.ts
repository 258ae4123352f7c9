// Failures of the calls that make namespaces, and processes in them; that enter them; and that set their names.
import { CLONE } from '../constants.ts'
import type { Arg } from '../step.ts'
import type { CauseRow } from './row.ts'

/** That the flags in argument `at` contain `flag`. */
const asks =
  (flag: number, at = 0) =>
  (args: readonly Arg[]): boolean =>
    (Number(args[at]) & flag) !== 0

export const namespaceCauses = (): readonly CauseRow[] => [
  // unshare(2), clone(2).
  {
    call: 'unshare',
    errno: 'EINVAL',
    when: asks(CLONE.NEWUSER),
    cause: 'a process with more than one thread cannot move to a new user namespace',
    remedy: 'make the user namespace with clone3, in the new process',
  },
  {
    call: 'unshare',
    errno: 'EINVAL',
    when: asks(CLONE.NEWPID),
    cause: 'this process has already asked for a new PID namespace, which only its children will be in',
    remedy: 'start a child first: unshare --pid --fork',
  },
  {
    call: ['unshare', 'clone3'],
    errno: 'EINVAL',
    cause: 'a flag that this kernel does not know, or two flags that exclude each other',
    remedy: 'look the flags up in clone(2); time namespaces need Linux 5.6',
  },
  {
    call: 'unshare',
    errno: 'EPERM',
    when: asks(CLONE.NEWUSER),
    cause: 'user namespaces are closed to ordinary users here, or this process lives in a chroot',
    remedy: 'as root: sysctl -w kernel.unprivileged_userns_clone=1 (Debian); outside of any chroot',
  },
  {
    call: ['unshare', 'clone3'],
    errno: 'EPERM',
    cause: 'new namespaces need root (CAP_SYS_ADMIN)',
    remedy: 'run it with sudo; inside another container, give that one more rights',
  },
  {
    call: ['unshare', 'clone3'],
    errno: 'EACCES',
    cause: 'AppArmor or SELinux keeps this program from making user namespaces',
    remedy: 'on Ubuntu: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
  {
    call: 'unshare',
    errno: 'ENOSPC',
    when: asks(CLONE.NEWUSER),
    cause: 'the limit on user namespaces is reached; where it is 0 they are switched off',
    remedy: 'as root: sysctl -w user.max_user_namespaces=15000',
  },
  {
    call: ['unshare', 'clone3'],
    errno: 'ENOSPC',
    cause: 'the limit on such namespaces is reached, or they are nested more than 32 deep',
    remedy: 'raise the limit in /proc/sys/user/, or end what holds the others: lsns lists them',
  },
  {
    call: ['unshare', 'clone3', 'clone'],
    errno: 'ENOMEM',
    cause: 'no memory is left, or the first process of the PID namespace has ended: nobody can be born in there now',
    remedy: 'start a new PID namespace; with unshare(1), use --pid together with --fork',
  },
  {
    call: ['unshare', 'clone3', 'clone'],
    errno: 'EAGAIN',
    cause: 'the limit on processes is reached: of the cgroup (pids.max), the user (ulimit -u) or the machine',
    remedy: 'raise that limit, or end some processes',
  },
  {
    call: ['unshare', 'clone3'],
    errno: 'EBUSY',
    cause: 'the cgroup passes controllers on to cgroups below it, so no process may be in it itself',
    remedy: 'start the process in a cgroup below that one',
  },
  {
    call: ['unshare', 'clone3'],
    errno: 'EOPNOTSUPP',
    cause: 'the cgroup is threaded, or in a threaded tree: whole processes cannot be born there',
    remedy: 'use a cgroup whose cgroup.type is "domain"',
  },
  {
    call: 'clone3',
    errno: 'ENOSYS',
    cause: 'Linux older than 5.3, or a seccomp filter (such as docker’s) hides the call',
    remedy: 'use a newer kernel; inside docker, --security-opt seccomp=unconfined',
  },
  // setns(2)
  {
    call: 'setns',
    errno: 'EINVAL',
    when: asks(CLONE.NEWUSER, 1),
    cause: 'a process with more than one thread, or one that is in there already, cannot enter a user namespace',
    remedy: 'enter it from a new process that has one thread: nsenter --user',
  },
  {
    call: 'setns',
    errno: 'EINVAL',
    when: asks(CLONE.NEWNS, 1),
    cause: 'a thread that shares its root and working directory with others cannot change its mount namespace',
    remedy: 'enter it from a new process that has one thread: nsenter --mount',
  },
  {
    call: 'setns',
    errno: 'EINVAL',
    when: asks(CLONE.NEWPID, 1),
    cause: 'one can only enter a PID namespace below one’s own, never one above or beside it',
    remedy: 'enter from the host',
  },
  {
    call: 'setns',
    errno: 'EINVAL',
    cause: 'the descriptor is no namespace, or one of another type',
    remedy: 'open the link in /proc/PID/ns that has the type’s name',
  },
  {
    call: 'setns',
    errno: 'EPERM',
    cause: 'entering a namespace needs root (CAP_SYS_ADMIN), here and in the user namespace that owns it',
    remedy: 'run it with sudo; or enter the user namespace first',
  },
  {
    call: 'setns',
    errno: 'ESRCH',
    cause: 'the process whose namespaces were to be entered has ended',
    remedy: 'take a process that runs: lsns',
  },
  // sethostname(2)
  {
    call: 'sethostname',
    errno: 'EINVAL',
    cause: 'a host name has at most 64 bytes',
    remedy: 'choose a shorter one',
  },
  {
    call: 'sethostname',
    errno: 'EPERM',
    cause: 'only root of the UTS namespace may change its host name',
    remedy: 'run it with sudo, or make a UTS namespace first: unshare --uts',
  },
  // setdomainname(2)
  {
    call: 'setdomainname',
    errno: 'EPERM',
    cause: 'only root of the UTS namespace may change its domain name',
    remedy: 'run it with sudo, or make a UTS namespace first: unshare --uts',
  },
]
