// The engine's only description of a container: config.json of the OCI runtime specification, as far as we go.
// `toolkit run` makes one from its flags; the plan is made from it and from nothing else.
import { resolve } from 'node:path'
import { invoke } from '../kernel/call.ts'
import { RLIMIT } from '../kernel/constants.ts'
import { UsageError } from '../kernel/usage-error.ts'
import type { Mount } from '../primitives/mount.ts'
import type { Process } from '../primitives/process.ts'
import type { Rlimit } from '../primitives/rlimits.ts'
import { MAX_HOSTNAME } from '../primitives/uts.ts'

export type NamespaceType = 'mount' | 'uts' | 'ipc' | 'pid' | 'network' | 'cgroup'

export interface Spec {
  readonly ociVersion: string
  readonly process: Process & {
    /** A terminal of its own, on stdin, stdout and stderr. */
    readonly terminal: boolean
    readonly rlimits: readonly Rlimit[]
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
export interface RunOptions {
  /** A directory. */
  readonly rootfs: string
  /** The command and its arguments. */
  readonly args: readonly string[]
  /** Default: one is made up. */
  readonly name: string | undefined
  /** Default: the first 12 characters of the id. */
  readonly hostname: string | undefined
  /** NAME=value; the last of a name wins. */
  readonly env: readonly string[]
  /** Default: / */
  readonly cwd: string | undefined
  /** Pass stdin on. */
  readonly interactive: boolean
  /** A terminal of its own. */
  readonly terminal: boolean
  /** Remove the container's files when it has ended. */
  readonly autoRemove: boolean
}

/** The limit of open files that we were started with: the launcher tells the soft one, because Node raises it. */
function nofile(): Spec['process']['rlimits'] {
  const limit = Buffer.alloc(16) // struct rlimit: soft, hard
  invoke('prlimit64', [0, RLIMIT.NOFILE, null, limit])
  const hard = Number(limit.readBigUInt64LE(8))
  const soft = Number(process.env.TOOLKIT_NOFILE)
  return soft > 0 ? [{ type: 'RLIMIT_NOFILE', soft: Math.min(soft, hard), hard }] : []
}

/** Later settings of a variable replace earlier ones, in the place of the first. */
function environment(...settings: string[]): string[] {
  const variables = new Map(settings.map(setting => [setting.slice(0, setting.indexOf('=')), setting]))
  return [...variables.values()]
}

/** The user's wish in the words of the OCI runtime specification. Throws a UsageError that names the flag. */
export function makeSpec(options: RunOptions, id: string): Spec {
  const { rootfs, args, terminal, env, cwd = '/', hostname = id.slice(0, 12) } = options
  checkHostname(hostname)
  return {
    ociVersion: '1.2.0',
    process: {
      terminal,
      args,
      env: environment(PATH, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : []), 'HOME=/root', ...env),
      cwd,
      user: { umask: process.umask() },
      rlimits: nofile(),
    },
    root: { path: resolve(rootfs), readonly: false },
    hostname,
    mounts: defaultMounts,
    linux: { namespaces: (['mount', 'uts', 'ipc', 'pid', 'network'] as const).map(type => ({ type })) },
  }
}

function checkHostname(hostname: string): void {
  const length = Buffer.byteLength(hostname)
  if (length > MAX_HOSTNAME)
    throw new UsageError(`--hostname: ${length} bytes are too many for a host name, the kernel takes ${MAX_HOSTNAME}`)
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/.test(hostname))
    throw new UsageError(`--hostname: ${JSON.stringify(hostname)} is not a host name; use letters, digits, '-' and '.'`)
}
