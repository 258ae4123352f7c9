// The lab: a sandbox that plays the part of "the host" in a lesson. Built by the engine's own modules: own mount, pid,
// net, uts, ipc and cgroup namespaces, and a scratch overlay over the host's files. The learner is root in it.
//
// Everything written in it lies in a tmpfs of its own mount namespace. So when its first process dies, all of it is
// gone: processes, mounts, links, files. And that process dies with the one that started it, however that ends.
import { closeSync, createReadStream } from 'node:fs'
import { packageDir } from '../image/paths.ts'
import { attempt, pipe } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { type Starting, start } from '../kernel/start.ts'
import { step } from '../kernel/step.ts'
import { type Size, setSize } from '../kernel/tty.ts'
import { exitStatus, wait } from '../kernel/wait.ts'
import * as terminal from '../primitives/terminal.ts'
import { makeTree } from './files.ts'
import { environment, LAB, planEnter, planLab, scratchDir } from './lab-plan.ts'
import { openStream, takeTerminal } from './terminal.ts'

export { LAB_HOME } from './lab-plan.ts'

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
  /** Opens an interactive bash in the lab's home directory on a new pseudo-terminal. */
  shell(size: Size): LabShell
  /** Runs a command without a terminal until it has ended and nobody holds its output any more: set-up, and the gate. */
  run(argv: readonly string[]): Promise<{ code: number; output: string }>
  /** Ends every process of the lab; with them go its mounts, links and files. */
  stop(): Promise<void>
}

/** Starts a lab, in well under a second. Needs root. Throws KernelError. */
export async function startLab(): Promise<Lab> {
  makeTree(scratchDir())
  const init = start(planLab())
  init.next()
  const ended = wait(init.pid, init.pidfd)
  let stopped: Promise<void> | undefined
  return {
    pid: init.pid,
    shell: size => openShell(init, size),
    run: argv => runIn(init, argv),
    stop() {
      if (!stopped) {
        attempt('pidfd_send_signal', [init.pidfd, SIG.KILL, null, 0]) // once: later the number may be another's
        stopped = ended.then(() => init.close())
      }
      return stopped
    },
  }
}

function openShell(init: Starting, size: Size): LabShell {
  const rc = `${packageDir()}/rootfs-scripts/lab.bashrc`
  const env = environment({ TERM: 'xterm-256color', COLORTERM: 'truecolor' })
  const plan = planEnter(terminal.openTerminal(), ['bash', '--noprofile', '--rcfile', rc, '-i'], env)
  const shell = start(plan, { descriptors: new Map([[LAB.descriptor, init.pidfd]]) })
  shell.next() // stands at the terminal's gate
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

async function runIn(init: Starting, argv: readonly string[]): Promise<{ code: number; output: string }> {
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
    const descriptors = new Map([
      [LAB.descriptor, init.pidfd],
      ['output', write],
    ])
    child = start(planEnter(stdio, argv, environment()), { descriptors })
    child.next()
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
