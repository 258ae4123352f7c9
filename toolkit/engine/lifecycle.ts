// What one does to a container that is there: signals, an end, a pause, another name. A pid is never trusted without its
// start time; what is sent goes through a pidfd, which means this process and no other.
import { closeSync, existsSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { ended } from '../kernel/wait.ts'
import { isFrozen } from '../primitives/freezer.ts'
import * as cgroup from './cgroup.ts'
import { checkName } from './container-name.ts'
import { lock, writeJson } from './files.ts'
import { type ContainerRow, findContainer } from './list.ts'
import { removeContainer, sweep } from './orphans.ts'
import { steady } from './steady.ts'
import {
  type ContainerState,
  directoryOf,
  exclusively,
  holderOf,
  idsIn,
  PLACES,
  readState,
  rootDir,
  survives,
} from './store.ts'
import { removeUnused } from './volume-store.ts'
import { mountsOf } from './volume-uses.ts'

export type Status = 'created' | 'running' | 'paused' | 'exited' | 'dead'

/** The state of a container in docker's words; dead: nobody can say. */
export function statusOf({ state, running }: ContainerRow): Status {
  if (!state) return 'dead'
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

/** The number of a signal: 9, KILL or SIGKILL. Throws a UsageError. */
export function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const number = /^\d+$/.test(text) ? Number(text) : SIG[name as keyof typeof SIG]
  if (number !== undefined && number > 0 && number <= 64) return number
  throw new UsageError(`invalid signal: ${text}; give a number or a name of signal(7), such as TERM`, 1)
}

/** For a container whose first process could not be held. */
export function notRunning(row: ContainerRow, word: string): UsageError {
  const status = statusOf(row)
  const what = ['running', 'paused'].includes(status) ? 'it has just ended' : `it is ${status}`
  return new UsageError(`container ${word} is not running; ${what}`, 1)
}

/** Sends a signal to its first process. Throws a UsageError (exit code 1) where it does not run. */
export function kill(word: string, name: string): void {
  const signal = signalNumber(name)
  const row = findContainer(word)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) throw notRunning(row, word)
  try {
    attempt('pidfd_send_signal', [pidfd, signal, null, 0])
    if (signal === SIG.KILL) cgroup.resume(row.state!.resources?.cgroups ?? []) // on v1 what is frozen does not die
  } finally {
    closeSync(pidfd)
  }
}

export interface StopWish {
  /** Seconds until SIGKILL; below 0: never. Default: 10. */
  readonly timeout?: number
  /** Default: TERM. */
  readonly signal?: string
}

/** Ends it: by a signal, and by SIGKILL when the time is over. Waits for that. One that does not run has ended already. */
export async function stop(word: string, { timeout = 10, signal = 'TERM' }: StopWish): Promise<void> {
  const asking = signalNumber(signal)
  const row = await steady(word)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) return
  const send = (signal: number) => {
    attempt('pidfd_send_signal', [pidfd, signal, null, 0])
    cgroup.resume(row.state!.resources?.cgroups ?? [])
  }
  try {
    if (timeout !== 0) send(asking)
    if (timeout === 0 || !(await ended(pidfd, timeout < 0 ? undefined : 1000 * timeout))) {
      send(SIG.KILL)
      if (!(await ended(pidfd, 10_000))) throw new UsageError(`container ${word} does not end, even by SIGKILL`, 1)
    }
  } finally {
    closeSync(pidfd)
  }
  await outcome(row.id, row.state)
}

const PATIENCE = 10_000 // milliseconds for a monitor, or an engine, to write down how its container has ended
const STEP = 3 // milliseconds

const isFree = (path: string): boolean => {
  const fd = lock(path, { wait: false, shared: true })
  if (fd !== undefined) closeSync(fd)
  return fd !== undefined
}

/** Looks again and again at a container that has ended. Returns what `look` finds; undefined where it is gone by then. */
async function watch<T>(id: string, look: (place: 'live' | 'ended') => T | undefined): Promise<T | undefined> {
  for (let waited = 0; waited < PATIENCE; waited += STEP) {
    const place = idsIn('live').includes(id) ? 'live' : 'ended'
    if (place === 'ended' && !existsSync(directoryOf('ended', id)) && !existsSync(directoryOf('live', id)))
      return undefined
    const found = look(place)
    if (found !== undefined) return found
    if (place === 'live' && isFree(`${directoryOf('live', id)}/lock`)) await sweep() // nobody else is going to
    await sleep(STEP)
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

/** Waits until all of a container that has ended is put away: then it can be started or removed. Or until somebody starts it. */
export async function settled(id: string): Promise<void> {
  const path = `${directoryOf('live', id)}/lock`
  await watch(id, place => (place === 'ended' || (isStartedAgain(id) && !isFree(path)) ? true : undefined))
}

/** Waits for its end. Returns its exit code; undefined where nobody knows it. */
export async function waitFor(word: string): Promise<number | undefined> {
  await sweep() // it may have lost its monitor
  const row = findContainer(word)
  const pidfd = holdProcess(row.state)
  if (pidfd !== undefined) {
    await ended(pidfd)
    closeSync(pidfd)
  }
  if (pidfd === undefined && !row.running) return row.state?.exitCode ?? (statusOf(row) === 'created' ? 0 : undefined)
  return (await outcome(row.id, pidfd === undefined ? undefined : row.state))?.exitCode
}

export function pause(word: string): void {
  const row = findContainer(word)
  const status = statusOf(row)
  if (status === 'paused') throw new UsageError(`container ${word} is already paused`, 1)
  if (status !== 'running') throw notRunning(row, word)
  cgroup.pause(row.state!.resources?.cgroups ?? [])
}

export function unpause(word: string): void {
  const row = findContainer(word)
  if (statusOf(row) !== 'paused') throw new UsageError(`container ${word} is not paused`, 1)
  cgroup.resume(row.state!.resources?.cgroups ?? [])
}

/** Removes a container; with `force` it is ended first. Returns its id. Throws a UsageError where it cannot be removed. */
export async function remove(word: string, { force, volumes }: { force: boolean; volumes: boolean }): Promise<string> {
  const stuck = await sweep() // those whose engine was killed have ended, too
  const row = findContainer(word)
  const { id, running } = row
  if (running && !force) throw new UsageError(`container ${word} is running; stop it first, or use rm -f`, 1)
  const used = volumes ? mountsOf(row).flatMap(({ type, source }) => (type === 'volume' ? [source] : [])) : []
  const end = Date.now() + PATIENCE
  const isThere = () => PLACES.some(place => existsSync(directoryOf(place, id)))
  while (isThere()) {
    try {
      if (force) await stop(id, { timeout: 0 })
      if (!stuck.has(id)) await settled(id)
      if (isThere()) removeContainer(id, stuck, word)
    } catch (error) {
      if (!force || Date.now() > end || stuck.has(id)) throw error // somebody has started it meanwhile, or is at it
      await sleep(STEP)
    }
  }
  if (used.length > 0) removeUnused(({ name, state }) => state?.anonymous === true && used.includes(name))
  return id // one with --rm has gone by itself
}

/** Gives it another name. Throws a UsageError where that is taken. */
export function rename(word: string, name: string): void {
  checkName(name)
  const { id, state } = findContainer(word)
  if (!state) throw new UsageError(`container ${id}: its state cannot be read`, 1)
  if (state.name === name) throw new UsageError(`container ${word} has this name already`, 1)
  exclusively(() => {
    const holder = holderOf(name)
    if (holder !== undefined) throw new UsageError(`the name ${name} is taken by container ${holder}`, 1)
    const directory = directoryOf(idsIn('live').includes(id) ? 'live' : 'ended', id)
    const link = `${rootDir()}/names/${name}`
    symlinkSync(id, `${link}.new`)
    renameSync(`${link}.new`, link)
    writeJson(`${directory}/state.json`, { ...readState(directory), name }, { durable: !state.autoRemove })
    unlinkSync(`${rootDir()}/names/${state.name}`)
  })
}
