// Settings of the kernel that a namespace has a copy of: sysctl(8), /proc/sys, proc_sys(5).
//
// Most settings are the whole machine's. What may be set for a container are those that belong to an IPC or a network
// namespace, and only where that namespace is the container's own: docker's list.
import { AT, O } from '../kernel/constants.ts'
import { type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '17-security'

/** `linux.sysctl` in an OCI config.json: values by dotted names. */
export type Sysctl = Readonly<Record<string, string>>

/** Which of the container's namespaces are its own. */
export interface Own {
  readonly ipc: boolean
  readonly network: boolean
  readonly user: boolean
}

const OF_IPC = ['kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem'].concat(
  ['all', 'max', 'mni', '_rmid_forced'].map(rest => `kernel.shm${rest}`),
)

/** Which namespace a setting belongs to; undefined where it is the machine's, or no name of one. */
function namespaceOf(name: string): 'ipc' | 'network' | undefined {
  if (!/^[a-z][\w-]*(\.[\w-]+)+$/i.test(name)) return undefined // a dot is a directory: no '..' and no slash
  if (OF_IPC.includes(name) || name.startsWith('fs.mqueue.')) return 'ipc'
  return name.startsWith('net.') ? 'network' : undefined
}

const refuse = (name: string, value: string, why: string) => new UsageError(`run: --sysctl ${name}=${value}: ${why}`)

/** Which namespace a setting belongs to. Throws a UsageError that names the flag where it is the whole machine's. */
export function checkName(name: string, value: string): 'ipc' | 'network' {
  const namespace = namespaceOf(name)
  if (namespace) return namespace
  throw refuse(name, value, 'not a setting of a container; allowed: net.*, fs.mqueue.*, kernel.{msg*,sem,shm*}')
}

/** Refuses what would change the machine, or a namespace that others live in. Throws a UsageError that names the flag. */
export function check(sysctl: Sysctl, own: Own): void {
  for (const [name, value] of Object.entries(sysctl)) {
    const namespace = checkName(name, value)
    if (own[namespace]) continue
    const flag = namespace === 'ipc' ? 'ipc' : 'net'
    throw refuse(name, value, `allowed only with a namespace of its own, not with --${flag} host or container:…`)
  }
}

/** In a network of its own, ping works without a raw socket and any user may listen on port 80; docker's values. */
export const defaults = ({ network, user }: Own): Sysctl =>
  network && !user ? { 'net.ipv4.ping_group_range': '0 2147483647', 'net.ipv4.ip_unprivileged_port_start': '0' } : {}

const WHY: Sysctl = {
  'net.ipv4.ping_group_range': 'every group may ping, without raw sockets',
  'net.ipv4.ip_unprivileged_port_start': 'an ordinary user may listen on port 80: these ports are the container’s own',
}

/** Writes the settings. Needs the container's own /proc, and comes before /proc/sys is made read-only. */
export function plan({ sysctl }: { sysctl: Sysctl }): Step[] {
  return Object.entries(sysctl).flatMap(([name, value]) => {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`
    return [
      step('close_range', [3, 3, 0], {
        why: 'makes 3 the lowest free descriptor, so that the next call returns it',
        lesson,
        shell: '',
      }),
      step('openat', [AT.FDCWD, path, O.WRONLY | O.CLOEXEC, 0], {
        why: 'each setting is a file, and the writer’s namespaces say whose it is',
        lesson,
        shell: '',
      }),
      step('write', [3, value, Buffer.byteLength(value)], {
        why: WHY[name] ?? 'the setting that was asked for',
        lesson,
        shell: `sysctl -w ${name}='${value}'`,
      }),
      step('close', [3], { why: 'the file has served', lesson, shell: '' }),
    ]
  })
}
