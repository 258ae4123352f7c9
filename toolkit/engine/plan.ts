// What it takes to make a container, in order. Read it as the table of contents of the course: every line is a module
// under toolkit/primitives, and most are a lesson.
import type { Gate, Namespace, Plan, Step } from '../kernel/step.ts'
import * as devices from '../primitives/devices.ts'
import * as ipc from '../primitives/ipc.ts'
import * as mount from '../primitives/mount.ts'
import * as net from '../primitives/net.ts'
import * as overlay from '../primitives/overlay.ts'
import * as pid from '../primitives/pid.ts'
import * as process from '../primitives/process.ts'
import * as rlimits from '../primitives/rlimits.ts'
import * as terminal from '../primitives/terminal.ts'
import * as uts from '../primitives/uts.ts'
import type { NamespaceType, Spec } from './spec.ts'

const namespaces: Partial<Record<NamespaceType, Namespace>> = {
  mount: mount.namespace,
  uts: uts.namespace,
  ipc: ipc.namespace,
  pid: pid.namespace,
  network: net.namespace,
}

export interface ContainerPlan {
  readonly spec: Spec
  readonly layers: overlay.Layers
  /** Pass our own stdin on; without it the program's input is at its end. A terminal is always both. */
  readonly stdin: boolean
}

export function planContainer({ spec, layers, stdin }: ContainerPlan): Plan {
  const root = spec.root.path
  return {
    namespaces: spec.linux.namespaces.map(({ type }) => namespaces[type]!), // born in them, by clone3
    steps: [
      ...pid.dieWithParent(), //         the engine gone, the container gone
      ...process.undoNode(), //          signals as a shell would leave them
      ...process.clearUmask(),
      ...mount.makePrivate(), //         what is mounted from here on stays here
      ...overlay.plan(layers, root), //  the files: read from the image, write beside it
      ...mount.pivotRoot(root), //       they are the root now
      ...mount.plan(spec), //            /proc, /dev, /sys … of its own
      ...devices.plan(), //              /dev/null and five more
      ...mount.detachOldRoot(), //       the host's files are gone
      ...uts.plan(spec), //              its name
      ...net.loopbackUp(), //            127.0.0.1
      ...stdio(spec.process.terminal, stdin),
      ...rlimits.plan(spec.process), //  how many open files
      ...process.plan(spec), //          directory, and the program
    ],
  }
}

function stdio(tty: boolean, stdin: boolean): (Step | Gate)[] {
  if (tty) return [...terminal.openTerminal(), ...terminal.console()]
  if (stdin) return [...terminal.ownSession(), ...terminal.keepOpen([0, 1, 2])]
  return [...terminal.ownSession(), ...terminal.keepOpen([1, 2]), ...terminal.noInput()]
}
