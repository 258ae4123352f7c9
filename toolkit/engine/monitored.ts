// Gives a container's plan a monitor: opens what it needs (monitor.ts), and says what it becomes in the end.
import { chownSync, closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { packageDir, stateDir } from '../image/paths.ts'
import type { Action } from '../kernel/action.ts'
import { invoke } from '../kernel/call.ts'
import { AT, CLONE, F, O, S } from '../kernel/constants.ts'
import { start } from '../kernel/start.ts'
import { type Descriptor, type Monitor, type Plan, step } from '../kernel/step.ts'
import { outside } from '../primitives/user.ts'
import { planAdoption, planMonitor } from './monitor.ts'
import type { Spec } from './spec.ts'

export interface Monitored {
  /** In live/. */
  readonly directory: string
  readonly spec: Spec
  /** The descriptor that holds the container's lock. */
  readonly lock: number
  /** Sockets that hold the host's ports. */
  readonly ports: readonly number[]
  /** It has a stdin, into which others may write. */
  readonly stdin: boolean
}

/** The plan with a monitor, which goes on when the engine has ended. */
export function withMonitor(plan: Plan, about: Monitored): Plan {
  const { stdin, ports } = about
  const { pidNamespace, ...rest } = plan
  const monitor = planMonitor({ stdin, ports: ports.length, ...ourselves(['settle']) })
  return {
    ...rest,
    before: [...(plan.before ?? []), openFiles(about), ...(pidNamespace ? [openOwn] : [])],
    monitor: pidNamespace ? inPidNamespace(monitor, pidNamespace) : monitor,
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

/** What a monitor becomes in the end: a command of ours, and what that needs to know of us. */
export function ourselves(words: readonly string[]): { command: readonly string[]; env: readonly string[] } {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', TOOLKIT_NETWORK } = process.env
  const env = [
    `PATH=${PATH}`,
    `TOOLKIT_STATE=${resolve(stateDir())}`,
    ...(TOOLKIT_NETWORK === undefined ? [] : [`TOOLKIT_NETWORK=${TOOLKIT_NETWORK}`]),
  ]
  return { env, command: [`${packageDir()}/bin/toolkit`, ...words] }
}

/**
 * Gives a container that runs a new monitor: its own was killed. What it has written since is in its pipes. `pidfd` is of
 * its first process, `lock` holds its lock, `ports` are sockets that hold the host's ports. Throws KernelError, and errors of node:fs.
 */
export function adopt(directory: string, pidfd: number, lock: number, ports: readonly number[] = []): void {
  const descriptors = new Map<string, number>()
  try {
    openCommon(directory, descriptors)
    for (const name of ['stdout', 'stderr']) descriptors.set(name, openSync(`${directory}/${name}`, O.RDWR))
    const monitor = planAdoption({ stdin: false, ports: ports.length, ...ourselves(['settle']) })
    const process = start(
      { namespaces: [], steps: [], monitor },
      { descriptors: new Map([...descriptors, ...named(ports), ['pidfd', pidfd], ['lock', lock]]) },
    )
    process.next()
    process.close()
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

const named = (ports: readonly number[]) => ports.map((fd, i): [string, number] => [`port ${i}`, fd])

/** What every monitor needs. */
function openCommon(directory: string, descriptors: Map<string, number>): void {
  descriptors.set('null', openSync('/dev/null', O.RDWR))
  descriptors.set('container', openSync(directory, O.RDONLY + O.DIRECTORY))
  for (const name of ['log', 'log.index']) descriptors.set(name, openLog(`${directory}/${name}`))
}

function openFiles({ directory, spec, lock, ports, stdin }: Monitored): Action {
  return {
    text: `open("${directory}", "/dev/null", stdout, stderr, log, log.index)`,
    why: 'pipes and a log for what the container writes: they outlast this command, and even the monitor',
    lesson: '20-engine',
    shell: `mkfifo ${directory}/stdout ${directory}/stderr`,
    apply({ descriptors }) {
      openCommon(directory, descriptors)
      for (const name of [...(stdin ? ['stdin'] : []), 'stdout', 'stderr'])
        descriptors.set(name, openPipe(`${directory}/${name}`, spec))
      // The same open files, and so the same lock and the same ports: they are let go when the last has closed them.
      const keep = (name: string, fd: number) => descriptors.set(name, invoke('fcntl', [fd, F.DUPFD_CLOEXEC, 0]))
      keep('lock', lock)
      for (const [i, fd] of ports.entries()) keep(`port ${i}`, fd)
    },
  }
}

/** A pipe that belongs to the user of the container: programs open /dev/stdout by its name. */
function openPipe(path: string, { process, linux }: Spec): number {
  invoke('mknodat', [AT.FDCWD, path, S.IFIFO + 0o600, 0])
  const { uid, gid } = process.user
  const on = (map: Spec['linux']['uidMappings'], id: number) => (map && outside(map, id)) ?? id
  chownSync(path, on(linux.uidMappings, uid), on(linux.gidMappings, gid))
  return openSync(path, O.RDWR) // both ends: nobody waits for another to open it, and no writer gets a SIGPIPE
}

/** A log goes on where it ended: with its place at the end, because splice(2) does not append. */
function openLog(path: string): number {
  const fd = openSync(path, O.CREAT + O.WRONLY, 0o600)
  try {
    invoke('lseek', [fd, 0, 2])
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
