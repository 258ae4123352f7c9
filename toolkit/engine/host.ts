// What the engine asks of its host, in words: what is missing, what that costs, and what to type. `toolkit doctor` prints
// these words after looking (host/checks.ts); whoever has to refuse something for a reason of the host says the same.
import { UsageError } from '../kernel/usage-error.ts'
import { bootWith, load, moreRights, newKernel, orMoreRights } from './remedies.ts'

export const GROUPS = ['kernel', 'rights', 'namespaces', 'file system', 'cgroups', 'network', 'course'] as const
export type RequirementGroup = (typeof GROUPS)[number]

export interface Requirement {
  readonly group: RequirementGroup
  /** What it is about, in a word or two. */
  readonly title: string
  /** No container can be made without it. */
  readonly needed?: true
  /** What is missing: a clause that stands after "toolkit: ". */
  readonly missing: string
  /** What does not work then. */
  readonly cost: string
  /** A command to type. It may have to be adapted: a package may have another name on another distribution. */
  readonly remedy: string
}

const CONTAINERS = 'no container can be made'

const namespace = (name: string, cost: string): Omit<Requirement, 'needed'> => ({
  group: 'namespaces',
  title: name,
  missing: `no ${name} namespace can be made here`,
  cost,
  remedy: newKernel(),
})

const controller = (name: string, cost: string, remedy: string): Requirement => ({
  group: 'cgroups',
  title: name,
  missing: `there is no cgroup controller ${name} here`,
  cost,
  remedy,
})

/** Mounts a controller where there is no v2 hierarchy that has it. */
export const mountV1 = (name: string): string =>
  `sudo mkdir -p /sys/fs/cgroup/${name} && sudo mount -t cgroup -o ${name} cgroup /sys/fs/cgroup/${name}`

const program = (title: string, missing: string, cost: string, remedy: string): Requirement => ({
  group: 'course',
  title,
  missing,
  cost,
  remedy,
})

const table = () =>
  ({
    processor: {
      group: 'kernel',
      title: 'processor',
      needed: true,
      missing: 'toolkit knows the system calls of x86-64 and arm64 only',
      cost: CONTAINERS,
      remedy: 'uname -m',
    },
    surroundings: {
      group: 'kernel',
      title: 'surroundings',
      missing: 'this machine is one within another, which has not given it all that is needed',
      cost: 'containers, limits or figures: see below',
      remedy: moreRights(),
    },
    linux: {
      group: 'kernel',
      title: 'Linux 5.9',
      needed: true,
      missing: 'this kernel is too old, or hides system calls that toolkit is built on',
      cost: CONTAINERS,
      remedy: newKernel(),
    },
    'detached-mounts': {
      group: 'kernel',
      title: 'detached mounts',
      missing: 'this kernel cannot make an overlay that is mounted nowhere (Linux 6.5)',
      cost: '--userns; all others mount their root file system by the older calls',
      remedy: newKernel(),
    },
    'mount-attributes': {
      group: 'kernel',
      title: 'mount_setattr',
      missing: 'this kernel cannot change a whole tree of mounts at once (mount_setattr, Linux 5.12)',
      cost: 'a read-only volume is not read-only in the mounts below it',
      remedy: newKernel(),
    },
    seccomp: {
      group: 'kernel',
      title: 'seccomp',
      missing: 'this kernel filters no system calls (seccomp)',
      cost: 'only containers with --security-opt seccomp=unconfined, and lesson 17',
      remedy: newKernel(),
    },
    'memfd-exec': {
      group: 'kernel',
      title: 'programs in memory',
      missing: 'this host starts no programs from memory (vm.memfd_noexec is 2)',
      cost: '--init',
      remedy: 'sudo sysctl vm.memfd_noexec=1',
    },
    root: {
      group: 'rights',
      title: 'root',
      missing: 'this needs root',
      cost: 'limits, --net bridge, -p, -d, --device, and some tasks of the course',
      remedy: 'sudo toolkit …',
    },
    capabilities: {
      group: 'rights',
      title: 'capabilities',
      needed: true,
      missing: 'root has not all its capabilities here',
      cost: CONTAINERS,
      remedy: moreRights(),
    },
    'container-capabilities': {
      group: 'rights',
      title: 'docker’s 14',
      missing: 'capabilities that a container has by default are not there to be given',
      cost: 'containers have fewer capabilities',
      remedy: moreRights(),
    },
    'cap-sys-resource': {
      group: 'rights',
      title: 'SYS_RESOURCE',
      missing: 'the capability SYS_RESOURCE is not there',
      cost: '--ulimit above our own hard limits, and an OOM adjustment below our own',
      remedy: moreRights(),
    },
    'open-files': {
      group: 'rights',
      title: 'open files',
      missing: 'we may open too few files at once',
      cost: 'many containers at once, and programs in them that open many files',
      remedy: 'ulimit -n 4096',
    },
    'ns-mnt': { ...namespace('mnt', CONTAINERS), needed: true },
    'ns-uts': { ...namespace('uts', CONTAINERS), needed: true },
    'ns-ipc': { ...namespace('ipc', CONTAINERS), needed: true },
    'ns-pid': { ...namespace('pid', CONTAINERS), needed: true },
    'ns-net': { ...namespace('net', CONTAINERS), needed: true },
    'ns-user': namespace('user', '--userns private, and lesson 7'),
    'ns-cgroup': namespace('cgroup', 'containers see the cgroups of the host, and lesson 8'),
    'ns-time': namespace('time', 'a clock of its own, and lesson 8'),
    'ns-limit': {
      group: 'namespaces',
      title: 'limits',
      missing: 'the limit of namespaces is low (/proc/sys/user/max_*_namespaces)',
      cost: 'containers, from that many on',
      remedy: 'for f in /proc/sys/user/max_*_namespaces; do echo 15000 | sudo tee $f; done',
    },
    'userns-for-users': {
      group: 'namespaces',
      title: 'user, without root',
      missing: 'only root may make user namespaces here',
      cost: 'the part of lesson 7 that is done without root',
      remedy: 'sudo sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0',
    },
    overlay: {
      group: 'file system',
      title: 'overlay',
      needed: true,
      missing: 'this kernel has no overlay file system',
      cost: CONTAINERS,
      remedy: load('overlay'),
    },
    'state-dir': {
      group: 'file system',
      title: 'state directory',
      needed: true,
      missing: 'the state of containers cannot be written',
      cost: CONTAINERS,
      remedy: orMoreRights('export TOOLKIT_STATE=/a/directory/that/can/be/written'),
    },
    'overlay-upper': {
      group: 'file system',
      title: 'upper layers',
      needed: true,
      missing: 'the file system of the state directory cannot carry the upper layer of an overlay',
      cost: CONTAINERS,
      remedy: orMoreRights('export TOOLKIT_STATE=/a/directory/on/ext4/xfs/btrfs/or/tmpfs'),
    },
    'disk-space': {
      group: 'file system',
      title: 'disk space',
      missing: 'the disk of the state directory is nearly full',
      cost: 'what containers write, and images',
      remedy: 'toolkit ps -a && toolkit rm …',
    },
    'idmapped-mounts': {
      group: 'file system',
      title: 'id-mapped mounts',
      missing: 'the file system of the state directory cannot be mounted with other owners (Linux 5.12)',
      cost: 'images and volumes that belong to the users of a user namespace',
      remedy: newKernel(),
    },
    cgroups: {
      group: 'cgroups',
      title: 'hierarchies',
      missing: 'no cgroup hierarchy is mounted',
      cost: 'all limits, figures and pause; lessons 8 to 11',
      remedy: orMoreRights('sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup'),
    },
    'cgroup-write': {
      group: 'cgroups',
      title: 'own groups',
      missing: 'no cgroups can be made below our own',
      cost: 'all limits, figures and pause; lessons 8 to 11',
      remedy: orMoreRights('sudo mount -o remount,rw /sys/fs/cgroup'),
    },
    'cgroup-memory': controller('memory', '-m, and lesson 10', bootWith('cgroup_enable=memory')),
    'cgroup-swap': {
      group: 'cgroups',
      title: 'swap',
      missing: 'swap is not accounted for in cgroups here',
      cost: '--memory-swap, and lesson 10; with -m a container may swap as it likes',
      remedy: bootWith('swapaccount=1'),
    },
    'cgroup-cpu': controller('cpu', '--cpus, --cpu-shares, and lesson 11', mountV1('cpu')),
    'cgroup-cpuset': controller('cpuset', '--cpuset-cpus, and lesson 11', mountV1('cpuset')),
    'cgroup-pids': controller(
      'pids',
      '--pids-limit, and lesson 9: a fork bomb takes the host with it',
      mountV1('pids'),
    ),
    'cgroup-io': controller('io', '--blkio-weight, --device-read-bps', mountV1('blkio')),
    'cgroup-io-weight': {
      group: 'cgroups',
      title: 'io weight',
      missing: 'this kernel shares no disks by weight (the scheduler BFQ does)',
      cost: '--blkio-weight',
      remedy: load('bfq'),
    },
    'cgroup-devices': controller(
      'devices',
      '--device, and lesson 11: containers may use all that they can mknod',
      mountV1('devices'),
    ),
    'cgroup-freezer': controller('freezer', 'pause, and lesson 11', mountV1('freezer')),
    'cgroup-hugetlb': controller('hugetlb', 'limits of huge pages', mountV1('hugetlb')),
    veth: {
      group: 'network',
      title: 'veth',
      missing: 'this kernel has no veth pairs',
      cost: '--net bridge, -p, and lesson 14',
      remedy: load('veth'),
    },
    bridge: {
      group: 'network',
      title: 'bridge',
      missing: 'this kernel has no bridges',
      cost: '--net bridge, -p, and lesson 15',
      remedy: load('bridge'),
    },
    macvlan: {
      group: 'network',
      title: 'macvlan',
      missing: 'this kernel has no macvlan',
      cost: 'the primitive macvlan',
      remedy: load('macvlan'),
    },
    vxlan: {
      group: 'network',
      title: 'vxlan',
      missing: 'this kernel has no vxlan',
      cost: 'the primitive vxlan',
      remedy: load('vxlan'),
    },
    nftables: {
      group: 'network',
      title: 'nftables',
      missing: 'this kernel has no nftables, or no NAT in it',
      cost: '-p, and the way out of --net bridge',
      remedy: load('-a nf_tables nft_nat nft_masq nft_fib_inet'),
    },
    'ip-forward': {
      group: 'network',
      title: 'forwarding',
      missing: 'this host does not pass packets on, and we may not switch that on',
      cost: '-p, and the way out of --net bridge',
      remedy: orMoreRights('sudo sysctl net.ipv4.ip_forward=1'),
    },
    'forward-policy': {
      group: 'network',
      title: 'firewall',
      missing: 'another firewall of this host drops what is to be passed on (docker does that)',
      cost: '-p, and the way out of --net bridge',
      remedy: 'sudo iptables -P FORWARD ACCEPT',
    },
    'bridge-filter': {
      group: 'network',
      title: 'br_netfilter',
      missing: 'what goes over a bridge goes through that firewall, too',
      cost: 'containers on one bridge may not reach each other',
      remedy: 'sudo sysctl net.bridge.bridge-nf-call-iptables=0',
    },
    ip: program('ip', 'the program ip is not there', 'lessons 6, 14 and 15', 'sudo apt-get install iproute2'),
    nft: program('nft', 'the program nft is not there', 'lesson 15', 'sudo apt-get install nftables'),
    runc: program('runc', 'the program runc is not there', 'lesson 19', 'sudo apt-get install runc'),
    'util-linux': program(
      'unshare, nsenter',
      'the programs of util-linux are not there',
      'nearly every lesson',
      'sudo apt-get install util-linux',
    ),
    busybox: program(
      'busybox',
      'there is no static busybox to make a root file system from',
      'the first start asks to download one',
      'sudo apt-get install busybox-static',
    ),
    terminal: program(
      'terminal',
      'this is no terminal of at least 80 columns and 24 rows',
      'the tutor; toolkit lessons does the same without a screen',
      "printf '\\e[8;30;100t'",
    ),
    'utf-8': program(
      'UTF-8',
      'the locale is not UTF-8',
      'lines and arrows of the tutor are drawn as other letters',
      'export LANG=C.UTF-8',
    ),
  }) satisfies Record<string, Requirement>

export type RequirementId = keyof ReturnType<typeof table>

let made: Readonly<Record<RequirementId, Requirement>> | undefined

/** All of them. The table is made when it is first asked for: few commands have to refuse anything. */
export const requirements = (): Readonly<Record<RequirementId, Requirement>> => (made ??= table())

export const requirement = (id: RequirementId): Requirement => requirements()[id]

/** More than the table knows: what exactly is missing, and a command that fits better. */
export interface Particulars {
  readonly detail?: string | undefined
  readonly remedy?: string | undefined
}

/** What is missing: `the capability SYS_RESOURCE is not there`, and what exactly in parentheses. */
export const sentence = (missing: string, detail: string | undefined): string =>
  detail ? `${missing} (${detail})` : missing

/** What is missing and what to do, in one line: `this kernel has no overlay file system; try: sudo modprobe overlay`. */
export function complain(id: RequirementId, { detail, remedy }: Particulars = {}): string {
  const { missing, remedy: usual } = requirement(id)
  return `${sentence(missing, detail)}; try: ${remedy ?? usual}`
}

/** Something that this host cannot do, with exit code 125 as all that the engine refuses. */
export class HostRefusal extends UsageError {
  readonly id: RequirementId
  readonly particulars: Particulars

  constructor(id: RequirementId, particulars: Particulars, asked?: string) {
    super(`${asked ? `${asked}: ` : ''}${complain(id, particulars)}`)
    this.id = id
    this.particulars = particulars
  }
}

/** The error for something that the host cannot do. `asked` is what the user wanted, as he wrote it: `run: -m 1g`. */
export const refuse = (
  id: RequirementId,
  { asked, ...particulars }: Particulars & { readonly asked?: string } = {},
): HostRefusal => new HostRefusal(id, particulars, asked)
