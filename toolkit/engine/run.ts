// From a user's wish to a running container, and to its end. Read it as a table of contents.
import { exitStatus, wait } from '../kernel/wait.ts'
import { readStat } from '../observe/process.ts'
import { carryOut, type Observer } from './carry-out.ts'
import { oomKilled } from './cgroup.ts'
import { type ContainerDirectory, createDirectory } from './directory.ts'
import { failpoint } from './failpoint.ts'
import type { RunOptions } from './options.ts'
import { complete, type Prepared, prepare } from './prepare.ts'
import { type Forwarding, forwardSignals } from './signals.ts'
import { newId } from './store.ts'

/** What a container has come to. */
export interface Result {
  /** As a shell and docker count it: the program's exit code, or 128 + the signal that ended it. */
  readonly exitCode: number
  /** The kernel has killed a process of it, because its memory limit was reached. */
  readonly oomKilled: boolean
  /** Why not all of it could be undone; the next command tries again. */
  readonly left?: string
}

/** Runs a container to its end. Throws KernelError and UsageError; then nothing of it is left. */
export async function run(options: RunOptions, observer?: Observer): Promise<Result> {
  const id = newId()
  const parts = await prepare(options, id) // bad input is refused here, before anything is made
  const signals = forwardSignals()
  try {
    const { namespaces, network } = options
    const { ownVolumes: volumes } = parts
    const outside = { cgroups: parts.cgroup.directories, network: network.mode === 'bridge', volumes }
    const directory = await createDirectory({ ...options, id, users: namespaces.users, outside, options })
    let result: Result
    try {
      failpoint('directory made')
      result = await live({ id, options, parts, directory, signals, observer })
    } catch (error) {
      await directory.discard().catch(() => {}) // the first error says more; the rest is undone by the next command
      throw error
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
}

async function live({ id, options, parts, directory, signals, observer }: Life): Promise<Result> {
  const cgroups = parts.cgroup.directories
  const { mode } = options.network
  const network =
    mode === 'bridge' ? (await import('./networks.ts')).join(options.network, id, [directory.name]) : undefined
  try {
    failpoint('network joined')
    const plan = await complete(parts, options, id, network?.leases ?? [])
    const { process, terminal } = await carryOut(plan, {
      interactive: options.interactive,
      signals,
      observer,
      onStart: ({ pid }) => directory.started(pid, readStat(pid)?.startTime), // while it makes its first calls
    })
    directory.running()
    failpoint('program started')
    signals.to(process.pidfd)
    const exitCode = exitStatus(await wait(process.pid, process.pidfd))
    failpoint('program ended')
    await terminal?.close()
    process.close()
    return { exitCode, oomKilled: oomKilled(cgroups) }
  } finally {
    network?.close()
  }
}
