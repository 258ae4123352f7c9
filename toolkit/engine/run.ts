// From a user's wish to a running container, and to its end. Read it as a table of contents.
import { attempt } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { type Exit, exitStatus } from '../kernel/wait.ts'
import { readStat } from '../observe/process.ts'
import { carryOut, type Observer } from './carry-out.ts'
import { oomKilled, resume } from './cgroup/cgroup.ts'
import { failpoint } from './failpoint.ts'
import type { Guarded } from './life/monitored.ts'
import { ownNames } from './network/names.ts'
import type { RunOptions } from './options.ts'
import { complete, outsideOf, type Prepared, prepare } from './prepare.ts'
import { type Forwarding, forwardSignals, untilOver } from './signals.ts'
import { type ContainerDirectory, createDirectory } from './state/directory.ts'
import { newId } from './state/store.ts'

/** What a container has come to. */
export interface Result {
  /** As a shell and docker count it: the program's exit code, or 128 + the signal that ended it. */
  readonly exitCode: number
  /** The kernel has killed a process of it, because its memory limit was reached. */
  readonly oomKilled: boolean
  /** Why not all of it could be undone; the next command tries again. */
  readonly left?: string
  /** Its user has left it, and it lives on. */
  readonly detached?: true
}

export interface RunWish {
  /** The keys by which its user may leave it. */
  readonly keys?: Uint8Array
  /** Is told its id, as soon as there is something of it. */
  readonly onMade?: (id: string) => void
  /** Is told that the container is killed, because its user has asked three times, and the program did not care. */
  readonly onInsist?: () => void
}

/** Runs a container to its end, or until its user leaves it. Throws KernelError and UsageError; then nothing of it is left. */
export async function run(
  options: RunOptions,
  observer?: Observer,
  { keys, onMade, onInsist }: RunWish = {},
): Promise<Result> {
  const id = newId()
  const { terminal, interactive, namespaces } = options
  const joins = typeof namespaces.pid === 'object' // only the engine's own child can be born there, see monitored.ts
  const attended = terminal && interactive && keys !== undefined && !joins
  const parts = await prepare(options, id, { livesOn: attended }) // bad input is refused here, before anything is made
  const signals = forwardSignals()
  try {
    const outside = outsideOf(parts, options)
    const users = namespaces.users
    const directory = await createDirectory({ ...options, id, users, outside, options, attached: true })
    let result: Result
    try {
      failpoint('directory made')
      onMade?.(id)
      result = await live({
        id,
        options,
        parts,
        directory,
        signals,
        observer,
        onInsist,
        keys: attended ? keys : undefined,
      })
    } catch (error) {
      await directory.discard().catch(() => {}) // the first error says more; the rest is undone by the next command
      throw error
    }
    if (result.detached) {
      directory.handOver()
      return result
    }
    try {
      await directory.ended(result)
      return result
    } catch (error) {
      return { ...result, left: (error as Error).message }
    }
  } finally {
    signals.stop()
  }
}

interface Life {
  readonly id: string
  readonly options: RunOptions
  readonly parts: Prepared
  readonly directory: ContainerDirectory
  readonly signals: Forwarding
  readonly observer: Observer | undefined
  readonly onInsist: RunWish['onInsist'] | undefined
  /** The keys by which its user may leave it. */
  readonly keys: Uint8Array | undefined
}

async function live(life: Life): Promise<Result> {
  const { id, options, parts, directory, signals, observer, onInsist, keys } = life
  const cgroups = parts.cgroup.directories
  let guarded: Guarded | undefined
  const { mode } = options.network
  const network =
    mode === 'bridge'
      ? (await import('./network/networks.ts')).join(options.network, id, ownNames(directory.name, options))
      : undefined
  try {
    failpoint('network joined')
    const made = await complete(parts, options, id, network?.leases ?? [])
    if (keys) {
      const { withGuard } = await import('./life/monitored.ts') // most runs have no use for it
      guarded = withGuard(made, { directory: directory.path, lock: directory.lock, ports: network?.sockets ?? [] })
    }
    const { process, terminal } = await carryOut(guarded?.plan ?? made, {
      interactive: options.interactive,
      keys,
      signals,
      observer,
      onStart: ({ pid }) => directory.started(pid, readStat(pid)?.startTime), // while it makes its first calls
    })
    directory.running()
    failpoint('program started')
    signals.to(process.pidfd)
    const left = terminal?.detached ?? new Promise<never>(() => {})
    const over = Promise.race([process.ended(), left])
    const exit = await untilOver(over, signals, () => {
      onInsist?.()
      kill(process.pidfd)
      resume(cgroups) // on v1 what is frozen does not die
    })
    if (exit === 'by keys') {
      directory.outlives()
      terminal!.leave(master => guarded!.leave(process, master))
      return { exitCode: 0, oomKilled: false, detached: true }
    }
    const exitCode = exitStatus(exit ?? killed(process.pidfd))
    failpoint('program ended')
    await terminal?.close()
    process.close()
    return { exitCode, oomKilled: oomKilled(cgroups) }
  } finally {
    guarded?.close()
    network?.close()
  }
}

/** Its parent was killed, and cannot tell how it ends: so it ends now. */
function killed(pidfd: number): Exit {
  kill(pidfd)
  return { code: undefined, signal: SIG.KILL }
}

const kill = (pidfd: number): void => void attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
