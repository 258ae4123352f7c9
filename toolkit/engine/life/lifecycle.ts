// What one does to a container that is there: signals, an end, a pause, another name. A pid is never trusted without its
// start time; what is sent goes through a pidfd, which means this process and no other.
import { closeSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt } from '../../kernel/call.ts'
import { SIG } from '../../kernel/constants.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { ended } from '../../kernel/wait.ts'
import { isFrozen } from '../../primitives/freezer.ts'
import * as cgroup from '../cgroup/cgroup.ts'
import { signalNumber } from '../signals.ts'
import { checkName } from '../state/container-name.ts'
import { recordOf } from '../state/events.ts'
import { isFree, writeJson } from '../state/files.ts'
import { type ContainerRow, findContainer } from '../state/list.ts'
import { sweep, sweepOne } from '../state/orphans.ts'
import {
  type ContainerState,
  directoryOf,
  exclusively,
  holderOf,
  isIn,
  readState,
  rootDir,
  shorten,
  survives,
  whereIs,
} from '../state/store.ts'
import { endPolicy, markStopped, mayGoOn, PATIENCE, policyOf, STEP } from './end-policy.ts'
import { steady } from './steady.ts'
import { carryOutStop, type Watcher } from './stop.ts'

export type Status = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'dead'

/** The state of a container in docker's words; dead: nobody can say. */
export function statusOf({ state, running, restarting }: ContainerRow): Status {
  if (!state) return 'dead'
  if (restarting) return 'restarting'
  if (running && state.pid === undefined) return 'created' // somebody is starting it
  if (running) return isFrozen(state.resources?.cgroups ?? []) ? 'paused' : 'running'
  return state.pid === undefined && state.finished === undefined && state.bootId !== undefined ? 'created' : 'exited'
}

/** Its first process, held: undefined where it does not run. Whoever gets the pidfd closes it. */
export function holdProcess(state: ContainerState | undefined): number | undefined {
  if (!state || !survives(state)) return undefined
  const pidfd = attempt('pidfd_open', [state.pid!, 0])
  if (pidfd < 0) return undefined
  if (survives(state)) return pidfd // still the same one, so the pidfd means it
  closeSync(pidfd)
  return undefined
}

/** For a container whose first process could not be held. */
export function notRunning(row: ContainerRow, word: string): UsageError {
  const status = statusOf(row)
  const what = ['running', 'paused'].includes(status) ? 'it has just ended' : `it is ${status}`
  return new UsageError(`container ${word} is not running; ${what}`, 1)
}

/**
 * Sends a signal to its first process. SIGKILL is an end: waits until all of it is put away. Throws a UsageError (exit code
 * 1) where it does not run, or does not end.
 */
export async function kill(word: string, name: string): Promise<void> {
  const signal = signalNumber(name)
  const row = findContainer(word)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) throw notRunning(row, word)
  const { stopSignal = 'TERM' } = row.state!.options?.care ?? {}
  try {
    if (signal === SIG.KILL || signal === signalNumber(stopSignal)) markStopped(row)
    attempt('pidfd_send_signal', [pidfd, signal, null, 0])
    recordOf(row.state!, 'kill', { signal: String(signal) })
    if (signal !== SIG.KILL) return
    cgroup.resume(row.state!.resources?.cgroups ?? []) // on v1 what is frozen does not die
    if (!(await ended(pidfd, PATIENCE))) throw new UsageError(`container ${word} does not end, even by SIGKILL`, 1)
  } finally {
    closeSync(pidfd)
  }
  await settled(row.id)
}

export interface StopWish {
  /** Seconds until SIGKILL; below 0: never. Default: its own, or 10. */
  readonly timeout?: number
  /** Default: its own, or TERM. */
  readonly signal?: string
}

/** Ends it: by a signal, and by SIGKILL when the time is over. Waits for that. One that does not run has ended already. */
export async function stop(word: string, wish: StopWish, watcher?: Watcher): Promise<void> {
  if (wish.signal !== undefined) signalNumber(wish.signal) // before anything is done
  let row = await endPolicy(word)
  if (row.running) row = await steady(row.id)
  const { stopSignal = 'TERM', stopTimeout = 10 } = row.state?.options?.care ?? {}
  const { timeout = stopTimeout, signal = stopSignal } = wish
  const asking = signalNumber(signal)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) {
    if (policyOf(row) && isIn('live', row.id)) await settled(row.id)
    return
  }
  try {
    const { pid, resources } = row.state!
    const onSignal = (number: number) => recordOf(row.state!, 'kill', { signal: String(number) })
    const stopping = { pid: pid!, signal: asking, timeout, cgroups: resources?.cgroups ?? [], onSignal }
    if (!(await carryOutStop(stopping, pidfd, watcher)))
      throw new UsageError(`container ${word} does not end, even by SIGKILL`, 1)
  } finally {
    closeSync(pidfd)
  }
  await (policyOf(row) ? settled(row.id) : outcome(row.id, row.state))
  recordOf(row.state!, 'stop')
}

/** Looks again and again at a container that has ended. Returns what `look` finds; undefined where it is gone by then. */
async function watch<T>(id: string, look: (place: 'live' | 'ended') => T | undefined): Promise<T | undefined> {
  for (let waited = 0, step = STEP; waited < PATIENCE; waited += step) {
    const place = whereIs(id)
    if (place === 'ended' && !isIn('ended', id) && !isIn('live', id)) return undefined
    const found = look(place)
    if (found !== undefined) return found
    if (place === 'live' && isFree(`${directoryOf('live', id)}/lock`)) await sweepOne(shorten(id)) // nobody else is going to
    step = STEP + waited / 10 // many that wait shall not keep those from working for whom they wait
    await sleep(step)
  }
  throw new UsageError(`container ${id} has ended, but nobody has written down how; 'toolkit rm -f' removes it`, 1)
}

const tryRead = (directory: string): ContainerState | undefined => {
  try {
    return readState(directory)
  } catch {
    return undefined
  }
}

/**
 * The state of a container whose first process has ended, as soon as it tells how; `before`: its state while that ran.
 * Undefined where it is gone, or was started again before we could see how.
 */
export async function outcome(id: string, before?: ContainerState): Promise<ContainerState | undefined> {
  const found = await watch(id, place => {
    const state = tryRead(directoryOf(place, id))
    if (before && state && (state.pid !== before.pid || state.startTime !== before.startTime))
      return { state: undefined }
    return state?.finished !== undefined || place === 'ended' ? { state } : undefined
  })
  return found?.state
}

/** Whether it is started again: it has no process yet, or another one that runs. */
function isStartedAgain(id: string): boolean {
  const state = tryRead(directoryOf('live', id))
  return state?.finished === undefined && state !== undefined && (state.pid === undefined || survives(state))
}

/**
 * Waits until all of a container that has ended is put away: then it can be started or removed. Or until its policy waits,
 * or somebody starts it.
 */
export async function settled(id: string): Promise<void> {
  const path = `${directoryOf('live', id)}/lock`
  const isOver = (place: 'live' | 'ended') =>
    place === 'ended' || tryRead(directoryOf(place, id))?.restarting || (isStartedAgain(id) && !isFree(path))
  await watch(id, place => (isOver(place) ? true : undefined))
}

/** Waits for who is just putting away a container that has ended. Throws a UsageError where there is no such container. */
export async function putAway(word: string): Promise<void> {
  const { id, running, state } = findContainer(word)
  if (!running && state?.finished !== undefined) await settled(id)
}

/** Waits for its end. Returns its exit code; undefined where nobody knows it. */
export async function waitFor(word: string): Promise<number | undefined> {
  await sweep() // it may have lost its monitor
  const row = findContainer(word)
  const pidfd = holdProcess(row.state)
  if (pidfd !== undefined) {
    await ended(pidfd)
    closeSync(pidfd)
  } else if (!row.running && !mayGoOn(row)) return row.state?.exitCode ?? (statusOf(row) === 'created' ? 0 : undefined)
  if (!policyOf(row)) return (await outcome(row.id, pidfd === undefined ? undefined : row.state))?.exitCode
  await settled(row.id)
  const now = tryFind(row.id)
  if (!now) return row.state?.exitCode
  if (now.state?.restarting) await sleep(PAUSE) // it may be started again often
  return waitFor(row.id)
}

const PAUSE = 50 // milliseconds

function tryFind(id: string): ContainerRow | undefined {
  try {
    return findContainer(id)
  } catch {
    return undefined
  }
}

export function pause(word: string): void {
  const row = findContainer(word)
  const status = statusOf(row)
  if (status === 'paused') throw new UsageError(`container ${word} is already paused`, 1)
  if (status !== 'running') throw notRunning(row, word)
  try {
    cgroup.pause(row.state!.resources?.cgroups ?? [])
  } catch (error) {
    throw survives(row.state!) ? error : notRunning(row, word) // its groups have gone with it
  }
  recordOf(row.state!, 'pause')
}

export function unpause(word: string): void {
  const row = findContainer(word)
  if (statusOf(row) !== 'paused') throw new UsageError(`container ${word} is not paused`, 1)
  cgroup.resume(row.state!.resources?.cgroups ?? [])
  recordOf(row.state!, 'unpause')
}

/** Gives it another name. Throws a UsageError where that is taken. */
export function rename(word: string, name: string): void {
  checkName(name, 'rename:')
  const { id, state } = findContainer(word)
  if (!state) throw new UsageError(`container ${id}: its state cannot be read`, 1)
  if (state.name === name) throw new UsageError(`container ${word} has this name already`, 1)
  exclusively(() => {
    const holder = holderOf(name)
    if (holder !== undefined) throw new UsageError(`the name ${name} is taken by container ${holder}`, 1)
    const directory = directoryOf(whereIs(id), id)
    const link = `${rootDir()}/names/${name}`
    symlinkSync(id, `${link}.new`)
    renameSync(`${link}.new`, link)
    writeJson(`${directory}/state.json`, { ...readState(directory), name }, { durable: !state.autoRemove })
    unlinkSync(`${rootDir()}/names/${state.name}`)
  })
  recordOf({ ...state, name }, 'rename', { oldName: state.name })
}
