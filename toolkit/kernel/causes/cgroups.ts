// Failures of what is done with cgroups: their directories, their files, and programs for the kernel (BPF) in them.

import { AT } from '../constants.ts'
import type { CauseRow } from './row.ts'

/** A rule for the files devices.allow and devices.deny of cgroup v1, such as `c 1:3 rwm`. */
const isDeviceRule = (text: unknown): boolean =>
  typeof text === 'string' && /^[abc]( [\d*]+:[\d*]+ [rwm]+)?$/.test(text)

export const cgroupCauses = (): readonly CauseRow[] => [
  {
    call: 'unlinkat',
    errno: 'EBUSY',
    when: ([, , flags]) => flags === AT.REMOVEDIR,
    cause: 'something is mounted there; or a cgroup, and processes or other cgroups are in it',
    remedy: 'umount it; or end the processes in its cgroup.procs, and remove the cgroups in it first',
  },
  {
    call: 'unlinkat',
    errno: 'ENOTEMPTY',
    cause: 'the directory has files or directories in it',
    remedy: 'remove these first: rm -r',
  },
  {
    call: 'write',
    errno: 'EPERM',
    when: ([, text]) => isDeviceRule(text),
    cause: 'the cgroup above does not allow this device, so this one cannot either',
    remedy: 'look what is allowed there: devices.list',
  },
  {
    call: 'write',
    errno: 'EINVAL',
    when: ([, text]) => isDeviceRule(text),
    cause: 'no such rule; or a rule for all devices, while there are cgroups below this one',
    remedy: 'write c or b, MAJOR:MINOR and some of rwm; rules for all devices before the cgroups below are made',
  },
  {
    call: 'bpf',
    errno: 'EPERM',
    cause: 'programs for the kernel may be loaded and attached by root only (CAP_BPF, CAP_NET_ADMIN or CAP_SYS_ADMIN)',
    remedy: 'run it with sudo; inside another container, on the host',
  },
  {
    call: 'bpf',
    errno: 'EINVAL',
    cause: 'this kernel does not know the request, the kind of program (CONFIG_CGROUP_BPF), or one of its instructions',
    remedy: 'use a kernel of a distribution, 4.15 or newer',
  },
  {
    call: 'bpf',
    errno: 'ENOSYS',
    cause: 'this kernel was built without bpf(2), or a seccomp filter hides it',
    remedy: 'use a kernel with CONFIG_BPF_SYSCALL; inside docker, --security-opt seccomp=unconfined',
  },
]
