// The engine's only description of a container: config.json of the OCI runtime specification, as far as we go.
// `toolkit run` makes one from its flags; the plan is made from it and from nothing else.
import { invoke } from '../kernel/call.ts'
import { RLIMIT } from '../kernel/constants.ts'
import type { Mount } from '../primitives/mount.ts'
import type { Process } from '../primitives/process.ts'

export type NamespaceType = 'mount' | 'uts' | 'ipc' | 'pid' | 'network' | 'cgroup'

export interface Spec {
  readonly ociVersion: string
  readonly process: Process & {
    /** A terminal of its own, on stdin, stdout and stderr. */
    readonly terminal: boolean
  }
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname: string
  readonly mounts: readonly Mount[]
  readonly linux: { readonly namespaces: readonly { readonly type: NamespaceType }[] }
}

/** What a container finds mounted; docker's list and options. */
export const defaultMounts: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
]

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What a user says of a container; all else has a default. */
export interface Wish {
  readonly root: string
  readonly args: readonly string[]
  readonly hostname: string
  readonly terminal: boolean
}

/** The limit of open files that we were started with: the launcher tells the soft one, because Node raises it. */
function nofile(): Spec['process']['rlimits'] {
  const limit = Buffer.alloc(16) // struct rlimit: soft, hard
  invoke('prlimit64', [0, RLIMIT.NOFILE, null, limit])
  const hard = Number(limit.readBigUInt64LE(8))
  const soft = Number(process.env.TOOLKIT_NOFILE)
  return soft > 0 ? [{ type: 'RLIMIT_NOFILE', soft: Math.min(soft, hard), hard }] : []
}

export function makeSpec({ root, args, hostname, terminal }: Wish): Spec {
  return {
    ociVersion: '1.2.0',
    process: {
      terminal,
      args,
      env: [PATH, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : []), 'HOME=/root'],
      cwd: '/',
      user: { umask: process.umask() },
      rlimits: nofile(),
    },
    root: { path: root, readonly: false },
    hostname,
    mounts: defaultMounts,
    linux: { namespaces: (['mount', 'uts', 'ipc', 'pid', 'network'] as const).map(type => ({ type })) },
  }
}
