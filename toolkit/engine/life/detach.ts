// Containers that live on: made, and started as often as one likes; a monitor looks after each while it runs. The
// command that starts one ends as soon as its program runs. run.ts is the same for one that ends with its command.
import { closeSync, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { invoke } from '../../kernel/call.ts'
import { F } from '../../kernel/constants.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { readStat } from '../../observe/process.ts'
import { carryOut, type Observer } from '../carry-out.ts'
import { exitCodeFor } from '../exit-code.ts'
import { failpoint } from '../failpoint.ts'
import { partLimit } from '../log/limit.ts'
import { readEndpoints } from '../network/endpoints.ts'
import { ownNames } from '../network/names.ts'
import type { RunOptions } from '../options.ts'
import { complete, outsideOf, type Prepared, prepare, volumesOf } from '../prepare.ts'
import { forwardSignals } from '../signals.ts'
import { type ContainerDirectory, createDirectory } from '../state/directory.ts'
import { findContainer } from '../state/list.ts'
import { type Restart, reopenDirectory, restartDirectory } from '../state/reopen.ts'
import { amend, type ContainerState, directoryOf, newId, readState, retire, shorten } from '../state/store.ts'
import { settled, statusOf } from './lifecycle.ts'
import type { Monitored } from './monitor-files.ts'
import { withMonitor } from './monitored.ts'
import { steady } from './steady.ts'

/** What has to mean the same wherever and whenever it is started. */
function lasting(options: RunOptions): RunOptions {
  const isFile = !['default', 'unconfined'].includes(options.seccomp)
  return { ...options, rootfs: resolve(options.rootfs), seccomp: isFile ? resolve(options.seccomp) : options.seccomp }
}

/** Makes a container and starts it only when it is told to. Returns its id. Throws KernelError and UsageError. */
export async function createContainer(wish: RunOptions): Promise<string> {
  const options = lasting(wish)
  const id = newId()
  await prepare(options, id, { livesOn: true }) // bad input is refused here
  const outside = { cgroups: [], network: false }
  const directory = await createDirectory({ ...options, id, users: options.namespaces.users, outside, options })
  try {
    const { before } = await volumesOf(options, id)
    for (const action of before) action.apply({ descriptors: new Map() }) // from now on they are in use
  } catch (error) {
    await directory.discard().catch(() => {})
    throw error
  }
  await directory.keep()
  return id
}

export interface Detaching {
  readonly observer?: Observer | undefined
  readonly staying?: Staying
  /** Is told its id, as soon as there is something of it. */
  readonly onMade?: (id: string) => void
}

/** Makes a container and starts it; returns its id when its program runs. Throws; then nothing of it is left. */
export async function runDetached(wish: RunOptions, { observer, staying, onMade }: Detaching = {}): Promise<string> {
  const options = lasting(wish)
  const id = newId()
  const parts = await prepare(options, id, { livesOn: true })
  const { users } = options.namespaces
  const outside = outsideOf(parts, options)
  const made = { ...options, id, users, outside, options, detached: true, attached: staying !== undefined }
  const directory = await createDirectory(made)
  try {
    failpoint('directory made')
    onMade?.(id)
    await launch({ id, options, parts, directory, observer, staying })
  } catch (error) {
    await directory.discard().catch(() => {}) // the first error says more; the rest is undone by the next command
    throw error
  }
  directory.handOver()
  return id
}

/** What whoever starts a container, and stays, wishes of its monitor. */
export type Staying = Pick<Monitored, 'onStdin' | 'pace'>

/**
 * Starts a container that is kept; one that runs is as good. Throws KernelError and UsageError; then it is kept.
 */
export async function startContainer(word: string, staying: Staying = {}): Promise<void> {
  const row = findContainer(word)
  if (statusOf(row) === 'paused')
    throw new UsageError(`container ${word} is paused; to go on with it, type: toolkit unpause ${word}`, 1)
  if (row.running) return
  if (!row.state) throw new UsageError(`container ${word}: ${row.problem}`, 1)
  await settled(row.id)
  if (findContainer(row.id).restarting) return
  await startAnew(row.state, reopen, staying)
}

/**
 * The same for one whose restart policy says so; `lock` holds its lock, and stays open. Where it cannot be started, it is
 * kept, and its state says why.
 */
export async function restartContainer(state: ContainerState, lock: number): Promise<void> {
  try {
    await startAnew(state, (id, wish) => {
      const own = invoke('fcntl', [lock, F.DUPFD_CLOEXEC, 0])
      try {
        return restartDirectory(id, own, wish)
      } catch (error) {
        closeSync(own)
        throw error
      }
    })
  } catch (error) {
    const { message } = error as Error
    let left = false
    amend(state.id, ({ restarting: _over, ...now }) => {
      left = now.resources !== undefined // then the next command tries to undo that
      return { ...now, ...(!now.stopped && { error: message }) }
    })
    if (!left && existsSync(directoryOf('live', state.id))) retire(state.id)
  }
}

async function startAnew(
  { id, name, options, autoRemove, exitCode: last }: ContainerState,
  open: (id: string, wish: Restart) => ContainerDirectory | Promise<ContainerDirectory | undefined>,
  staying: Staying = {},
): Promise<void> {
  if (!options)
    throw new UsageError(`container ${name} was made by an older toolkit; make a new one with 'toolkit run'`)
  const parts = await prepare(options, id, { livesOn: true })
  const directory = await open(id, { outside: outsideOf(parts, options), detached: true })
  if (!directory) return
  try {
    await launch({ id, options, parts, directory, staying })
  } catch (error) {
    const code = exitCodeFor(error, 125)
    // As docker's: where it has not come to the program, the last run's counts on; 0 would look as if all were well.
    const exitCode = code === 126 || code === 127 ? code : last || 128
    const failure = { exitCode, error: (error as Error).message }
    await (autoRemove ? directory.discard() : directory.keep(failure)).catch(() => {})
    throw error
  }
  directory.handOver()
}

/** What `network connect` and `network disconnect` have made of it. */
const withChanges = (wish: RunOptions['network'], directory: string): RunOptions['network'] => ({
  ...wish,
  endpoints: readEndpoints(directory) ?? wish.endpoints,
})

/** Its directory, which is ours then. Undefined where another command was quicker, and it runs. */
async function reopen(id: string, wish: Restart): Promise<ContainerDirectory | undefined> {
  try {
    return reopenDirectory(id, wish)
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
  readonly observer?: Observer | undefined
  readonly staying?: Staying | undefined
}

/** From a directory to a program that runs, with a monitor. */
async function launch({ id, options, parts, directory, observer, staying }: Launch): Promise<void> {
  const { mode } = options.network
  const network =
    mode === 'bridge'
      ? (await import('../network/networks.ts')).join(
          withChanges(options.network, directory.path),
          id,
          ownNames(directory.name, options),
        )
      : undefined
  const signals = forwardSignals()
  try {
    failpoint('network joined')
    const plan = withMonitor(await complete(parts, options, id, network?.leases ?? []), {
      directory: directory.path,
      spec: parts.spec,
      lock: directory.lock,
      ports: network?.sockets ?? [],
      stdin: options.interactive,
      most: partLimit(options.log),
      ...staying,
    })
    const { process } = await carryOut(plan, {
      interactive: false,
      signals,
      observer,
      onStart: ({ pid }) => directory.started(pid, readStat(pid)?.startTime),
    })
    directory.running()
    failpoint('program started')
    process.close()
    const { resources, care } = options
    if (!resources.memory?.limit && !care?.health) return
    const state = readState(directory.path)
    if (resources.memory?.limit) (await import('./oom.ts')).watchMemory(state)
    if (care?.health) (await import('./health.ts')).tend(shorten(id), state)
  } finally {
    signals.stop()
    network?.close()
  }
}
