// The flags that say where a container's cgroup lies, and how much it sees of the host's.
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  cgroupns: {
    value: 'host|private',
    help: 'whether it sees the host’s cgroups or only its own (default: private)',
    blank: true,
  },
  'cgroup-parent': {
    value: 'PATH',
    help: 'the cgroup that its own lies in, made where it is missing: a/b below ours, /a/b from the top',
    blank: true,
  },
} satisfies Record<string, Flag>

export interface CgroupFlags {
  readonly cgroupns: 'host' | 'private'
  readonly cgroupParent?: string
}

/** Files that each group has, or each of a controller: CONTROLLER.*; what systemd escapes. */
const FILES =
  /^(tasks|notify_on_release|release_agent|(cgroup|cpu|cpuacct|cpuset|memory|blkio|io|pids|devices|freezer|hugetlb|net_cls|net_prio|perf_event|rdma|misc)\..*)$/

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function cgroups(given: Parsed['flags']): CgroupFlags {
  const { cgroupns = 'private', 'cgroup-parent': parent } = given as { cgroupns?: string; 'cgroup-parent'?: string }
  if (cgroupns !== 'host' && cgroupns !== 'private') throw refuseValue('cgroupns', cgroupns, 'give host or private')
  if (parent === undefined) return { cgroupns }
  const names = parent.split('/').filter(Boolean)
  // mkdir(2) in cgroupfs refuses a newline, which would break /proc/PID/cgroup
  const wrong = names.find(name => name === '.' || name === '..' || name.length > 255 || /[\n\0]/.test(name))
  if (wrong !== undefined)
    throw refuseValue('cgroup-parent', parent, 'give the path of a group: a/b below ours, /a/b from the top')
  const file = names.find(name => FILES.test(name))
  if (file !== undefined)
    throw refuseValue('cgroup-parent', parent, `${file} is a name for files of the kernel; give another`)
  return { cgroupns, cgroupParent: parent }
}
