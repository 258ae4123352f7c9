// The lab: a sandbox that plays the part of "the host" in a lesson. Built by the engine's own modules: own mount, pid,
// net, uts, ipc and cgroup namespaces, and a scratch overlay over the host's files. The learner is root in it.
//
// Everything written in it lies in a tmpfs of its own mount namespace. So when its first process dies, all of it is
// gone: processes, mounts, links, files. And that process dies with the one that started it, however that ends. Only its
// cgroups have to be removed: by stop(), or by whoever comes after an owner that was killed (lab-record.ts).
import { closeSync, createReadStream, openSync } from 'node:fs'
import { packageDir } from '../../image/paths.ts'
import { attempt, pipe } from '../../kernel/call.ts'
import { SIG } from '../../kernel/constants.ts'
import { type Starting, start } from '../../kernel/start.ts'
import { type Gate, type Step, step } from '../../kernel/step.ts'
import { type Size, setSize } from '../../kernel/tty.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { exitStatus, wait } from '../../kernel/wait.ts'
import { CGROUP } from '../../primitives/cgroups.ts'
import { isFrozen, thawAll } from '../../primitives/freezer.ts'
import * as terminal from '../../primitives/terminal.ts'
import { removeCgroup } from '../cgroup/cgroup.ts'
import { NO_CGROUPS } from '../cgroup/place.ts'
import { makeTree } from '../state/files.ts'
import { openStream } from '../terminal/stream.ts'
import { takeTerminal } from '../terminal/terminal.ts'
import { CONTROLLERS, type LabCgroups, planLabCgroups } from './cgroup.ts'
import { environment, LAB, planEnter, planLab } from './plan.ts'
import { createRecord, type LabRecord, sweepLabs } from './record.ts'
import { scratchDir } from './root.ts'

export { LAB_HOME } from './plan.ts'

/** A program on a pseudo-terminal in the lab. */
export interface LabShell {
  /** Its pid, as the host counts. */
  readonly pid: number
  write(data: string | Uint8Array): void
  resize(columns: number, rows: number): void
  /** Stop and go on reading what it prints: flow control. */
  pause(): void
  resume(): void
  onData(listener: (data: Buffer) => void): void
  onExit(listener: (code: number) => void): void
  kill(): void
}

export interface Lab {
  /** The first process of the lab, as the host counts; `/proc/PID/root` is the lab's root directory. */
  readonly pid: number
  /**
   * The tops of its cgroup trees, as the host names them: one directory a hierarchy. Below them lie `lab`, the group of its
   * own processes, and what the learner makes.
   */
  readonly cgroups: readonly string[]
  /** Opens an interactive bash in the lab's home directory on a new pseudo-terminal. */
  shell(size: Size): LabShell
  /** Runs a command without a terminal until it has ended and nobody holds its output any more: set-up, and the gate. */
  run(argv: readonly string[]): Promise<{ code: number; output: string }>
  /** Ends every process of the lab; with them go its mounts, links and files, and then its cgroups. */
  stop(): Promise<void>
}

/** A lab that runs. */
interface Running {
  readonly init: Starting
  readonly cgroups: LabCgroups
}

/** Starts a lab, in well under a second. Needs root. Throws KernelError and UsageError. */
export async function startLab(): Promise<Lab> {
  sweepLabs()
  makeTree(scratchDir())
  const record = createRecord()
  let lab: Running
  try {
    lab = launch(record)
  } catch (error) {
    record.remove()
    throw error
  }
  const ended = wait(lab.init.pid, lab.init.pidfd)
  let stopped: Promise<void> | undefined
  return {
    pid: lab.init.pid,
    cgroups: lab.cgroups.directories,
    shell: size => openShell(lab, size),
    run: argv => runIn(lab, argv),
    stop() {
      stopped ??= stop(lab, ended).then(() => record.remove())
      return stopped
    },
  }
}

/** Makes the groups and the first process. */
function launch(record: LabRecord): Running {
  const { cgroups, descriptors } = makeCgroups(record)
  try {
    const plan = planLab(cgroups)
    for (const action of plan.before ?? []) action.apply({ descriptors })
    const init = start(plan, { descriptors })
    init.next()
    return { init, cgroups }
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

/** Makes the groups with all controllers that can be had: a machine may refuse some of them, or all, and is good enough. */
function makeCgroups(record: LabRecord): { cgroups: LabCgroups; descriptors: Map<string, number> } {
  for (const controllers of [CONTROLLERS, CONTROLLERS.slice(0, 2), []]) {
    const descriptors = new Map<string, number>()
    let made: readonly string[] = []
    try {
      const cgroups = planLabCgroups(record.name, controllers)
      record.write(cgroups.directories)
      made = cgroups.directories
      for (const action of cgroups.before) action.apply({ descriptors })
      return { cgroups, descriptors }
    } catch {
      for (const fd of descriptors.values()) closeSync(fd)
      removeCgroup(made)
    }
  }
  return { cgroups: planLabCgroups(record.name, [], NO_CGROUPS), descriptors: new Map() }
}

const PATIENCE = 20 // milliseconds

/** Ends the first process, and with it all others. On v1 what is frozen does not die; and somebody may freeze it just now. */
async function stop({ init, cgroups }: Running, ended: Promise<unknown>): Promise<void> {
  attempt('pidfd_send_signal', [init.pidfd, SIG.KILL, null, 0]) // once: later the number may be another's
  thawAll(cgroups.directories)
  const timer = setInterval(() => thawAll(cgroups.directories), PATIENCE)
  await ended
  clearInterval(timer)
  init.close()
}

/** Starts a program in the lab; it may stand at its first gate. */
function enter(
  { init, cgroups }: Running,
  stdio: readonly (Step | Gate)[],
  argv: readonly string[],
  env: readonly string[],
  output?: number,
): Starting {
  const { join, born } = cgroups.enter
  // Otherwise we would wait for a process that never comes to its program.
  if (isFrozen(born ? [...join, born] : join))
    throw new UsageError('the lab is frozen, all of it; only a reset ends that')
  const descriptors = new Map([[LAB.descriptor, init.pidfd]])
  if (output !== undefined) descriptors.set('output', output)
  const group = born === undefined ? undefined : openSync(born, 'r')
  if (group !== undefined) descriptors.set(CGROUP, group)
  try {
    const program = start(planEnter(cgroups.enter, stdio, argv, env), { descriptors })
    program.next()
    return program
  } finally {
    if (group !== undefined) closeSync(group)
  }
}

function openShell(lab: Running, size: Size): LabShell {
  const rc = `${packageDir()}/rootfs-scripts/lab.bashrc`
  const env = environment({ TERM: 'xterm-256color', COLORTERM: 'truecolor' })
  const argv = ['bash', '--noprofile', '--rcfile', rc, '-i']
  const shell = enter(lab, terminal.openTerminal(), argv, env) // stands at the terminal's gate
  const master = takeTerminal(shell.pidfd)
  setSize(master, size)
  shell.open()
  shell.next()
  const stream = openStream(master, () => {})
  const exited = wait(shell.pid, shell.pidfd).then(exit => {
    shell.close()
    stream.destroy()
    return exitStatus(exit)
  })
  return {
    pid: shell.pid,
    write: data => void stream.write(data),
    resize: (columns, rows) => setSize(master, { columns, rows }),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    onData: listener => void stream.on('data', listener),
    onExit: listener => void exited.then(listener),
    kill: () => void stream.destroy(), // the terminal hangs up: SIGHUP to the shell, and from it to its jobs
  }
}

async function runIn(lab: Running, argv: readonly string[]): Promise<{ code: number; output: string }> {
  const [read, write] = pipe()
  const toPipe = [1, 2].map(fd =>
    step('dup3', [{ descriptor: 'output' }, fd, 0], {
      lesson: '20-engine',
      shell: '',
      why: 'its output is read by the engine',
    }),
  )
  const stdio = [...terminal.ownSession(), ...terminal.noInput(), ...toPipe]
  let child: Starting
  try {
    child = enter(lab, stdio, argv, environment(), write)
  } catch (error) {
    closeSync(read)
    throw error
  } finally {
    closeSync(write)
  }
  const chunks: Buffer[] = []
  const [exit] = await Promise.all([wait(child.pid, child.pidfd), drain(read, chunks)])
  child.close()
  return { code: exitStatus(exit), output: Buffer.concat(chunks).toString() }
}

async function drain(fd: number, chunks: Buffer[]): Promise<void> {
  for await (const chunk of createReadStream('', { fd })) chunks.push(chunk as Buffer)
}
