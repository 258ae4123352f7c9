// In what runc and we differ, and why. Whatever is not here is the same.
import fs from 'node:fs'
import { readLayout } from '../../toolkit/observe/cgroups.ts'

/** Rows of the table of wishes in which more differs than in others. */
export const users = 'users of its own'
export const cgroups = 'the host’s cgroups'

export interface Difference {
  /** Whose line it is. */
  readonly of: 'runc' | 'us'
  readonly line: RegExp
  readonly reason: string
  /** Only in this row; else in any. */
  readonly in?: string
  /** Only on such a machine; else on any. */
  readonly where?: boolean
}

const COPY = 'we run a container on a layer of its own over the root file system, runc in the directory itself'
const ETC = 'the engine writes these files for each container; a spec cannot say what is in them'
const MASK = 'the same mask: we cover all directories with one tmpfs, without room for a file, and nothing in it counts'
const PLACE = 'the directory above the v1 hierarchies is read-only with us, as they are; runc leaves it writable'
const GROUPS = 'our groups lie in one that is called toolkit; without a namespace only where there is something to do'
const SYSTEMD = 'a word in the place of a device, which names none'
const TREE = 'without a cgroup namespace of its own we show the host’s groups, as asked; runc only the container’s'
const WORDS = 'the same failure in other words'
const TIME = 'a time namespace, with the host’s clocks, is left out of the spec: runc 1.1 knows none'
const CODES = 'we end as docker does: 127 for what is not there, 126 for what cannot be executed; runc 1.1 with 1'

const POWERS = 'runc switches on every controller, we those that limit something'
const CURVE = 'the weight for --cpu-shares by the newer formula of runc and crun, which runc 1.1 does not know yet'
const LABEL = 'the source of a cgroup2 mount is a word without a meaning'

const MAPPED = 'we map the files of the image to the users of the container; with runc 1.1 they belong to nobody'
const NODES = 'we make devices for these users from outside, runc binds those of the host'
const OWNERS =
  'who made it, the host’s root or the container’s, shows in the options of the file system, not in what one can do'
const QUEUES = 'its file system begins with the namespace, before there are users to own it; all may write in it'

export const v2 = readLayout(process.pid)?.layout === 'v2'
const v1 = !v2

const differences: readonly Difference[] = [
  { of: 'runc', line: /^mount \/ (?!overlay)\S+ r[ow],/, reason: COPY },
  { of: 'us', line: /^mount \/ overlay r[ow],/, reason: COPY },
  { of: 'runc', line: /^namespace time(_for_children)? the host’s$/, reason: TIME },
  { of: 'us', line: /^namespace time(_for_children)? its own$/, reason: TIME },
  { of: 'us', line: /^mount \/etc\/(hostname|hosts|resolv.conf) \S+ r[ow],\S+ \(\S+ \S+ STATE\//, reason: ETC },
  {
    of: 'runc',
    line: /^mount \/(proc|sys)\/\S+ tmpfs ro,relatime \(tmpfs ro(,inode64|,[ug]id=\d+)* \/\)$/,
    reason: MASK,
  },
  {
    of: 'us',
    line: /^mount \/(proc|sys)\/\S+ tmpfs ro,nosuid,nodev,noexec,relatime \(tmpfs ro,size=4k,nr_inodes=1(,inode64|,[ug]id=\d+)* \/\)$/,
    reason: MASK,
  },
  {
    of: 'runc',
    line: /^device '\/dev\/core' -> '\/proc\/kcore'/,
    reason: 'runc makes a name for what is masked; docker’s list of devices has none',
    where: fs.existsSync('/proc/kcore'),
  },
  {
    of: 'runc',
    line: /^limit \S+devices.list:c 10:200 rwm$/,
    reason: 'runc 1.1 lets every container use /dev/net/tun; docker and later runc do not',
    where: v1,
  },
  { where: v1, of: 'runc', line: /^mount \/sys\/fs\/cgroup tmpfs rw,/, reason: PLACE },
  { where: v1, of: 'us', line: /^mount \/sys\/fs\/cgroup tmpfs ro,/, reason: PLACE },
  { where: v1, of: 'runc', line: /^mount \/sys\/fs\/cgroup\/systemd cgroup .*\(systemd /, reason: SYSTEMD },
  { where: v1, of: 'us', line: /^mount \/sys\/fs\/cgroup\/systemd cgroup .*\(cgroup /, reason: SYSTEMD },
  { where: v1, in: cgroups, of: 'runc', line: /^cgroup \S*:\S*\/ID$/, reason: GROUPS },
  { where: v1, in: cgroups, of: 'us', line: /^cgroup \S*:\S*(\/toolkit\/ID|\/)$/, reason: GROUPS },
  { where: v1, in: cgroups, of: 'runc', line: /^mount \/sys\/fs\/cgroup\/\S+ cgroup ro,.* \S*\/ID\)$/, reason: TREE },
  { where: v1, in: cgroups, of: 'us', line: /^mount \/sys\/fs\/cgroup\/\S+ cgroup2? ro,.* \S*\/\)$/, reason: TREE },
  { where: v1, in: cgroups, of: 'runc', line: /^limit /, reason: TREE },
  { where: v1, in: cgroups, of: 'us', line: /^limit \S+devices.list:a \*:\* rwm$/, reason: TREE },
  { where: v2, of: 'runc', line: /^limit \S+(cpu.weight:100|cpu.max:max 100000)$/, reason: POWERS },
  { where: v2, in: 'more limits', of: 'runc', line: /^limit \S+cpu.weight:20$/, reason: CURVE },
  { where: v2, in: 'more limits', of: 'us', line: /^limit \S+cpu.weight:59$/, reason: CURVE },
  { where: v2, of: 'runc', line: /^mount \/sys\/fs\/cgroup cgroup2 r[ow],\S+ \(cgroup rw/, reason: LABEL },
  { where: v2, of: 'us', line: /^mount \/sys\/fs\/cgroup cgroup2 r[ow],\S+ \(cgroup2 rw/, reason: LABEL },
  { in: users, of: 'runc', line: /^directory \S+ \S+ 65534:65534$/, reason: MAPPED },
  { in: users, of: 'us', line: /^directory \S+ \S+ 0:0$/, reason: MAPPED },
  { in: users, of: 'us', line: /^may write \/new$/, reason: MAPPED },
  { in: users, of: 'runc', line: /^device \S+ c\S+ 65534:65534 /, reason: NODES },
  { in: users, of: 'us', line: /^device \S+ c\S+ 0:0 /, reason: NODES },
  { in: users, of: 'runc', line: /^mount \S+ devtmpfs \S+ (master )?\(\w+ \S+ \/[a-z]+\)$/, reason: NODES },
  {
    in: users,
    of: 'runc',
    line: /^mount \/dev tmpfs \S+ \(tmpfs \S+,uid=\d+,gid=\d+(,inode64)? \/\)$/,
    reason: OWNERS,
  },
  {
    in: users,
    of: 'us',
    line: /^mount \/(dev|proc\/\w+) tmpfs \S+ \(tmpfs \S+,mode=755(,inode64)? \/(null)?\)$/,
    reason: OWNERS,
  },
  { in: users, of: 'runc', line: /^mount \/sys sysfs ro,\S+ \(sysfs ro \/\)$/, reason: OWNERS },
  { in: users, of: 'us', line: /^mount \/sys sysfs ro,\S+ \(sysfs rw \/\)$/, reason: OWNERS },
  { in: users, of: 'runc', line: /^device \/dev\/mqueue drwxrwxrwt 0:65534 /, reason: QUEUES },
  { in: users, of: 'us', line: /^device \/dev\/mqueue drwxrwxrwt 65534:65534 /, reason: QUEUES },
  { of: 'runc', line: /^exit 1$/, reason: CODES },
  { of: 'us', line: /^exit 12[67]$/, reason: CODES },
  { of: 'runc', line: /^stderr .*unable to start container process: exec: /, reason: WORDS },
  { of: 'us', line: /^stderr toolkit: cannot start "/, reason: WORDS },
]
/** Those of this machine. */
export const here = differences.filter(({ where = true }) => where)
