// Joining namespaces that are there already: another container's, or the host's. setns(2), namespaces(7).
//
// A namespace is held by a file: /proc/PID/ns/net, or wherever that was bound to. The engine opens it and looks whether
// it is what it is said to be; the new process enters.
import { closeSync } from 'node:fs'
import { type Action, callAction } from '../kernel/action.ts'
import { attempt, invoke } from '../kernel/call.ts'
import { AT, CLONE, IOCTL, O } from '../kernel/constants.ts'
import { type Descriptor, type LessonName, type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

// In the order in which they are entered: first the one that gives the right to enter others, last the one that changes
// what every path means.
const TYPES = {
  user: { flag: CLONE.NEWUSER, lesson: '07-user' },
  pid: { flag: CLONE.NEWPID, lesson: '04-pid' },
  uts: { flag: CLONE.NEWUTS, lesson: '02-uts' },
  ipc: { flag: CLONE.NEWIPC, lesson: '03-ipc' },
  network: { flag: CLONE.NEWNET, lesson: '06-net' },
  cgroup: { flag: CLONE.NEWCGROUP, lesson: '08-cgroup-time' },
  time: { flag: CLONE.NEWTIME, lesson: '08-cgroup-time' },
  mount: { flag: CLONE.NEWNS, lesson: '05-mount' },
} satisfies Record<string, { flag: number; lesson: LessonName }>

export type NamespaceType = keyof typeof TYPES

/** An entry of `linux.namespaces` in an OCI config.json; without a path it is a new one, and none of our business. */
export interface NamespaceEntry {
  readonly type: NamespaceType
  readonly path?: string
}

/** Opens a namespace. Throws KernelError, and UsageError for what is none of its type. */
export interface Opening extends Action {
  readonly type: NamespaceType
  readonly path: string
}

/** Enters a namespace. */
export interface Entering extends Step {
  readonly type: NamespaceType
  readonly path: string
}

export interface Joining {
  /** For `Plan.before`. */
  readonly before: readonly Opening[]
  /** Enters the user namespace; for `Plan.first`. Before user.becomeRoot. */
  readonly first: readonly Entering[]
  /** Enters the others. */
  readonly steps: readonly Entering[]
  /** The pid namespace: for `Plan.pidNamespace`. */
  readonly pid: Descriptor | undefined
}

const descriptorOf = (type: NamespaceType): string => `namespace-${type}`

/** Joins the namespaces that have a path. */
export function join(namespaces: readonly NamespaceEntry[]): Joining {
  const types = Object.keys(TYPES) as NamespaceType[]
  const entries = namespaces
    .flatMap(({ type, path }) => (path === undefined ? [] : [{ type, path }]))
    .sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type))
  const enter = (type: NamespaceType, path: string): Entering => ({
    ...step('setns', [{ descriptor: descriptorOf(type) }, TYPES[type].flag], {
      why: `shares this ${type} namespace instead of having one of its own`,
      lesson: TYPES[type].lesson,
      shell: `nsenter --${type === 'network' ? 'net' : type}=${path}`,
    }),
    ...{ type, path },
  })
  return {
    before: entries.map(({ type, path }) => open(type, path)),
    first: entries.filter(({ type }) => type === 'user').map(({ type, path }) => enter(type, path)),
    steps: entries.filter(({ type }) => type !== 'user' && type !== 'pid').map(({ type, path }) => enter(type, path)),
    pid: entries.some(({ type }) => type === 'pid') ? { descriptor: descriptorOf('pid') } : undefined,
  }
}

function open(type: NamespaceType, path: string): Opening {
  const opening = callAction(
    step('openat', [AT.FDCWD, path, O.RDONLY | O.NONBLOCK | O.CLOEXEC, 0], {
      why: `holds the ${type} namespace, so that it cannot end in between`,
      lesson: TYPES[type].lesson,
      shell: '',
    }),
    descriptorOf(type),
  )
  return {
    ...opening,
    ...{ type, path },
    apply(context) {
      opening.apply(context)
      const fd = context.descriptors.get(descriptorOf(type))!
      try {
        check(fd, type, path)
      } catch (error) {
        context.descriptors.delete(descriptorOf(type))
        closeSync(fd)
        throw error
      }
    },
  }
}

const NSFS_MAGIC = 0x6e736673

function check(fd: number, type: NamespaceType, path: string): void {
  const statfs = Buffer.alloc(120) // struct statfs begins with the file system's magic number, see statfs(2)
  invoke('fstatfs', [fd, statfs])
  if (statfs.readBigInt64LE(0) !== BigInt(NSFS_MAGIC))
    throw new UsageError(`${path} is no ${type} namespace, but another file; namespaces are in /proc/PID/ns`)
  const flag = attempt('ioctl', [fd, IOCTL.NS_GET_NSTYPE, null])
  if (flag === TYPES[type].flag) return
  const is = Object.entries(TYPES).find(([, { flag: known }]) => known === flag)?.[0] ?? 'other'
  throw new UsageError(`${path} is no ${type} namespace: it is one of type ${is}`)
}
