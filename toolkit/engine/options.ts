// What a user says of a container, flag by flag. spec.ts says the same in the words of the OCI runtime specification.
import type { CapabilityWish } from '../primitives/capabilities.ts'
import type { Device } from '../primitives/devices.ts'
import type { Mount } from '../primitives/mount.ts'
import type { Rlimit } from '../primitives/rlimits.ts'
import type { Sysctl } from '../primitives/sysctl.ts'
import type { Mappings } from '../primitives/user.ts'
import type { AllResources } from './cgroup/cgroup.ts'
import type { RestartPolicy } from './life/restart-policy.ts'
import type { LogWish } from './log/limit.ts'
import type { Endpoint, Link } from './network/endpoints.ts'
import type { NameWishes } from './network/names.ts'
import type { NetworkMode, PortWish } from './network/ports.ts'
import type { Asked } from './refusal.ts'

/** A namespace of its own, the host's, or the one behind a path such as /proc/PID/ns/uts. */
export type NamespaceMode = 'private' | 'host' | { readonly path: string }

/** Or that of a container that runs, by its name or id. */
export type SharedMode = NamespaceMode | { readonly container: string }
/** `shareable`: its own, and others may join it; `none`: its own, without a /dev/shm. */
export type IpcMode = SharedMode | 'shareable' | 'none'

export interface VolumesFrom {
  /** Name or id. */
  readonly container: string
  /** Read-only; or as that container has them, rw or not said. */
  readonly access: 'ro' | 'rw' | undefined
}

/** A command that tells whether a container works as it should. Times in milliseconds. */
export interface HealthCheck {
  readonly args: readonly string[]
  readonly interval: number
  /** Then it is killed, and has failed. */
  readonly timeout: number
  /** So many failures in a row make it unhealthy. */
  readonly retries: number
  /** So long after its start a failure does not count. */
  readonly startPeriod: number
  /** The interval meanwhile. */
  readonly startInterval: number
}

/** What is done about a container while it runs and when it ends. All as by default where it is left out. */
export interface Care {
  readonly restart?: RestartPolicy
  /** What asks it to end; default: TERM. */
  readonly stopSignal?: string
  /** Seconds until KILL; below 0: never; default: 10. */
  readonly stopTimeout?: number
  readonly health?: HealthCheck
}

/** A stream of whoever starts a container. */
export type Attached = 'stdin' | 'stdout' | 'stderr'

/** Flags as they were given, where the rest does not tell. */
export interface Wording {
  readonly volumes?: readonly string[]
  readonly mounts?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly devices?: readonly string[]
  readonly entrypoint?: string
  readonly users?: string
  /** What joined it at first. Default: its output, and with -i its input. */
  readonly attach?: readonly Attached[]
  readonly cidfile?: string
  readonly publishAll?: true
  readonly noHealthcheck?: true
  readonly isolation?: string
  readonly volumeDriver?: string
  readonly deviceRules?: readonly string[]
}

export interface RunOptions {
  /** A directory. */
  readonly rootfs: string
  /** The command and its arguments. */
  readonly args: readonly string[]
  /** Default: one is made up. */
  readonly name: string | undefined
  /** Default: the first 12 characters of the id. */
  readonly hostname: string | undefined
  /** NIS's, and what follows the host name in /etc/hosts. */
  readonly domainname?: string | undefined
  /** By which its user finds it. */
  readonly labels?: Readonly<Record<string, string>>
  /** For who reads its description. */
  readonly annotations?: Readonly<Record<string, string>>
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
  /** A process of ours as PID 1, which reaps and passes signals on. */
  readonly init: boolean

  readonly namespaces: {
    readonly uts: NamespaceMode
    readonly ipc: IpcMode
    readonly pid: SharedMode
    readonly cgroup: NamespaceMode
    readonly time: NamespaceMode
    /** The ids of a user namespace of its own; undefined: the host's users. */
    readonly users: Mappings | undefined
  }
  readonly network: {
    readonly mode: NetworkMode
    /** With mode bridge: the networks that it is in, the first of them by eth0. */
    readonly endpoints: readonly Endpoint[]
    /** Other containers, as this one calls them. */
    readonly links?: readonly Link[]
    /** With mode none: a container that runs, whose network it shares. */
    readonly container: string | undefined
    /** With mode none: a network namespace that is there already. */
    readonly path: string | undefined
    readonly publish: readonly PortWish[]
    /** Where it may be asked, for those who have it in their `links`: 80/tcp. */
    readonly expose?: readonly string[]
    readonly names: NameWishes
  }
  readonly mounts: {
    /** One of type `volume` has the volume's name for its source; an empty one: a new volume without a name. */
    readonly mounts: readonly Mount[]
    /** Sources that are made where they are missing. */
    readonly create: readonly string[]
    readonly asked?: Asked
    /** Containers whose volumes and directories are seen at the same places. */
    readonly from: readonly VolumesFrom[]
  }
  readonly resources: AllResources
  /** The cgroup that its own lies in: below ours, or with / in front from the top. */
  readonly cgroupParent?: string
  readonly devices: readonly Device[]

  readonly capabilities: CapabilityWish
  /** UID[:GID] or NAME[:GROUP]; looked up in the rootfs. */
  readonly user: string | undefined
  readonly groupAdd: readonly string[]
  readonly noNewPrivileges: boolean
  /** `default`, `unconfined`, or a JSON file. */
  readonly seccomp: string
  /** Hide and protect parts of /proc and /sys. */
  readonly masks: boolean
  readonly rlimits: readonly Rlimit[]
  readonly oomScoreAdj: number | undefined
  readonly sysctl: Sysctl
  /** It cannot write to its root file system. */
  readonly readOnly: boolean
  readonly care?: Care
  /** What is kept of its output, where it has a monitor. */
  readonly log?: LogWish
  readonly wording?: Wording
}

/** A container of whom nothing is said but what it runs. */
export const plainOptions = (rootfs: string, args: readonly string[]): RunOptions => ({
  rootfs,
  args,
  name: undefined,
  hostname: undefined,
  env: [],
  cwd: undefined,
  interactive: false,
  terminal: false,
  autoRemove: true,
  init: false,
  namespaces: { uts: 'private', ipc: 'private', pid: 'private', cgroup: 'private', time: 'private', users: undefined },
  network: {
    mode: 'none',
    endpoints: [],
    container: undefined,
    path: undefined,
    publish: [],
    names: { dns: [], search: [], options: [], hosts: [] },
  },
  mounts: { mounts: [], create: [], from: [] },
  resources: {},
  devices: [],
  capabilities: { add: [], drop: [], privileged: false },
  user: undefined,
  groupAdd: [],
  noNewPrivileges: false,
  seccomp: 'default',
  masks: true,
  rlimits: [],
  oomScoreAdj: undefined,
  sysctl: {},
  readOnly: false,
})
