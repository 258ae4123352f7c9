// What it takes to make a container, in order. Read it as the table of contents of the course: every line is a module
// under toolkit/primitives, and most are a lesson.
import type { Action } from '../kernel/action.ts'
import { type Gate, type Namespace, type Plan, READY, type Step } from '../kernel/step.ts'
import * as capabilities from '../primitives/capabilities.ts'
import * as credentials from '../primitives/credentials.ts'
import * as ipc from '../primitives/ipc.ts'
import * as keyring from '../primitives/keyring.ts'
import * as masks from '../primitives/masks.ts'
import * as mount from '../primitives/mount.ts'
import { join } from '../primitives/namespaces.ts'
import * as net from '../primitives/net.ts'
import * as pid from '../primitives/pid.ts'
import * as process from '../primitives/process.ts'
import * as rlimits from '../primitives/rlimits.ts'
import * as terminal from '../primitives/terminal.ts'
import * as time from '../primitives/time.ts'
import * as user from '../primitives/user.ts'
import * as uts from '../primitives/uts.ts'
import type { Prepared as Cgroup } from './cgroup/cgroup.ts'
import type { Rootfs } from './rootfs.ts'
import { maskedDirectories, type NamespaceType, type Spec } from './spec.ts'
import type { SystemMounts } from './system-mounts.ts'
import type { Mounts } from './volume/volumes.ts'
import * as wishes from './wishes.ts'

/** Those that a process is born in, in the order of the lessons; a cgroup namespace it makes itself, see cgroup.ts. */
const namespaces: Partial<Record<NamespaceType, Namespace>> = {
  mount: mount.namespace,
  uts: uts.namespace,
  ipc: ipc.namespace,
  pid: pid.namespace,
  network: net.namespace,
  user: user.namespace,
  time: time.namespace,
}

/** Where the process waits until the engine has plugged its cable in. */
const NETWORK_GATE = 'network'

export interface ContainerPlan {
  readonly spec: Spec
  readonly cgroup: Cgroup
  readonly rootfs: Rootfs
  readonly mounts: Omit<Mounts, 'system'>
  /** The kernel's own file systems, and the devices. */
  readonly system: SystemMounts
  /** What the engine does for its network, once there is a network namespace. */
  readonly network: readonly Action[]
  /** The filter of system calls. */
  readonly seccomp: readonly Step[]
  /** What the engine does for 0, 1 and 2 that are its own. */
  readonly streams: readonly Action[]
  /** Pass our own stdin on; without it the program's input is at its end. A terminal is always both. */
  readonly stdin: boolean
  /** Have a process of ours as PID 1. */
  readonly init: boolean
  /** It goes on when the engine ends: a monitor looks after it. */
  readonly livesOn?: boolean
}

export function planContainer({ spec, cgroup, rootfs, mounts, system, ...more }: ContainerPlan): Plan {
  const { linux } = spec
  const { network, seccomp, stdin, init: withInit, livesOn = false } = more
  const joined = join(linux.namespaces)
  const own = (type: NamespaceType) => linux.namespaces.some(namespace => namespace.type === type && !namespace.path)
  return {
    before: [
      ...wishes.openNamespaces(joined.before), // namespaces of others
      ...cgroup.before, //               the group, and its limits
      ...rootfs.before, //               layers become one tree of files
      ...mounts.before, //               volumes, taken from the host's files
      ...system.before,
      ...more.streams, //                pipes become its user's
    ],
    namespaces: linux.namespaces.flatMap(({ type, path }) =>
      path || (type === 'time' && linux.timeOffsets) ? [] : (namespaces[type] ?? []),
    ),
    ...wishes.pidNamespace(joined),
    ...(cgroup.cgroup && { cgroup: cgroup.cgroup }),
    first: [...wishes.enterNamespaces(joined.first), ...(own('user') ? [...cgroup.steps, ...becomeRoot(spec)] : [])],
    steps: [
      ...(livesOn ? [] : pid.dieWithParent()), // the engine gone, the container gone
      ...(own('user') ? [] : cgroup.steps), // limited from here on
      ...process.undoNode(), //          signals as a shell would leave them
      ...wishes.oomScore(spec),
      ...process.clearUmask(),
      ...keyring.plan(), //              the keys of the engine's session stay behind
      ...wishes.enterNamespaces(joined.steps),
      ...time.plan(linux), //            clocks that begin elsewhere
      ...mount.makePrivate(), //         what is mounted from here on stays here
      ...system.prepare,
      ...rootfs.steps, //                its files are the root, and the host's files are gone
      ...mount.rootPropagation(spec),
      ...mounts.early, //                volumes
      ...system.steps, //                /proc, /dev, /sys … of its own; /dev/null and five more
      ...mounts.late, //                 what the user wants to see in /dev
      ...(own('uts') ? uts.plan({ ...spec, hostname: spec.hostname! }) : []), // its name
      ...(own('network') ? net.loopbackUp() : []), // 127.0.0.1
      ...wishes.sysctl(linux), //        settings of its own network and ipc
      ...masks.plan({ ...linux, directories: maskedDirectories(spec) }), // what shows the whole machine
      ...(network.length > 0 ? [{ gate: NETWORK_GATE, actions: network }] : []), // a cable to the bridge
      ...stdio(spec, stdin),
      ...rlimits.plan(spec.process),
      ...wishes.makeDirectory(spec),
      ...(spec.root.readonly ? mount.makeReadOnly() : []),
      ...becomeProgram(spec, seccomp, livesOn),
      ...(withInit ? wishes.init(spec) : []), // a PID 1 that stays behind
      ...process.execute(spec), //       and the program
    ],
  }
}

/** The last steps before the program: it becomes its user, and gives up all but its rights. */
export const becomeProgram = (
  spec: Pick<Spec, 'process'>,
  seccomp: readonly Step[],
  livesOn: boolean,
): (Step | Gate)[] => [
  ...process.umask(spec),
  ...becomeUser(spec, livesOn),
  ...wishes.enterDirectory(spec),
  ...process.closeOnExec(),
  ...restrict(spec, seccomp), //         the filter and the last rights, as late as can be
]

/** In a user namespace: nobody, until the engine has written who is who; then it may not join its groups any more. */
function becomeRoot({ linux: { uidMappings = [], gidMappings = [] } }: Spec): (Step | Gate)[] {
  return [user.gate({ uidMappings, gidMappings }), ...user.becomeRoot()]
}

function stdio({ process: { terminal: tty, user } }: Spec, stdin: boolean): (Step | Gate)[] {
  if (tty) return [...terminal.openTerminal(), ...terminal.console(), ...credentials.ownTerminal({ user })]
  return [...terminal.ownSession(), ...(stdin ? [] : terminal.noInput())] // 0, 1 and 2 the runner keeps open
}

/** Root's power is bounded for good, then the user is changed; and with that the tie to the engine is cut, so again. */
function becomeUser(
  { process: { capabilities: rights, user } }: Pick<Spec, 'process'>,
  livesOn: boolean,
): (Step | Gate)[] {
  return [
    ...capabilities.bound(rights, capabilities.available()),
    ...credentials.become({ user }),
    ...capabilities.keep(rights),
    ...(livesOn ? [{ gate: READY }] : pid.dieWithParent(READY)),
  ]
}

/** A filter takes SYS_ADMIN to load, or the promise that no program will gain rights. */
function restrict(
  { process: { capabilities: rights, noNewPrivileges } }: Pick<Spec, 'process'>,
  seccomp: readonly Step[],
): Step[] {
  return noNewPrivileges
    ? [...credentials.noNewPrivileges(), ...capabilities.final(rights), ...seccomp]
    : [...seccomp, ...capabilities.final(rights)]
}
