// One more program in a container that runs: a process that is born in its pid namespace and groups, enters all its other
// namespaces, and gives up what its first process has given up. setns(2) takes them all by one pidfd.
import { closeSync, existsSync, openSync } from 'node:fs'
import { invoke } from '../kernel/call.ts'
import { CLONE, F, O, PR } from '../kernel/constants.ts'
import { type Gate, type Plan, type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { exitStatus, wait } from '../kernel/wait.ts'
import { readNamespace } from '../observe/namespaces.ts'
import * as cgroups from '../primitives/cgroups.ts'
import * as credentials from '../primitives/credentials.ts'
import * as keyring from '../primitives/keyring.ts'
import * as pid from '../primitives/pid.ts'
import * as process from '../primitives/process.ts'
import * as rlimits from '../primitives/rlimits.ts'
import * as terminal from '../primitives/terminal.ts'
import * as user from '../primitives/user.ts'
import { carryOut } from './carry-out.ts'
import { holdProcess, statusOf } from './lifecycle.ts'
import { findContainer } from './list.ts'
import type { RunOptions } from './options.ts'
import { becomeProgram } from './plan.ts'
import { seccompSteps } from './seccomp.ts'
import { forwardSignals } from './signals.ts'
import { makeSpec, type Spec } from './spec.ts'
import { type ContainerState, shorten } from './store.ts'

export interface ExecWish {
  readonly args: readonly string[]
  /** NAME=value, besides those of the container. */
  readonly env: readonly string[]
  readonly cwd: string | undefined
  readonly user: string | undefined
  readonly interactive: boolean
  readonly terminal: boolean
  /** All capabilities. */
  readonly privileged: boolean
  /** Nobody waits for it. */
  readonly detached: boolean
}

const CONTAINER = { descriptor: 'container' }
const ALL = CLONE.NEWNS + CLONE.NEWUTS + CLONE.NEWIPC + CLONE.NEWNET + CLONE.NEWCGROUP + CLONE.NEWTIME

export interface HeldContainer {
  readonly state: ContainerState
  /** Of its first process. */
  readonly pidfd: number
}

/** Takes hold of a container that runs. Throws a UsageError where it does not. */
export function holdContainer(word: string): HeldContainer {
  const row = findContainer(word)
  const status = statusOf(row)
  if (status === 'paused') throw new UsageError(`container ${word} is paused; unpause it first`, 1)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) throw new UsageError(`container ${word} is not running; it is ${status}`, 1)
  return { pidfd, state: row.state! }
}

/** Whether its engine was root of another user namespace than ours: only there is our root what its root is. */
export const isOfOtherUsers = ({ state: { pid, options } }: HeldContainer): boolean =>
  options?.namespaces.users === undefined &&
  readNamespace(pid!, 'user').inode !== readNamespace(globalThis.process.pid, 'user').inode

/**
 * Runs a program in a container, and lets go of that. Resolves to its exit code; 0 where nobody waits for it. Throws
 * KernelError and UsageError.
 */
export async function exec({ pidfd: container, state }: HeldContainer, wish: ExecWish): Promise<number> {
  const signals = forwardSignals()
  try {
    const { options, id, pid, resources } = state
    if (!options)
      throw new UsageError(
        `container ${shorten(id)} was made by an older toolkit, which did not write down its user`,
        1,
      )
    const spec = specOf({ ...options, rootfs: `/proc/${pid}/root` }, wish, id)
    const seccomp = await seccompSteps({
      profile: wish.privileged ? 'unconfined' : options.seccomp,
      capabilities: spec.process.capabilities.bounding,
    })
    const plan = planExec({ spec, seccomp, wish, container, cgroups: resources?.cgroups ?? [] })
    const { process: program, terminal } = await carryOut(plan, {
      interactive: wish.interactive,
      signals,
      observer: undefined,
      onStart() {},
    })
    if (wish.detached) return 0
    signals.to(program.pidfd)
    const exit = await wait(program.pid, program.pidfd)
    await terminal?.close()
    program.close()
    return exitStatus(exit)
  } finally {
    signals.stop()
    closeSync(container)
  }
}

/** The container's own, but for what is wished for. */
function specOf(options: RunOptions, wish: ExecWish, id: string): Spec {
  const { args, env, cwd, terminal, privileged } = wish
  return makeSpec(
    {
      ...options,
      args,
      terminal,
      env: [...options.env, ...env],
      cwd: cwd ?? options.cwd,
      user: wish.user ?? options.user,
      capabilities: { ...options.capabilities, privileged: privileged || options.capabilities.privileged },
    },
    id,
  )
}

interface ExecParts {
  readonly spec: Spec
  readonly seccomp: readonly Step[]
  readonly wish: ExecWish
  /** A pidfd of its first process. */
  readonly container: number
  readonly cgroups: readonly string[]
}

function planExec({ spec, seccomp, wish, container, cgroups: directories }: ExecParts): Plan {
  const born = directories.find(directory => existsSync(`${directory}/cgroup.controllers`)) // v2
  const joined = directories.filter(directory => directory !== born)
  const { uidMappings } = spec.linux
  const about = { lesson: '20-engine', shell: '' } as const
  const join: Step[] = [
    ...(joined.length > 0 ? cgroups.join(joined) : []),
    step('prctl', [PR.SET_DUMPABLE, 0, 0, 0, 0], {
      ...about,
      why: 'from the next call on the container sees this process: it shall not look into it (CVE-2016-9962)',
    }),
  ]
  const enterUsers: Step[] = [
    step('setns', [CONTAINER, CLONE.NEWUSER], { ...about, lesson: '07-user', why: 'its root from here on' }),
    ...user.becomeRoot(),
  ]
  return {
    before: [
      {
        text: 'container = pidfd_open(PID, 0)',
        why: 'one handle for all its namespaces, which cannot come to mean another process',
        lesson: '20-engine',
        shell: '',
        apply({ descriptors }) {
          descriptors.set(CONTAINER.descriptor, invoke('fcntl', [container, F.DUPFD_CLOEXEC, 0]))
          if (born) descriptors.set(cgroups.CGROUP, openSync(born, O.RDONLY + O.DIRECTORY))
        },
      },
    ],
    namespaces: [],
    pidNamespace: CONTAINER,
    ...(born && { cgroup: { descriptor: cgroups.CGROUP } }),
    first: uidMappings ? [...join, ...enterUsers] : [],
    steps: [
      ...(wish.detached ? [] : pid.dieWithParent()),
      ...(uidMappings ? [] : join),
      ...process.undoNode(),
      ...keyring.plan(),
      step('setns', [CONTAINER, ALL], {
        ...about,
        why: 'joins the container: its files, its network, its names',
        shell: 'nsenter --all --target PID',
      }),
      ...stdio(spec, wish),
      ...rlimits.plan(spec.process),
      ...becomeProgram(spec, seccomp, wish.detached),
      ...process.execute(spec),
    ],
  }
}

function stdio({ process: { user } }: Spec, { terminal: tty, interactive, detached }: ExecWish): (Step | Gate)[] {
  if (tty && !detached) return [...terminal.openTerminal(), ...credentials.ownTerminal({ user })]
  const own = [...terminal.ownSession(), ...(interactive && !detached ? [] : terminal.noInput())]
  if (!detached) return own
  const silent = [1, 2].map(fd =>
    step('dup3', [0, fd, 0], { lesson: '20-engine', shell: '', why: 'nobody is there to read its output' }),
  )
  return [...own, ...silent]
}
