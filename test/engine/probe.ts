// What a program in a container looks at, and what of it can be compared with another run.
import fs from 'node:fs'

const LIMITS = `memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes cpu.cfs_quota_us
  cpu.cfs_period_us cpu.shares pids.max devices.list memory.max memory.swap.max memory.low cpu.max cpu.weight`
  .split(/\s+/)
  .map(name => `-name ${name}`)
  .join(' -o ')

/** What the program looks at, a line each, with the kind of thing before it. The shell is what is looked at. */
export const PROBE = `
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

const STATUS =
  /^status (Umask|Uid|Gid|Groups|NSpid|TracerPid|Threads|Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap|NoNewPrivs|Seccomp|THP)/

/** Host processes have numbers that differ. */
const HOST_PIDS = /^status NSpid/

/** A line without what is another one at every start: ids, and the numbers of mounts, namespaces and processes. */
export function normal(line: string): string[] {
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
