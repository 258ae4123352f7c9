// Gives a container's plan a monitor: opens what it needs (monitor.ts), and says what it becomes in the end.
import { chownSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { packageDir, stateDir } from '../image/paths.ts'
import type { Action } from '../kernel/action.ts'
import { invoke } from '../kernel/call.ts'
import { AT, F, O, S } from '../kernel/constants.ts'
import { start } from '../kernel/start.ts'
import type { Plan } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { outside } from '../primitives/user.ts'
import { EXIT_RECORD } from './exit-record.ts'
import { mendLog } from './log-mend.ts'
import { planAdoption, planMonitor } from './monitor.ts'
import type { Spec } from './spec.ts'
import { writing } from './store.ts'

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
  if (plan.pidNamespace)
    throw new UsageError('run: -d cannot join the pid namespace of another process; run it without -d')
  const { stdin, ports } = about
  return {
    ...plan,
    before: [...(plan.before ?? []), openFiles(about)],
    monitor: planMonitor({ stdin, ports: ports.length, ...after() }),
  }
}

/** What a monitor becomes in the end, and what that needs to know of us. */
function after(): { command: readonly string[]; env: readonly string[] } {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin' } = process.env
  const ours = ['TOOLKIT_NETWORK', 'TOOLKIT_FAILPOINT'].filter(name => process.env[name] !== undefined)
  const env = [
    `PATH=${PATH}`,
    `TOOLKIT_STATE=${resolve(stateDir())}`,
    ...ours.map(name => `${name}=${process.env[name]}`),
  ]
  return { env, command: [`${packageDir()}/bin/toolkit`, 'settle'] }
}

/**
 * Gives a container that runs a new monitor: its own was killed. What it has written since is in its pipes. `pidfd` is of
 * its first process, `lock` holds its lock. Throws KernelError, and errors of node:fs.
 */
export function adopt(directory: string, pidfd: number, lock: number): void {
  const descriptors = new Map<string, number>()
  try {
    openCommon(directory, descriptors)
    for (const name of ['stdout', 'stderr']) descriptors.set(name, openSync(`${directory}/${name}`, O.RDWR))
    const monitor = planAdoption({ stdin: false, ports: 0, ...after() })
    const process = start(
      { namespaces: [], steps: [], monitor },
      { descriptors: new Map([...descriptors, ['pidfd', pidfd], ['lock', lock]]) },
    )
    process.next()
    process.close()
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

/** What every monitor needs. */
function openCommon(directory: string, descriptors: Map<string, number>): void {
  mendLog(directory)
  writeFileSync(`${directory}/exit.new`, Buffer.alloc(EXIT_RECORD)) // its place on a disk that may be full by then
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
      writing(() => openCommon(directory, descriptors))
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
