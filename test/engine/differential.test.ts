// The same bundle under runc and under us: `toolkit spec` says it, both run it, and a program inside looks around. What it
// sees must be the same, line for line, or stand in the list of differences with a reason. A difference that has gone
// must leave the list.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { onTerminal } from '../cli/pty.ts'
import { bin, nothing, skipped, World } from '../cli/toolkit.ts'

const KNOWN = '1.1' // the list of differences is one with this runc
const [, version] = /^runc version (\d+\.\d+)/.exec(spawnSync('runc', ['--version'], { encoding: 'utf8' }).stdout) ?? []
const unfit = version ? ` (skipped: compares with runc ${KNOWN}, here is ${version})` : ' (skipped: no runc here)'
const why = skipped || (version === KNOWN ? '' : unfit)

const world = new World()
/** runc mounts and writes in the directory itself, so it gets one of its own. */
const copy = `${world.state}/copy`
/** A directory of the host. */
const shared = `${world.state}-shared`
if (!why) {
  spawnSync('cp', ['-a', world.rootfs, copy])
  fs.chmodSync(world.state, 0o711) // runc comes here as the root of a user namespace, too
  fs.mkdirSync(shared)
  fs.writeFileSync(`${shared}/file`, '')
}
afterAll(() => {
  world.end()
  fs.rmSync(shared, { recursive: true, force: true })
})
afterEach(() => {
  expect(world.left()).toEqual(nothing)
  expect(fs.existsSync(`${world.state}/runc`) ? fs.readdirSync(`${world.state}/runc`) : []).toEqual([])
})

const LIMITS = `memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes cpu.cfs_quota_us
  cpu.cfs_period_us cpu.shares pids.max devices.list memory.max memory.swap.max memory.low cpu.max cpu.weight`
  .split(/\s+/)
  .map(name => `-name ${name}`)
  .join(' -o ')

/** What the program looks at, a line each, with the kind of thing before it. The shell is what is looked at. */
const PROBE = `
show() { while read -r line; do echo "$1 $line"; done; }
show status </proc/$$/status
show mountinfo </proc/$$/mountinfo
show cgroup </proc/$$/cgroup
show limits </proc/$$/limits
show oom_score_adj </proc/$$/oom_score_adj
show uid_map </proc/$$/uid_map
ls -l /proc/$$/ns | show namespace
grep -s . $(find /sys/fs/cgroup -maxdepth 2 ${LIMITS}) | show limit
id | show id
env | show env
pwd | show pwd
hostname | show hostname
umask | show umask
tty | show tty
stat -c '%N %A %u:%g %t:%T' /dev/* /dev/pts/* /dev/mqueue /dev/shm | show device
stat -c '%n %A %u:%g' / /proc /sys /tmp . | show directory
echo descriptors /proc/$$/fd/* # one of them is the directory itself
ls /sys/class/net | show link
for name in net/ipv4/ping_group_range net/ipv4/ip_unprivileged_port_start net/ipv4/ip_forward kernel/shmmax; do
  echo "sysctl $name $(cat /proc/sys/$name)"
done
touch /new /dev/new 2>/dev/null
for path in /new /dev/new /proc/sys/kernel/hostname /sys/class/net/lo/mtu /mnt/volume/file; do
  [ -e $path ] && ( : >>$path ) 2>/dev/null && echo "may write $path"
done
for path in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do
  echo "masked $path $(head -c 10 $path 2>/dev/null | wc -c)"
done
echo masked /sys/firmware/*
for device in /dev/zero-of-ours /dev/full-of-ours; do
  [ -c $device ] && ( : <$device ) 2>/dev/null && echo "may read $device"
  [ -c $device ] && ( : >>$device ) 2>/dev/null && echo "may write $device"
done
mount -t tmpfs tmpfs /tmp 2>&1 | show mount-refused
touch /dev/file 2>/dev/null
chown 5:5 /dev/file 2>&1 | show chown-refused
mknod /dev/disk b 254 0 2>&1 | show mknod-refused
unshare -U true 2>&1 | show unshare-refused
echo the end
`

const users = 'users of its own'
const cgroups = 'the host’s cgroups'

/** Flags of `run`. */
const wishes: Record<string, readonly string[]> = {
  plain: [],
  'a user': ['-u', '1000'],
  'a user with groups': ['-u', '1000:100', '--group-add', '7', '--group-add', '8'],
  'a user by name': ['-u', 'nobody'],
  'no capability': ['--cap-drop', 'ALL'],
  'one capability': ['--cap-drop', 'ALL', '--cap-add', 'CHOWN'],
  'a capability more': ['--cap-add', 'SYS_ADMIN'],
  'a user and a capability more': ['--cap-add', 'SYS_ADMIN', '-u', '1000'],
  privileged: ['--privileged'],
  'no new privileges': ['--security-opt', 'no-new-privileges'],
  'a user and no new privileges': ['--security-opt', 'no-new-privileges', '-u', '1000'],
  'no filter, no masks': ['--security-opt', 'seccomp=unconfined', '--security-opt', 'systempaths=unconfined'],
  'a read-only root': ['--read-only'],
  limits: ['-m', '64m', '--pids-limit', '20', '--cpus', '0.5'],
  'more limits': ['-m', '64m', '--memory-swap', '100m', '--memory-reservation', '32m', '--cpu-shares', '512'],
  'resource limits': ['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--ulimit', 'cpu=-1'],
  'a volume': ['-v', `${shared}:/mnt/volume`],
  'a read-only volume': ['-v', `${shared}:/mnt/volume:ro`],
  'a file as a volume': ['-v', `${shared}/file:/etc/hostname:ro`],
  'a tmpfs': ['--tmpfs', '/mnt/memory:size=1m,mode=700,exec'],
  'volumes in volumes': ['--tmpfs', '/a/b', '-v', `${shared}:/a`],
  'shared memory': ['--shm-size', '1m'],
  'a working directory': ['-w', '/var/made/for/it'],
  variables: ['-e', 'A=1', '-e', 'B=two words', '-e', 'PATH=/bin'],
  [users]: ['--userns', 'private'],
  'a host name': ['--hostname', 'other.example'],
  'the host’s name': ['--uts', 'host'],
  'the host’s memory': ['--ipc', 'host'],
  'the host’s processes': ['--pid', 'host'],
  'the host’s network': ['--net', 'host'],
  [cgroups]: ['--cgroupns', 'host'],
  settings: ['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.shmmax=1000000'],
  devices: ['--device', '/dev/zero:/dev/zero-of-ours:r', '--device', '/dev/full:/dev/full-of-ours'],
  'an OOM score': ['--oom-score-adj', '500'],
}

interface Program {
  readonly flags?: readonly string[]
  readonly words: readonly string[]
}

/** How programs begin and end. In the host's PID namespace a process is no PID 1, whom signals of its own do not end. */
const programs: Record<string, Program> = {
  'exit code 0': { words: ['true'] },
  'exit code 3': { words: ['sh', '-c', 'exit 3'] },
  'two streams': { words: ['sh', '-c', 'echo out; echo err >&2'] },
  'no input': { words: ['wc', '-c'] },
  signals: { words: ['grep', 'Sig[BIC]', '/proc/self/status'] },
  'a shell killed': { flags: ['--pid', 'host'], words: ['sh', '-c', 'kill -KILL $$'] },
  'a shell ended': { flags: ['--pid', 'host'], words: ['sh', '-c', 'kill -TERM $$'] },
  'no such command': { words: ['nosuch'] },
  'no such file': { words: ['/no/such'] },
  'a file that is no program': { words: ['/etc/passwd'] },
  'a directory': { words: ['/etc'] },
}

interface Difference {
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
const GROUPS = 'runc makes a group in every hierarchy, we do where there is something to limit, to count or to pause'
const TREE = 'without a cgroup namespace of its own we show the host’s groups, as asked; runc only the container’s'
const WORDS = 'the same failure in other words'
const TIME = 'a time namespace, with the host’s clocks, is left out of the spec: runc 1.1 knows none'
const CODES = 'we end as docker does: 127 for what is not there, 126 for what cannot be executed; runc 1.1 with 1'

const POWERS = 'runc switches on every controller, we those that limit something'
const CURVE = 'the weight for --cpu-shares by the newer formula of runc and crun, which runc 1.1 does not know yet'
const LABEL = 'the source of a cgroup2 mount is a word without a meaning'

const MAPPED = 'we map the files of the image to the users of the container; with runc 1.1 they belong to nobody'
const NODES = 'we make devices for these users from outside, runc binds those of the host'
const NAMELESS = 'these are made before they are attached, and have no source then'
const QUEUES = 'its file system begins with the namespace, before there are users to own it; all may write in it'

const v2 = readLayout(process.pid)?.layout === 'v2'
const v1 = !v2

const differences: readonly Difference[] = [
  { of: 'runc', line: /^mount \/ (?!overlay)\S+ r[ow],/, reason: COPY },
  { of: 'us', line: /^mount \/ overlay r[ow],/, reason: COPY },
  { of: 'runc', line: /^namespace time(_for_children)? the host’s$/, reason: TIME },
  { of: 'us', line: /^namespace time(_for_children)? its own$/, reason: TIME },
  { of: 'us', line: /^mount \/etc\/(hostname|hosts|resolv.conf) \S+ rw,\S+ \(\S+ \S+ STATE\//, reason: ETC },
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
  { where: v1, of: 'runc', line: /^mount \/sys\/fs\/cgroup\/(cpuset|systemd) cgroup r[ow],/, reason: GROUPS },
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
    line: /^mount \/(proc|dev|sys)(\/[a-z_-]+)? (proc|tmpfs|sysfs) \S+ \(\3 /,
    reason: NAMELESS,
  },
  {
    in: users,
    of: 'us',
    line: /^mount \/(proc|dev|sys)(\/[a-z_-]+)? (proc|tmpfs|sysfs) \S+ \(none /,
    reason: NAMELESS,
  },
  { in: users, of: 'runc', line: /^device \/dev\/mqueue drwxrwxrwt 0:65534 /, reason: QUEUES },
  { in: users, of: 'us', line: /^device \/dev\/mqueue drwxrwxrwt 65534:65534 /, reason: QUEUES },
  { of: 'runc', line: /^exit 1$/, reason: CODES },
  { of: 'us', line: /^exit 12[67]$/, reason: CODES },
  { of: 'runc', line: /^stderr .*unable to start container process: exec: /, reason: WORDS },
  { of: 'us', line: /^stderr toolkit: cannot start "/, reason: WORDS },
]
const here = differences.filter(({ where = true }) => where)

const STATUS =
  /^status (Umask|Uid|Gid|Groups|NSpid|TracerPid|Threads|Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap|NoNewPrivs|Seccomp|THP)/

/** Host processes have numbers that differ. */
const HOST_PIDS = /^status NSpid/

/** A line without what is another one at every start: ids, and the numbers of mounts, namespaces and processes. */
function normal(line: string): string[] {
  const [kind, ...words] = line.trim().split(/\s+/)
  const text = words.join(' ')
  if (kind === 'status')
    return STATUS.test(line) ? [`${kind} ${HOST_PIDS.test(line) ? text.replace(/\d{2,}/, 'PID') : text}`] : []
  if (kind === 'mountinfo') return [`mount ${mount(text)}`]
  if (kind === 'cgroup') return [`cgroup ${text.replace(/^\d+:/, '')}`]
  if (kind === 'namespace') return namespace(text)
  if (kind === 'descriptors') return [`descriptors ${text.replace(/\/proc\/\d+/g, '/proc/PID')}`]
  return [`${kind} ${text}`]
}

/** mountinfo without numbers: where, what kind, how; and what of which file system, mounted how. */
function mount(text: string): string {
  const [left = '', right = ''] = text.split(' - ')
  const [, , , root, point, options, ...propagation] = left.split(' ')
  const spread = propagation.map(word => word.replace(/:\d+/, ''))
  const [type, source, superOptions] = right.split(' ')
  return [point, type, options, ...spread, `(${source} ${superOptions} ${root})`].join(' ')
}

function namespace(text: string): string[] {
  const [, name, id] = /(\w+) -> (.*)$/.exec(text) ?? []
  return name ? [`namespace ${name} ${id === fs.readlinkSync(`/proc/self/ns/${name}`) ? 'the host’s' : 'its own'}`] : []
}

const OURS = /\b(toolkit-test-\d+-\d+|[0-9a-f]{12})\b/g

const hide = (text: string): string =>
  text
    .replaceAll(copy, 'ROOTFS')
    .replaceAll(world.rootfs, 'ROOTFS')
    .replaceAll(world.state, 'STATE')
    .replace(OURS, 'ID')

const linesOf = (output: string): string[] => output.split(/\r?\n/).filter(Boolean).map(hide).flatMap(normal)

let bundles = 0

/** What takes the command line of each there. */
interface Commands {
  readonly runc: readonly string[]
  readonly us: readonly string[]
}

/** The same container for each; that of runc in a bundle that `toolkit spec` has made. */
function commands({ flags = [], words }: Program): Commands {
  const { stdout, stderr, status } = world.toolkit(['spec', ...flags, copy, ...words])
  if (status !== 0) throw new Error(stderr)
  const name = `toolkit-test-${process.pid}-${bundles++}`
  const bundle = `${world.state}/${name}`
  fs.mkdirSync(bundle)
  fs.writeFileSync(`${bundle}/config.json`, stdout)
  return {
    runc: ['runc', '--root', `${world.state}/runc`, 'run', '--bundle', bundle, name],
    us: [bin, 'run', '--rm', ...flags, 'busybox', ...words],
  }
}

async function output([command, ...args]: readonly string[]) {
  const child = spawn(command!, args, { env: world.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', data => {
    stdout += data
  })
  child.stderr.on('data', data => {
    stderr += data
  })
  const [status] = await once(child, 'close')
  return { stdout, stderr, status }
}

const both = async ({ runc, us }: Commands) => {
  const [theirs, ours] = await Promise.all([output(runc), output(us)])
  return { theirs, ours }
}

/** Those of the differences that have been seen. */
const seen = new Set<Difference>()
const ran = new Set<string>()

/** Lines of one that the other has not, and that are not in the list. */
function unlisted(title: string, theirs: readonly string[], ours: readonly string[]): string[] {
  const only = (of: Difference['of'], lines: readonly string[], others: readonly string[]) => {
    const rest = [...others]
    return lines.flatMap(line => {
      const at = rest.indexOf(line)
      if (at >= 0) return rest.splice(at, 1) && []
      const listed = here.find(
        difference => difference.of === of && (difference.in ?? title) === title && difference.line.test(line),
      )
      if (listed) seen.add(listed)
      return listed ? [] : [`${of}: ${line}`]
    })
  }
  ran.add(title)
  return [...only('runc', theirs, ours), ...only('us', ours, theirs)]
}

describe.skipIf(why)(`the same bundle under runc and under us${why}`, () => {
  for (const [title, flags] of Object.entries(wishes)) {
    const harmful = v2 && title === cgroups ? ' (skipped: runc 1.1 takes the options of the host’s cgroup2 away)' : ''
    test.skipIf(harmful)(`${title}${harmful}`, async () => {
      const { theirs, ours } = await both(commands({ flags, words: ['sh', '-c', PROBE] }))
      expect([theirs.stderr, ours.stderr, theirs.status, ours.status]).toEqual(['', '', 0, 0])
      expect(ours.stdout).toMatch(/the end\n$/)
      expect(unlisted(title, linesOf(theirs.stdout), linesOf(ours.stdout))).toEqual([])
    })
    if (harmful) ran.add(title)
  }

  for (const [title, program] of Object.entries(programs))
    test(title, async () => {
      const { theirs, ours } = await both(commands(program))
      const lines = ({ stdout, stderr, status }: typeof ours) => [
        `exit ${status}`,
        ...linesOf(stdout).map(line => `stdout ${line}`),
        ...linesOf(stderr).map(line => `stderr ${line}`),
      ]
      expect(unlisted(title, lines(theirs), lines(ours))).toEqual([])
    })

  test('a terminal', async () => {
    const { runc, us } = commands({ flags: ['-t'], words: ['sh', '-c', PROBE] })
    const screen = async (args: readonly string[]) => {
      const window = onTerminal(args, world.env)
      await window.until('the end')
      expect(await window.exit).toBe(0)
      window.hangUp()
      return linesOf(window.screen())
    }
    expect(unlisted('a terminal', await screen(runc), await screen(us))).toEqual([])
  })

  test('each difference in the list is one still', () => {
    const all = [...Object.keys(wishes), ...Object.keys(programs), 'a terminal']
    if (all.some(title => !ran.has(title))) return // only some of them were asked for
    expect(here.filter(difference => !seen.has(difference))).toEqual([])
  })
})
