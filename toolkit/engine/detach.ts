// Containers that live on: made, and started as often as one likes; a monitor looks after each while it runs. The
// command that starts one ends as soon as its program runs. run.ts is the same for one that ends with its command.
import { resolve } from 'node:path'
import { UsageError } from '../kernel/usage-error.ts'
import { readStat } from '../observe/process.ts'
import { carryOut, type Observer } from './carry-out.ts'
import { type ContainerDirectory, createDirectory, reopenDirectory } from './directory.ts'
import { failpoint } from './failpoint.ts'
import { settled } from './lifecycle.ts'
import { findContainer } from './list.ts'
import { withMonitor } from './monitored.ts'
import type { RunOptions } from './options.ts'
import { complete, type Prepared, prepare } from './prepare.ts'
import type { Resources } from './resources.ts'
import { forwardSignals } from './signals.ts'
import { steady } from './steady.ts'
import { newId } from './store.ts'

/** What has to mean the same wherever and whenever it is started. */
function lasting(options: RunOptions): RunOptions {
  if (options.terminal) throw new UsageError('run: -d and -t do not go together yet; leave -t out')
  const isFile = !['default', 'unconfined'].includes(options.seccomp)
  return { ...options, rootfs: resolve(options.rootfs), seccomp: isFile ? resolve(options.seccomp) : options.seccomp }
}

const outsideOf = ({ cgroup, ownVolumes: volumes }: Prepared, { network }: RunOptions) => ({
  volumes,
  cgroups: cgroup.directories,
  network: network.mode === 'bridge',
})

/** Makes a container and starts it only when it is told to. Returns its id. Throws KernelError and UsageError. */
export async function createContainer(wish: RunOptions): Promise<string> {
  const options = lasting(wish)
  const id = newId()
  await prepare(options, id, { livesOn: true }) // bad input is refused here
  const outside = { cgroups: [], network: false }
  const directory = await createDirectory({ ...options, id, users: options.namespaces.users, outside, options })
  await directory.keep()
  return id
}

/** Makes a container and starts it; returns its id when its program runs. Throws; then nothing of it is left. */
export async function runDetached(wish: RunOptions, observer?: Observer): Promise<string> {
  const options = lasting(wish)
  const id = newId()
  const parts = await prepare(options, id, { livesOn: true })
  const { users } = options.namespaces
  const outside = outsideOf(parts, options)
  const directory = await createDirectory({ ...options, id, users, outside, options, detached: true })
  try {
    failpoint('directory made')
    await launch({ id, options, parts, directory, observer })
  } catch (error) {
    await directory.discard().catch(() => {}) // the first error says more; the rest is undone by the next command
    throw error
  }
  directory.handOver()
  return id
}

/** Starts a container that is kept; one that runs is as good. Throws KernelError and UsageError; then it is kept. */
export async function startContainer(word: string): Promise<void> {
  const row = findContainer(word)
  if (row.running) return
  if (!row.state) throw new UsageError(`container ${word}: ${row.problem}`, 1)
  await settled(row.id)
  const { id, name, options } = row.state
  if (!options)
    throw new UsageError(`container ${name} was made by an older toolkit; make a new one with 'toolkit run'`)
  const parts = await prepare(options, id, { livesOn: true })
  const directory = await reopen(id, outsideOf(parts, options))
  if (!directory) return
  try {
    await launch({ id, options, parts, directory, observer: undefined })
  } catch (error) {
    await directory.keep().catch(() => {})
    throw error
  }
  directory.handOver()
}

/** Its directory, which is ours then. Undefined where another command was quicker, and it runs. */
async function reopen(id: string, outside: Resources): Promise<ContainerDirectory | undefined> {
  try {
    return reopenDirectory(id, { outside, detached: true })
  } catch (error) {
    if ((await steady(id)).running) return undefined
    throw error
  }
}

interface Launch {
  readonly id: string
  readonly options: RunOptions
  readonly parts: Prepared
  readonly directory: ContainerDirectory
  readonly observer: Observer | undefined
}

/** From a directory to a program that runs, with a monitor. */
async function launch({ id, options, parts, directory, observer }: Launch): Promise<void> {
  const { mode } = options.network
  const network =
    mode === 'bridge' ? (await import('./networks.ts')).join(options.network, id, [directory.name]) : undefined
  const signals = forwardSignals()
  try {
    failpoint('network joined')
    const plan = withMonitor(await complete(parts, options, id, network?.lease), {
      directory: directory.path,
      spec: parts.spec,
      lock: directory.lock,
      ports: network?.sockets ?? [],
      stdin: options.interactive,
    })
    const { process } = await carryOut(plan, {
      interactive: false,
      signals,
      observer,
      onStart: ({ pid }) => directory.started(pid, readStat(pid)?.startTime),
    })
    failpoint('program started')
    process.close()
  } finally {
    signals.stop()
    network?.close()
  }
}
