// Containers whose engine was killed, or whose monitor has ended. Their lock is free: the kernel has let go of it.
import { closeSync, existsSync } from 'node:fs'
import { invoke } from '../../kernel/call.ts'
import { SIG } from '../../kernel/constants.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { sweepLabs } from '../lab/record.ts'
import { tellKills } from '../life/oom-kills.ts'
import { pauseBefore, TICKS, uptime } from '../life/restart-policy.ts'
import { mendNames } from '../network/mend-names.ts'
import type { HeldPorts } from '../network/ports.ts'
import { flush, recordOf } from './events.ts'
import { lock, remove } from './files.ts'
import { findContainer } from './list.ts'
import { checkSeen, release, releaseUnknown } from './resources.ts'
import {
  amend,
  bootId,
  type ContainerState,
  directoryOf,
  exclusively,
  forget,
  idsIn,
  isIn,
  readState,
  retire,
  rootDir,
  shorten,
  survives,
} from './store.ts'
import { recordVolumes } from './volume-events.ts'

/**
 * Ends a container whose engine is gone. The kernel has usually done that already, at the engine's death; but it forgets
 * to for a process that has changed its user id since, see PR_SET_PDEATHSIG in prctl(2).
 */
function endSurvivor(state: ContainerState): void {
  try {
    const pidfd = invoke('pidfd_open', [state.pid!, 0])
    if (survives(state)) invoke('pidfd_send_signal', [pidfd, SIG.KILL, null, 0]) // the pidfd means this one
    closeSync(pidfd)
  } catch {
    // it has just ended by itself
  }
}

/** Its ports of the host, which nobody holds any more; one that another process has taken meanwhile is lost. */
async function holdAgain(id: string): Promise<Pick<HeldPorts, 'sockets' | 'close'>> {
  const [{ bridgeNetwork }, { readAllLeases }, { holdPorts }] = await Promise.all([
    import('../network/network.ts'),
    import('../network/leases.ts'),
    import('../network/ports.ts'),
  ])
  const leases = readAllLeases(bridgeNetwork()).filter(lease => lease.id === id)
  const held = leases.flatMap(({ ports }) =>
    ports.flatMap(port => {
      try {
        return [holdPorts([{ ...port, host: [port.host, port.host], text: '' }])]
      } catch {
        return []
      }
    }),
  )
  const close = () => {
    for (const one of held) one.close()
  }
  return { sockets: held.flatMap(({ sockets }) => sockets), close }
}

/** The same for one whose monitor was killed: it lives on, and gets another. */
async function adoptSurvivor(state: ContainerState, lock: number): Promise<void> {
  const { adopt } = await import('../life/monitored.ts')
  const { partLimit } = await import('../log/limit.ts')
  const pidfd = invoke('pidfd_open', [state.pid!, 0])
  const ports = state.resources?.network ? await holdAgain(state.id) : { sockets: [], close() {} }
  try {
    if (survives(state)) adopt(directoryOf('live', state.id), pidfd, lock, ports.sockets, partLimit(state.options?.log))
  } finally {
    ports.close()
    closeSync(pidfd)
  }
}

/** A container whose engine was killed; its lock is ours now. */
interface Orphan {
  readonly id: string
  readonly lock: number
}

/**
 * Takes the lock of every container whose engine is gone, or of this one. To be called `exclusively`. Each is tried: that
 * takes some 6 µs. The kernel's own list of locks, /proc/locks, is no way: who reads that waits for all processors to have
 * been in the kernel (percpu_down_write on file_rwsem), 4 to 13 ms on an idle machine, and all others who lock wait as well.
 */
function claimOrphans(only?: string): Orphan[] {
  const ids = only === undefined ? idsIn('live') : [only].filter(id => isIn('live', id))
  return ids.flatMap(id => {
    const directory = directoryOf('live', id)
    if (!existsSync(`${directory}/lock`) && !existsSync(`${directory}/state.json`)) {
      remove(directory) // made in this very order under the same lock, so it is nobody's
      return []
    }
    const fd = lock(`${directory}/lock`, { wait: false })
    return fd === undefined ? [] : [{ id, lock: fd }]
  })
}

/** Undoes what is left of an orphan. Returns why something cannot be undone now: that stays written down, for next time. */
async function finish({ id, lock }: Orphan, restart: Restarter | undefined): Promise<string | undefined> {
  try {
    if (existsSync(`${directoryOf('live', id)}/state.json`)) await settle(id, lock, restart)
    else {
      await releaseUnknown(id) // its record was lost while it ran; or there was nothing of it yet
      forget('live', id)
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    closeSync(lock)
  }
}

/** Starts a container again whose time has come; the descriptor holds its lock, and stays open. */
export type Restarter = (state: ContainerState, lock: number) => Promise<void>

async function settle(id: string, lock: number, restart: Restarter | undefined): Promise<void> {
  let state: ContainerState
  try {
    state = readState(directoryOf('live', id))
  } catch {
    await releaseUnknown(id) // and its files are kept, until somebody who has seen them in `ps` wants them gone
    return retire(id)
  }
  if (survives(state)) {
    if (state.detached) return adoptSurvivor(state, lock)
    endSurvivor(state)
  }
  const { resources } = state
  if (resources) {
    const hasRun = state.pid !== undefined
    if (state.detached && hasRun) tellKills(state)
    if (hasRun) {
      recordOf(state, 'die', { exitCode: String(state.exitCode ?? 'unknown') }, true)
      recordVolumes(state, 'unmount')
      flush()
    }
    if (state.bootId === bootId()) checkSeen(resources) // else they are gone in any case
    await release(resources, state.id)
    // Somebody may have given it another name meanwhile, or have stopped it.
    try {
      amend(id, ({ resources: _gone, ...now }) => {
        const { oomKilled = false } = now
        return { ...now, ...(hasRun && { oomKilled, ...afterEnd(now) }) }
      })
    } catch {} // the disk is full: that it can be removed matters more
  }
  const now = readState(directoryOf('live', id))
  if (now.restarting) {
    if (now.bootId === bootId()) return waitToRestart(now, lock, restart)
    amend(id, ({ restarting: _past, ...rest }) => rest) // the machine was started meanwhile: `toolkit system boot`
  }
  if (!state.autoRemove) return retire(id)
  forget('live', id)
  recordOf(now, 'destroy')
}

/** What its restart policy has to say about a container that has ended. */
function afterEnd(state: ContainerState): Partial<ContainerState> {
  const policy = state.options?.care?.restart
  if (!policy || state.bootId !== bootId()) return {} // after a start of the machine: `toolkit system boot`
  const { exitCode, stopped = false, restarts = 0, startTime = 0, finished = new Date().toISOString() } = state
  const now = uptime()
  const ran = now - startTime / TICKS
  const pause = pauseBefore({ policy, exitCode, stopped, restarts, pause: state.pause ?? 0, ran })
  if (pause === undefined) return {}
  return { finished, pause, restarts: restarts + 1, restarting: { at: now + pause / 1000 } }
}

/** Starts it where its time has come; otherwise somebody sleeps until then, and holds its lock. */
async function waitToRestart(state: ContainerState, lock: number, restart: Restarter | undefined): Promise<void> {
  const { id } = state
  const { at } = state.restarting!
  const milliseconds = Math.max(0, 1000 * (at - uptime()))
  if (restart && milliseconds === 0) return restart(state, lock)
  const { fallAsleep } = await import('../life/sleeper.ts')
  fallAsleep({ milliseconds, words: ['settle', shorten(id)], lock }, sleeper =>
    amend(id, now => {
      if (!now.restarting) throw new UsageError('somebody has stopped it')
      return { ...now, restarting: { at, sleeper } }
    }),
  )
}

/**
 * Undoes what engines that were killed have left. `restart`: for those whose restart policy has waited long enough; without
 * it somebody else is woken for that. Returns of what that failed, by id, and why.
 */
export async function sweep(restart?: Restarter): Promise<ReadonlyMap<string, string>> {
  const stuck = new Map<string, string>()
  sweepLabs()
  await mendNames()
  if (!existsSync(rootDir())) return stuck
  for (const orphan of exclusively(() => claimOrphans())) {
    const why = await finish(orphan, restart)
    if (why !== undefined) stuck.set(orphan.id, why)
  }
  return stuck
}

/**
 * The same for one container alone, by its id of 12 characters: where many end at a time, nobody looks at all of them.
 * Returns why it failed.
 */
export async function sweepOne(id: string, restart?: Restarter): Promise<string | undefined> {
  const [orphan] = exclusively(() => claimOrphans(id))
  return orphan && finish(orphan, restart)
}

/**
 * Removes a container that has ended, once there has been a `sweep`, which could not end what is in `stuck`. Throws a
 * UsageError (exit code 1) where it runs, or where not all of it can be removed; `word` is what its user calls it.
 */
export function removeContainer(id: string, stuck: ReadonlyMap<string, string>, word = id): void {
  const { running, state } = findContainer(id)
  if (running) throw new UsageError(`container ${word} is running; end it first`, 1)
  const held = exclusively(() => (isIn('ended', id) ? claim(id) : undefined))
  if (held === undefined)
    throw new UsageError(`container ${word} cannot be removed now: ${stuck.get(id) ?? 'another command is at it'}`, 1)
  try {
    forget('ended', id)
    if (state) recordOf(state, 'destroy')
  } finally {
    closeSync(held)
  }
}

const claim = (id: string): number | undefined => lock(`${directoryOf('ended', id)}/lock`, { wait: false })
