// Gives a container's plan a monitor: has opened what it needs (monitor-files.ts), and says what it becomes in the end.
import { closeSync, openSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { packageDir, stateDir } from '../../image/paths.ts'
import type { Action } from '../../kernel/action.ts'
import { invoke } from '../../kernel/call.ts'
import { AT, CLONE, O, S } from '../../kernel/constants.ts'
import { passDescriptor, socketPair } from '../../kernel/pass-descriptor.ts'
import { type Starting, start } from '../../kernel/start.ts'
import { type Descriptor, isGate, type Monitor, type Plan, step } from '../../kernel/step.ts'
import { setSize, sizeOf } from '../../kernel/tty.ts'
import { readStat } from '../../observe/process.ts'
import { TERMINAL_FD, TERMINAL_GATE } from '../../primitives/terminal.ts'
import { hasTerminal, keepTerminal, takeKept } from '../terminal/holder.ts'
import { takeTerminal } from '../terminal/terminal.ts'
import { planAdoption, planMonitor } from './monitor.ts'
import { hungUp, type Monitored, OURS, openCommon, openFiles, share } from './monitor-files.ts'
import { SOCKET } from './monitor-terminal.ts'

/** The plan with a monitor, which goes on when the engine has ended. */
export function withMonitor(plan: Plan, about: Monitored): Plan {
  const { stdin, ports, spec, directory, most } = about
  const { terminal } = spec.process
  const { pidNamespace, ...rest } = plan
  const monitor = planMonitor({
    ...{ stdin: stdin && !terminal, terminal, most, ports: ports.length },
    ...settleLater(directory),
  })
  return {
    ...rest,
    before: [...(plan.before ?? []), openFiles(about), ...(pidNamespace ? [openOwn] : [])],
    steps: plan.steps.map(entry =>
      terminal && isGate(entry) && entry.gate === TERMINAL_GATE
        ? { ...entry, actions: [giveTerminal(about)], waits: true }
        : entry,
    ),
    monitor: pidNamespace ? inPidNamespace(monitor, pidNamespace) : monitor,
  }
}

/** A container whose user may leave it. */
export interface Guarded {
  readonly plan: Plan
  /** Leaves it to its monitor. `master` is its terminal's other end. Throws KernelError, and errors of node:fs. */
  leave(process: Pick<Starting, 'monitor' | 'pidfd'>, master: number): void
  /** To be called in the end: what runs by then, and has not been left, is ended by its monitor. */
  close(): void
}

/** The plan with a monitor that waits until its user leaves it; until then all is as without one. */
export function withGuard(
  plan: Plan,
  { directory, lock, ports }: Pick<Monitored, 'directory' | 'lock' | 'ports'>,
): Guarded {
  const wish = { stdin: false, terminal: true, attended: true, ports: ports.length, ...settleLater(directory) }
  let socket: number | undefined
  const guarded: Plan = {
    ...plan,
    before: [
      ...(plan.before ?? []),
      {
        text: `open("${directory}", "/dev/null"); socketpair()`,
        why: 'its user may leave: its parent is then somebody who stays',
        lesson: '20-engine',
        shell: '',
        apply({ descriptors }) {
          for (const name of ['null', 'log', 'log.index']) descriptors.set(name, openSync('/dev/null', O.RDWR))
          descriptors.set('pace', hungUp())
          descriptors.set('container', openSync(directory, O.RDONLY + O.DIRECTORY))
          const [ours, its] = socketPair()
          socket = ours
          descriptors.set(SOCKET, its)
          share(descriptors, lock, ports)
        },
      },
    ],
    monitor: planMonitor(wish),
  }
  return {
    plan: guarded,
    leave({ monitor = 0, pidfd }, master) {
      invoke('mknodat', [AT.FDCWD, `${directory}/stdout`, S.IFIFO + 0o600, 0])
      keepTerminal(directory, { monitor, pidfd, master })
      passDescriptor(socket!, master)
      socket = undefined
    },
    close() {
      if (socket !== undefined) closeSync(socket)
    },
  }
}

const OWN = { descriptor: 'own pid namespace' }
const lesson = '04-pid'

const openOwn: Action = {
  text: `${OWN.descriptor} = open("/proc/self/ns/pid")`,
  why: 'the monitor has to come back from where it has made the container',
  lesson,
  shell: '',
  apply: ({ descriptors }) => void descriptors.set(OWN.descriptor, openSync('/proc/self/ns/pid', 'r')),
}

/** A process is born in the pid namespace that its parent has chosen for its children; the parent itself stays where it is. */
function inPidNamespace(monitor: Monitor, pidNamespace: Descriptor): Monitor {
  const enter = (which: Descriptor, why: string) =>
    step('setns', [which, CLONE.NEWPID], { lesson, shell: '', why, allow: [] })
  return {
    ...monitor,
    first: [...monitor.first, enter(pidNamespace, 'its next child is born among the processes of another container')],
    steps: [enter(OWN, 'and those after it are not: it could not even start a thread'), ...monitor.steps],
  }
}

/** What a monitor becomes in the end. */
const settleLater = (directory: string) => ourselves(['settle', basename(directory)])

/** A command of ours, and what that needs to know of us. */
export function ourselves(words: readonly string[]): { command: readonly string[]; env: readonly string[] } {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin' } = process.env
  const ours = ['TOOLKIT_NETWORK', 'TOOLKIT_FAILPOINT'].filter(name => process.env[name] !== undefined)
  const env = [
    `PATH=${PATH}`,
    `TOOLKIT_STATE=${resolve(stateDir())}`,
    ...ours.map(name => `${name}=${process.env[name]}`),
  ]
  return { env, command: [`${packageDir()}/bin/toolkit`, ...words] }
}

/**
 * Gives a container that runs a new monitor: its own was killed. What it has written since is in its pipes. `pidfd` is of
 * its first process, `lock` holds its lock, `ports` are sockets that hold the host's ports, `most` is as in `Monitored`.
 * Throws KernelError, and errors of node:fs.
 */
export function adopt(directory: string, pidfd: number, lock: number, ports: readonly number[], most: number): void {
  const descriptors = new Map<string, number>()
  try {
    openCommon(directory, descriptors)
    const master = takeKept(directory)
    if (master !== undefined) descriptors.set('master', master)
    const terminal = master !== undefined
    // A terminal that nobody has kept has hung up; what it has written lies in stdout.
    const names = terminal ? ['stdout'] : hasTerminal(directory) ? ['stdout', 'stdout'] : ['stdout', 'stderr']
    for (const [i, name] of names.entries())
      descriptors.set(['stdout', 'stderr'][i]!, openSync(`${directory}/${name}`, O.RDWR))
    const monitor = planAdoption({
      ...{ stdin: false, terminal, most, ports: ports.length },
      ...settleLater(directory),
    })
    const process = start(
      { namespaces: [], steps: [], monitor },
      { descriptors: new Map([...descriptors, ...named(ports), ['pidfd', pidfd], ['lock', lock]]) },
    )
    process.next()
    if (terminal) keepTerminal(directory, { monitor: process.pid, pidfd, master })
    process.close()
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

const named = (ports: readonly number[]) => ports.map((fd, i): [string, number] => [`port ${i}`, fd])

function giveTerminal({ directory }: Monitored): Action {
  return {
    text: `master = pidfd_getfd(PID, ${TERMINAL_FD}); sendmsg(monitor, master); start(holder)`,
    why: 'the terminal would hang up when this command ends: two others keep its other end',
    lesson: '20-engine',
    shell: '',
    apply({ descriptors, process }) {
      const master = takeTerminal(process!.pidfd)
      try {
        setSize(master, sizeOf(1) ?? sizeOf(2) ?? { columns: 80, rows: 24 })
        const socket = descriptors.get(OURS)!
        descriptors.delete(OURS)
        passDescriptor(socket, master)
        const monitor = readStat(process!.pid)?.ppid ?? 0
        keepTerminal(directory, { monitor, pidfd: process!.pidfd, master })
      } finally {
        closeSync(master)
      }
    },
  }
}
