// From a user's wish to a running container, and to its end. Read it as a table of contents.
import { lstatSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plan } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { exitStatus, wait } from '../kernel/wait.ts'
import { readStat } from '../observe/process.ts'
import { carryOut, type Observer } from './carry-out.ts'
import { type ContainerDirectory, createDirectory } from './directory.ts'
import { failpoint } from './failpoint.ts'
import { planContainer } from './plan.ts'
import { forwardSignals } from './signals.ts'
import { makeSpec, type RunOptions, type Spec } from './spec.ts'
import { newId, pathsOf } from './store.ts'

/** What a container has come to. */
export interface Result {
  /** As a shell and docker count it: the program's exit code, or 128 + the signal that ended it. */
  readonly exitCode: number
  /** The kernel has killed a process of it, because its memory limit was reached. */
  readonly oomKilled: boolean
}

/** What would be done for these options: the plan of a container with this id. Looks at the rootfs, changes nothing. */
export function planRun(options: RunOptions, id = newId()): Plan {
  const { upper, work, merged } = pathsOf(id)
  const spec = makeSpec(options, id)
  checkRootfs(options.rootfs, spec)
  return planContainer({
    spec: { ...spec, root: { ...spec.root, path: merged } },
    layers: { lower: [resolve(options.rootfs)], upper, work, volatile: options.autoRemove },
    stdin: options.interactive,
  })
}

/** Runs a container to its end. Throws KernelError and UsageError; then nothing of it is left. */
export async function run(options: RunOptions, observer?: Observer): Promise<Result> {
  const id = newId()
  const plan = planRun(options, id) // bad input is refused here, before anything is made
  const signals = forwardSignals()
  let directory: ContainerDirectory | undefined
  try {
    directory = await createDirectory({ id, ...options })
    failpoint('directory made')
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
    const result = { exitCode, oomKilled: false }
    await directory.ended(result)
    return result
  } catch (error) {
    await directory?.discard()
    throw error
  } finally {
    signals.stop()
  }
}

/** The rootfs is a directory, and what will be mounted on is not a symbolic link that leads elsewhere. */
function checkRootfs(rootfs: string, { mounts }: Spec): void {
  const stat = statSync(rootfs, { throwIfNoEntry: false })
  if (!stat) throw new UsageError(`no root file system at ${rootfs}; give a directory, or 'busybox'`)
  if (!stat.isDirectory()) throw new UsageError(`${rootfs} is not a directory; a root file system is one`)
  for (const { destination } of mounts) {
    if (mounts.some(({ destination: above }) => destination.startsWith(`${above}/`))) continue // hidden by that one
    const target = lstatSync(rootfs + destination, { throwIfNoEntry: false })
    if (target && !target.isDirectory())
      throw new UsageError(`${rootfs}${destination} is not a directory; ${destination} must be one to be mounted on`)
  }
}
