// From a user's wish to a running container, and to its end. Read it as a table of contents.
import { exitStatus, wait } from '../kernel/wait.ts'
import { readStat } from '../observe/process.ts'
import { carryOut, type Observer } from './carry-out.ts'
import { oomKilled } from './cgroup.ts'
import { type ContainerDirectory, createDirectory } from './directory.ts'
import { failpoint } from './failpoint.ts'
import type { Membership } from './network.ts'
import type { RunOptions } from './options.ts'
import { complete, prepare } from './prepare.ts'
import { forwardSignals } from './signals.ts'
import { newId } from './store.ts'

/** What a container has come to. */
export interface Result {
  /** As a shell and docker count it: the program's exit code, or 128 + the signal that ended it. */
  readonly exitCode: number
  /** The kernel has killed a process of it, because its memory limit was reached. */
  readonly oomKilled: boolean
}

/** Runs a container to its end. Throws KernelError and UsageError; then nothing of it is left. */
export async function run(options: RunOptions, observer?: Observer): Promise<Result> {
  const id = newId()
  const parts = await prepare(options, id) // bad input is refused here, before anything is made
  const cgroups = parts.cgroup.directories
  const bridged = options.network.mode === 'bridge'
  const signals = forwardSignals()
  let directory: ContainerDirectory | undefined
  let network: Membership | undefined
  try {
    directory = await createDirectory({ id, ...options })
    failpoint('directory made')
    directory.record({ cgroups, network: bridged }) // written down before there is any of it
    failpoint('recorded')
    if (bridged)
      network = (await import('./network.ts')).joinNetwork({
        id,
        ports: options.network.publish,
        mac: options.network.mac,
      })
    const plan = await complete(parts, options, id, network?.lease)
    const { process, terminal } = await carryOut(plan, {
      interactive: options.interactive,
      signals,
      observer,
      onStart: ({ pid }) => directory!.started(pid, readStat(pid)?.startTime), // while it makes its first calls
    })
    failpoint('program started')
    signals.to(process.pidfd)
    const exitCode = exitStatus(await wait(process.pid, process.pidfd))
    failpoint('program ended')
    await terminal?.close()
    process.close()
    const result = { exitCode, oomKilled: oomKilled(cgroups) }
    network?.close()
    await directory.ended(result)
    return result
  } catch (error) {
    network?.close()
    await directory?.discard()
    throw error
  } finally {
    signals.stop()
  }
}
