// One more program in a container that runs: a process that is born in its pid namespace and groups, enters all its other
// namespaces, and gives up what its first process has given up. setns(2) takes them all by one pidfd.
import { closeSync, existsSync, openSync, readlinkSync } from 'node:fs'
import { callAction } from '../../kernel/action.ts'
import { attempt, invoke } from '../../kernel/call.ts'
import { AT, CLONE, F, O, PR, SIG } from '../../kernel/constants.ts'
import { KernelError } from '../../kernel/error.ts'
import { type Gate, type Plan, type Step, step } from '../../kernel/step.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { ended, exitStatus, wait } from '../../kernel/wait.ts'
import { readNamespace } from '../../observe/namespaces.ts'
import * as cgroups from '../../primitives/cgroups.ts'
import * as credentials from '../../primitives/credentials.ts'
import * as keyring from '../../primitives/keyring.ts'
import * as pid from '../../primitives/pid.ts'
import * as process from '../../primitives/process.ts'
import * as rlimits from '../../primitives/rlimits.ts'
import * as terminal from '../../primitives/terminal.ts'
import * as user from '../../primitives/user.ts'
import { carryOut, type Observer } from '../carry-out.ts'
import type { RunOptions } from '../options.ts'
import { becomeProgram } from '../plan.ts'
import { seccompSteps } from '../seccomp.ts'
import { forwardSignals } from '../signals.ts'
import { makeSpec, type Spec } from '../spec.ts'
import { recordOf } from '../state/events.ts'
import { type ContainerState, randomBytes, survives } from '../state/store.ts'
import { drain } from '../terminal/drain.ts'
import { holdProcess, notRunning, statusOf } from './lifecycle.ts'
import { steady } from './steady.ts'

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
  /** Milliseconds; then it is killed. */
  readonly timeout?: number
  readonly onTimeout?: () => void
  /** The keys by which the user leaves its terminal. */
  readonly keys: Uint8Array
}

const CONTAINER = { descriptor: 'container' }
const ALL = CLONE.NEWNS + CLONE.NEWUTS + CLONE.NEWIPC + CLONE.NEWNET + CLONE.NEWCGROUP + CLONE.NEWTIME

export interface HeldContainer {
  /** What its user calls it. */
  readonly word: string
  readonly state: ContainerState
  /** Of its first process. */
  readonly pidfd: number
}

/** Takes hold of a container that runs. Throws a UsageError where it does not. */
export async function holdContainer(word: string): Promise<HeldContainer> {
  const row = await steady(word)
  const status = statusOf(row)
  if (status === 'paused') throw new UsageError(`container ${word} is paused; unpause it first`, 1)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) throw notRunning(row, word)
  return { word, pidfd, state: row.state! }
}

/** Whether its engine was root of another user namespace than ours: only there is our root what its root is. */
export const isOfOtherUsers = ({ state: { pid, options } }: HeldContainer): boolean =>
  options?.namespaces.users === undefined &&
  readNamespace(pid!, 'user').inode !== readNamespace(globalThis.process.pid, 'user').inode

/**
 * Runs a program in a container, and lets go of that. Resolves to its exit code; 0 where nobody waits for it; undefined where
 * its user has left it. Throws KernelError and UsageError.
 */
export async function exec(held: HeldContainer, wish: ExecWish, observer?: Observer): Promise<number | undefined> {
  const { word, pidfd: container, state } = held
  const signals = forwardSignals()
  try {
    const { options, id, pid, resources } = state
    if (!options)
      throw new UsageError(`container ${word} was made by an older toolkit, which did not write down its user`, 1)
    const spec = specOf({ ...options, rootfs: `/proc/${pid}/root` }, wish, id)
    const seccomp = await seccompSteps({
      profile: wish.privileged ? 'unconfined' : options.seccomp,
      capabilities: spec.process.capabilities.bounding,
    })
    const execID = randomBytes(32).toString('hex')
    const command = wish.args.join(' ')
    recordOf(state, `exec_create: ${command}`, { execID })
    recordOf(state, `exec_start: ${command}`, { execID })
    const plan = planExec({ spec, seccomp, wish, pid: pid!, container, cgroups: resources?.cgroups ?? [] })
    const { process: program, terminal } = await carryOut(plan, {
      interactive: wish.interactive,
      keys: wish.keys,
      signals,
      observer,
      onStart() {},
    })
    if (wish.detached) return 0
    signals.to(program.pidfd)
    const tooLate = () => {
      wish.onTimeout?.()
      attempt('pidfd_send_signal', [program.pidfd, SIG.KILL, null, 0])
    }
    const timer = wish.timeout === undefined ? undefined : setTimeout(tooLate, wish.timeout)
    const exit = await Promise.race([
      wait(program.pid, program.pidfd),
      terminal?.detached ?? new Promise<never>(() => {}),
    ])
    clearTimeout(timer)
    if (exit === 'by keys') {
      terminal?.leave(master => drain(master, program.pidfd))
      return undefined
    }
    await terminal?.close()
    program.close()
    recordOf(state, 'exec_die', { execID, exitCode: String(exitStatus(exit)) })
    return exitStatus(exit)
  } catch (error) {
    throw await inWords(error, { word, wish, container, state })
  } finally {
    signals.stop()
    closeSync(container)
  }
}

const DYING = 2000 // milliseconds

/** What went wrong, said of `exec`: 126 where it is about what was asked for, as docker's. */
async function inWords(
  error: unknown,
  about: { word: string; wish: ExecWish; container: number; state: ContainerState },
): Promise<unknown> {
  const { word, wish, container, state } = about
  // The kernel ends all others of its pid namespace before the first: one that was killed on its way is a sign of that.
  const isGone = error instanceof KernelError && error.code === 'ESRCH'
  const wasKilled = isGone || !(error instanceof UsageError || error instanceof KernelError)
  if (!survives(state) || (wasKilled && (await ended(container, DYING))))
    return new UsageError(`container ${word} has ended meanwhile`, 1)
  if (error instanceof UsageError && error.message.startsWith('run: '))
    return new UsageError(error.message.replace('run:', 'exec:'), 126)
  if (wish.cwd !== undefined && error instanceof KernelError && error.call === 'openat2' && error.args[1] === wish.cwd)
    return new UsageError(`exec: --workdir ${JSON.stringify(wish.cwd)}: ${error.meaning}, in the container`, 126)
  return error
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
  /** Its first process, and a pidfd of it. */
  readonly pid: number
  readonly container: number
  readonly cgroups: readonly string[]
}

function planExec({ spec, seccomp, wish, pid: first, container, cgroups: directories }: ExecParts): Plan {
  const born = directories.find(directory => existsSync(`${directory}/cgroup.controllers`)) // v2
  const joined = directories.filter(directory => directory !== born)
  const { uidMappings } = spec.linux
  const livesOn = wish.detached || wish.terminal // whose user may leave it; if we are killed, its terminal hangs up
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
  const apart = uidMappings ? namespacesOf(first) : []
  return {
    before: [
      {
        text: `container = pidfd_open(${first}, 0)`,
        why: 'one handle for all its namespaces, which cannot come to mean another process',
        lesson: '20-engine',
        shell: '',
        apply({ descriptors }) {
          descriptors.set(CONTAINER.descriptor, invoke('fcntl', [container, F.DUPFD_CLOEXEC, 0]))
          if (born) descriptors.set(cgroups.CGROUP, openSync(born, O.RDONLY + O.DIRECTORY))
        },
      },
      ...apart.map(({ name, path }) =>
        callAction(
          step('openat', [AT.FDCWD, path, O.RDONLY + O.CLOEXEC, 0], {
            ...about,
            why: 'opened here: root of a user namespace may not look into a program that it cannot read, as the init of ours',
          }),
          name,
        ),
      ),
    ],
    namespaces: [],
    pidNamespace: CONTAINER,
    ...(born && { cgroup: { descriptor: cgroups.CGROUP } }),
    first: uidMappings ? [...join, ...enterUsers] : [],
    steps: [
      ...(livesOn ? [] : pid.dieWithParent()),
      ...(uidMappings ? [] : join),
      ...process.undoNode(),
      ...keyring.plan(),
      ...(uidMappings
        ? apart.map(({ name, flag }) =>
            step('setns', [{ descriptor: name }, flag], { ...about, why: 'joins the container, one by one' }),
          )
        : [
            step('setns', [CONTAINER, ALL], {
              ...about,
              why: 'joins the container: its files, its network, its names',
              shell: `nsenter --all --target ${first}`,
            }),
          ]),
      ...stdio(spec, wish),
      ...rlimits.plan(spec.process),
      ...becomeProgram(spec, seccomp, livesOn),
      ...process.execute(spec),
    ],
  }
}

const BY_NAME = {
  ...{ cgroup: CLONE.NEWCGROUP, ipc: CLONE.NEWIPC, net: CLONE.NEWNET, time: CLONE.NEWTIME, uts: CLONE.NEWUTS },
  mnt: CLONE.NEWNS, // last: the paths of the others are the host's
}

/** Those of its namespaces that are not ours as well. */
const namespacesOf = (pid: number) =>
  Object.entries(BY_NAME).flatMap(([name, flag]) => {
    const path = `/proc/${pid}/ns/${name}`
    return readlinkSync(path) === readlinkSync(`/proc/self/ns/${name}`) ? [] : [{ name: `its ${name}`, path, flag }]
  })

function stdio({ process: { user } }: Spec, { terminal: tty, interactive, detached }: ExecWish): (Step | Gate)[] {
  if (tty && !detached) return [...terminal.openTerminal(), ...credentials.ownTerminal({ user })]
  const own = [...terminal.ownSession(), ...(interactive && !detached ? [] : terminal.noInput())]
  if (!detached) return own
  const silent = [1, 2].map(fd =>
    step('dup3', [0, fd, 0], { lesson: '20-engine', shell: '', why: 'nobody is there to read its output' }),
  )
  return [...own, ...silent]
}
