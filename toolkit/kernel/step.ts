// A container is a list of system calls, and this is the list. Everything else reads it: the runners carry it out
// (start.ts, twin.ts), `--explain` prints it, the lessons show it beside the commands a learner types, tests assert on it.
import type { Action } from './action.ts'
import type { ErrnoName } from './errno.ts'
import type { SyscallName } from './syscalls.ts'

/** A structure of C that the kernel reads: its bytes, and how C would write it. */
export interface Struct {
  readonly bytes: Uint8Array
  readonly text: string
  /** Where in `bytes` (a multiple of 8) the address of other bytes belongs: struct sock_fprog points to its filter. */
  readonly pointers?: readonly {
    readonly at: number
    readonly to: Uint8Array /** That many bytes on. */
    readonly from?: number
  }[]
  /** Where the address of a result belongs, 8 bytes: that of the step with this label. In the steps of a monitor. */
  readonly results?: readonly { readonly at: number; readonly of: string }[]
}

/** A descriptor that has no number yet: an action of the engine opens it before the process is made, see action.ts. */
export interface Descriptor {
  readonly descriptor: string
}

/** A number, a string or list of strings, memory, a descriptor, or NULL; see `Param` in syscalls.ts for which goes where. */
export type Arg = number | string | null | Uint8Array | Struct | Descriptor | readonly string[]

export const isStruct = (arg: Arg): arg is Struct => typeof arg === 'object' && arg !== null && 'text' in arg
export const isDescriptor = (arg: Arg): arg is Descriptor =>
  typeof arg === 'object' && arg !== null && 'descriptor' in arg

/** The lesson that teaches what a step does. */
export type LessonName =
  | '01-chroot'
  | '02-uts'
  | '03-ipc'
  | '04-pid'
  | '05-mount'
  | '06-net'
  | '07-user'
  | '08-cgroup-time'
  | '09-pids'
  | '10-memory'
  | '11-limits'
  | '12-overlay'
  | '13-layers'
  | '14-veth'
  | '15-bridge'
  | '16-names'
  | '17-security'
  | '18-volumes'
  | '19-runc'
  | '20-engine'

/** One system call as data. */
export interface Step {
  /** `clone` forks: the child goes on with the plan, and the process itself stays as an init, see primitives/init.ts. */
  readonly call: SyscallName
  readonly args: readonly Arg[]
  /** One sentence: what would be wrong without it. */
  readonly why: string
  readonly lesson: LessonName
  /** The command that a person would type for the same effect; empty where there is none. */
  readonly shell: string
  /** Errors that are as good as success here, of those below 48: EEXIST of a directory that may be there already. */
  readonly allow?: readonly ErrnoName[] | 'any'
  /** By which jumps and structures know it. */
  readonly label?: string
}

/** Goes on at the step labelled `to`, where the last result of the one labelled `of` is above a number. */
export interface Jump {
  readonly to: string
  readonly of: string
  readonly above: number
}

/**
 * A place where the new process waits until the parent lets it go on: the parent has to take a descriptor from it, or
 * a person wants to press a key. Carried out as two calls: write a byte to the parent, read one from it.
 */
export interface Gate {
  readonly gate: string
  /** What the engine does outside, when the process is there and before the gate opens: the uid map, the cable. */
  readonly actions?: readonly Action[]
  /** They need the process to stand here; else that it is there is enough. */
  readonly waits?: boolean
}

/** A gate where nobody waits: a word to the parent is enough. Who finds its parent dead fails there, with EPIPE. */
export const ALIVE = 'alive'
/** The same, but it waits until the parent comes to wait for the program: what that does first is done before it starts. */
export const READY = 'ready'

/** A new namespace that the process is born in, as one flag of clone3(2). */
export interface Namespace {
  readonly flag: number
  readonly why: string
  readonly lesson: LessonName
  /** The option of unshare(1) for it. */
  readonly shell: string
}

/**
 * A process that stays when the engine has ended, and is the parent of the container's first one: the only one whom the
 * kernel tells how that ended. It is in the plan runner ever after, and costs some kilobytes.
 */
export interface Monitor {
  /** What it does before it makes the other; that one inherits it. */
  readonly first: readonly Step[]
  /** What it goes on with, once the program has started or the engine is gone. */
  readonly steps: readonly (Step | Jump)[]
  /**
   * Memory of those steps that gets the pidfd of the container's first process, an int at `at`: in a struct pollfd. Without
   * it there is no other process to make: the monitor of one that is there already. Then `Plan.steps` is empty.
   */
  readonly pidfd?: { readonly bytes: Uint8Array; readonly at: number }
  /** Memory of those steps that gets the status of the container's first process, all ones until then: see `Starting`. */
  readonly status?: Uint8Array
}

/** How a process comes to be: the namespaces it is born in, then its calls in order; the last one is execve. */
export interface Plan {
  /** What the engine does outside before there is a process: directories, limits, descriptors. */
  readonly before?: readonly Action[]
  readonly namespaces: readonly Namespace[]
  /** The cgroup v2 directory it is born in. */
  readonly cgroup?: Descriptor
  /**
   * The pid namespace it is born in, of a process that is there already: one of /proc/PID/ns, opened, or the pidfd of a
   * process in it. All others can be entered later; setns(2) moves only children to another pid namespace.
   */
  readonly pidNamespace?: Descriptor
  /**
   * What must come before the process becomes the runner and sheds the engine's memory (start.ts): one whose user
   * namespace has no map yet would lose its capabilities there.
   */
  readonly first?: readonly (Step | Gate)[]
  readonly steps: readonly (Step | Gate)[]
  /** Who looks after the process when the engine has ended; without one it is the engine's own child. */
  readonly monitor?: Monitor
}

export const isGate = (entry: Step | Gate): entry is Gate => 'gate' in entry
export const isJump = (entry: Step | Jump): entry is Jump => 'of' in entry

/** The system calls of a plan, gates left out. A step's number is its position here, from 1; clone3 is 0. */
export const stepsOf = ({ first = [], steps }: Plan): Step[] =>
  [...first, ...steps].flatMap(entry => (isGate(entry) ? [] : [entry]))

/** The clone3 flags of a plan. */
export const cloneFlags = (plan: Plan): number => plan.namespaces.reduce((bits, ns) => bits | ns.flag, 0) >>> 0

/** A step in the order in which one reads it: the call, its arguments, and what is to be said about it. */
export const step = (call: SyscallName, args: readonly Arg[], about: Omit<Step, 'call' | 'args'>): Step => ({
  call,
  args,
  ...about,
})
