// One more program in a container that runs (exec-plan.ts), for as long as somebody waits for it.
import { closeSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { SIG } from '../../kernel/constants.ts'
import { KernelError } from '../../kernel/error.ts'
import { Killed } from '../../kernel/start.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { ended, exitStatus, wait } from '../../kernel/wait.ts'
import { readNamespace } from '../../observe/namespaces.ts'
import { carryOut, type Observer } from '../carry-out.ts'
import type { RunOptions } from '../options.ts'
import { seccompSteps } from '../seccomp.ts'
import { forwardSignals, untilOver } from '../signals.ts'
import { makeSpec, type Spec } from '../spec.ts'
import { recordOf } from '../state/events.ts'
import { type ContainerState, randomBytes, survives } from '../state/store.ts'
import { drain } from '../terminal/drain.ts'
import { planExec } from './exec-plan.ts'
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
  /** Is told that it is killed, because its user has asked three times, and it did not care. */
  readonly onInsist?: () => void
  /** The keys by which the user leaves its terminal. */
  readonly keys: Uint8Array
}

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
export function isOfOtherUsers({ state: { pid, options } }: HeldContainer): boolean {
  const { inode } = readNamespace(pid!, 'user') // 0: it has just ended
  const own = readNamespace(globalThis.process.pid, 'user').inode
  return options?.namespaces.users === undefined && inode !== 0 && inode !== own
}

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
    const kill = () => attempt('pidfd_send_signal', [program.pidfd, SIG.KILL, null, 0])
    const tooLate = () => {
      wish.onTimeout?.()
      kill()
    }
    const timer = wish.timeout === undefined ? undefined : setTimeout(tooLate, wish.timeout)
    const over = Promise.race([wait(program.pid, program.pidfd), terminal?.detached ?? new Promise<never>(() => {})])
    const exit = await untilOver(over, signals, () => {
      wish.onInsist?.()
      kill()
    })
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
    throw await inWords(error, { word, container, state })
  } finally {
    signals.stop()
    closeSync(container)
  }
}

const DYING = 2000 // milliseconds

/** What went wrong, said of `exec`: 126 where it is about what was asked for, as docker's. */
async function inWords(
  error: unknown,
  about: { word: string; container: number; state: ContainerState },
): Promise<unknown> {
  const { word, container, state } = about
  // The kernel ends all others of its pid namespace before the first: one that was killed on its way is a sign of that.
  const isGone = error instanceof KernelError && error.code === 'ESRCH'
  const wasKilled = isGone || error instanceof Killed || !(error instanceof UsageError || error instanceof KernelError)
  if (!survives(state) || (wasKilled && (await ended(container, DYING))))
    return new UsageError(`container ${word} has ended meanwhile`, 1)
  if (error instanceof UsageError && error.message.startsWith('run: '))
    return new UsageError(error.message.replace('run:', 'exec:'), 126)
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
