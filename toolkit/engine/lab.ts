// The lab: a sandbox that plays the part of "the host" in a lesson. Built by the engine's own modules: own mount, pid,
// net, uts, ipc and cgroup namespaces, and a scratch overlay over the host's files. The learner is root in it.
//
// Everything written in it lies in a tmpfs of its own mount namespace. So when its first process dies, all of it is
// gone: processes, mounts, links, files. And that process dies with the one that started it, however that ends.
import { closeSync, createReadStream } from 'node:fs'
import { packageDir, stateDir } from '../image/paths.ts'
import { invoke } from '../kernel/call.ts'
import { AT, CLONE, O, SIG } from '../kernel/constants.ts'
import { type Starting, start } from '../kernel/start.ts'
import { type Gate, type Plan, type Step, step } from '../kernel/step.ts'
import { type Size, setSize } from '../kernel/tty.ts'
import { exitStatus, wait } from '../kernel/wait.ts'
import { type Mount as HostMount, readMounts } from '../observe/mounts.ts'
import * as devices from '../primitives/devices.ts'
import * as ipc from '../primitives/ipc.ts'
import * as mount from '../primitives/mount.ts'
import * as net from '../primitives/net.ts'
import * as overlay from '../primitives/overlay.ts'
import * as pid from '../primitives/pid.ts'
import * as process from '../primitives/process.ts'
import * as terminal from '../primitives/terminal.ts'
import * as uts from '../primitives/uts.ts'
import { defaultMounts } from './spec.ts'
import { openStream, takeTerminal } from './terminal.ts'

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
  /** Runs a command to its end without a terminal: set-up, and the gate. */
  run(argv: readonly string[]): Promise<{ code: number; output: string }>
  /** Ends every process of the lab; with them go its mounts, links and files. */
  stop(): Promise<void>
}

/** The learner's home directory in the lab; empty at first. */
export const LAB_HOME = '/lab'

const scratch = '/tmp' // where the tmpfs for all changes is mounted, before the lab's own /tmp covers it
const about = { lesson: '20-engine', shell: '', why: 'makes a place in the lab' } as const
const makeDirectory = (path: string, mode = 0o755): Step =>
  step('mkdirat', [AT.FDCWD, path, mode], { ...about, allow: 'EEXIST' })
const tmpfs = (destination: string, ...options: string[]) => ({ destination, type: 'tmpfs', source: 'tmpfs', options })

const labMounts = [
  ...defaultMounts,
  tmpfs('/run', 'mode=755'),
  tmpfs('/tmp', 'mode=1777'),
  // containers made in the lab: their changes cannot lie on the lab's overlay
  tmpfs(`${stateDir()}/containers`, 'mode=711'),
  tmpfs(`${stateDir()}/ephemeral`, 'mode=711'),
]

/** The host's file systems that the lab shows: the root, and what else is kept on a disk or a network. */
function hostFileSystems(): string[] {
  const kept = new Set([
    'ext2',
    'ext3',
    'ext4',
    'xfs',
    'btrfs',
    'zfs',
    'f2fs',
    'bcachefs',
    'nfs',
    'nfs4',
    'virtiofs',
    '9p',
    'overlay',
  ])
  const shown = (readMounts(globalThis.process.pid) ?? [])
    .filter(({ fsType, mountPoint }: HostMount) => kept.has(fsType) && !mountPoint.startsWith(scratch))
    .map(({ mountPoint }: HostMount) => mountPoint)
  return ['/', ...new Set(shown.filter(mountPoint => mountPoint !== '/'))]
}

/** One overlay a file system, each with its own changes in the scratch tmpfs. */
function layOver(fileSystems: readonly string[]): Step[] {
  const root = `${scratch}/root`
  return fileSystems.flatMap((lower, i) => {
    const upper = `${scratch}/upper-${i}`
    const work = `${scratch}/work-${i}`
    const target = i === 0 ? root : root + lower
    return [
      ...[upper, work, ...(i === 0 ? [root] : [])].map(path => makeDirectory(path)),
      ...overlay.plan({ lower: [lower], upper, work }, target),
    ]
  })
}

function planLab(): Plan {
  const root = `${scratch}/root`
  return {
    namespaces: [
      mount.namespace,
      uts.namespace,
      ipc.namespace,
      pid.namespace,
      net.namespace,
      {
        flag: CLONE.NEWCGROUP,
        why: 'a cgroup tree that begins at the lab',
        lesson: '08-cgroup-time',
        shell: '--cgroup',
      },
    ],
    steps: [
      ...pid.dieWithParent(),
      ...process.undoNode(),
      ...process.clearUmask(),
      ...mount.makePrivate(),
      ...mount.plan({ mounts: [tmpfs(scratch, 'mode=755')] }),
      ...layOver(hostFileSystems()),
      ...mount.pivotRoot(root),
      ...[stateDir(), LAB_HOME].map(path => makeDirectory(path)),
      ...mount.plan({ mounts: labMounts }),
      ...devices.plan(),
      ...mount.detachOldRoot(),
      step('symlinkat', [`${packageDir()}/bin/toolkit`, AT.FDCWD, '/usr/local/bin/toolkit'], {
        ...about,
        allow: 'EEXIST',
      }),
      ...uts.plan({ hostname: 'lab' }),
      ...net.loopbackUp(),
      ...terminal.ownSession(),
      ...terminal.noInput(),
      ...[1, 2].map(fd => step('dup3', [0, fd, 0], { ...about, why: 'it has nothing to say' })),
      step('rt_sigaction', [SIG.CHLD, ignore(), null, 8], {
        ...about,
        why: 'the kernel reaps the children of a process that ignores SIGCHLD: no zombies of orphans',
      }),
      ...process.plan({ process: initProcess }),
    ],
  }
}

/** struct sigaction with SIG_IGN. */
function ignore(): Uint8Array {
  const bytes = new Uint8Array(32)
  bytes[0] = 1
  return bytes
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const processDefaults = { cwd: '/', user: { umask: 0o022 }, rlimits: [] }
// PID 1 of the lab only has to be there: `sleep` under another name.
const initProcess = { ...processDefaults, args: ['sleep', 'infinity'], env: [PATH] }

const environment = (extra: Record<string, string> = {}): string[] => {
  const { LANG = 'C.UTF-8', TOOLKIT_STATE } = globalThis.process.env
  const all = {
    HOME: LAB_HOME,
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/bash',
    LANG,
    ...(TOOLKIT_STATE && { TOOLKIT_STATE }),
    ...extra,
  }
  return [PATH, ...Object.entries(all).map(([name, value]) => `${name}=${value}`)]
}

/** Moves to the lab's namespaces (but pid: its process must be born there), then becomes the program. */
function planEnter(
  labPidfd: number,
  stdio: readonly (Step | Gate)[],
  args: readonly string[],
  env: readonly string[],
): Plan {
  const flags = CLONE.NEWNS | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWNET | CLONE.NEWCGROUP
  return {
    namespaces: [],
    steps: [
      ...pid.dieWithParent(),
      ...process.undoNode(),
      step('setns', [labPidfd, flags], {
        lesson: '05-mount',
        why: 'joins the lab',
        shell: 'nsenter --all --target PID',
      }),
      ...stdio,
      ...process.plan({ process: { ...processDefaults, args, env, cwd: LAB_HOME } }),
    ],
  }
}

/** Starts a lab, in well under a second. Needs root. Throws KernelError. */
export async function startLab(): Promise<Lab> {
  const init = start(planLab())
  init.next()
  const ended = wait(init.pid, init.pidfd)
  let stopped: Promise<void> | undefined
  return {
    pid: init.pid,
    shell: size => openShell(init, size),
    run: argv => runIn(init, argv),
    stop() {
      invoke('pidfd_send_signal', [init.pidfd, SIG.KILL, null, 0])
      stopped ??= ended.then(() => init.close())
      return stopped
    },
  }
}

function openShell(init: Starting, size: Size): LabShell {
  const rc = `${packageDir()}/rootfs-scripts/lab.bashrc`
  const env = environment({ TERM: 'xterm-256color', COLORTERM: 'truecolor' })
  const plan = planEnter(init.pidfd, terminal.openTerminal(), ['bash', '--noprofile', '--rcfile', rc, '-i'], env)
  const shell = start(plan, { pidNamespaceOf: init.pidfd })
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
  const fds = Buffer.alloc(8)
  invoke('pipe2', [fds, O.CLOEXEC])
  const [read, write] = [fds.readInt32LE(0), fds.readInt32LE(4)]
  const toPipe = [1, 2].map(fd => step('dup3', [write, fd, 0], { ...about, why: 'its output is read by the engine' }))
  const stdio = [...terminal.ownSession(), ...terminal.noInput(), ...toPipe]
  try {
    const child = start(planEnter(init.pidfd, stdio, argv, environment()), { pidNamespaceOf: init.pidfd })
    child.next()
    closeSync(write)
    const chunks: Buffer[] = []
    const [exit] = await Promise.all([wait(child.pid, child.pidfd), drain(read, chunks)])
    child.close()
    return { code: exitStatus(exit), output: Buffer.concat(chunks).toString() }
  } catch (error) {
    for (const fd of [read, write]) closeSync(fd)
    throw error
  }
}

async function drain(fd: number, chunks: Buffer[]): Promise<void> {
  for await (const chunk of createReadStream('', { fd })) chunks.push(chunk as Buffer)
}
