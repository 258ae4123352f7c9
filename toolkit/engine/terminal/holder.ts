// A terminal hangs up when the last process that has its other end open closes it or is killed, and all programs on it get
// SIGHUP. So two of ours have it: the container's monitor, which reads it, and this one, which does nothing but wait for
// the container's end. Whichever is killed, the container lives on; the next command takes the terminal from the other.
import { closeSync, openSync, readFileSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { O } from '../../kernel/constants.ts'
import { start } from '../../kernel/start.ts'
import type { Monitor } from '../../kernel/step.ts'
import { isAlive, readStat } from '../../observe/process.ts'
import { begin, call, go, jump, MASTER, ownSession, PIDFD, PIPES, place, pollfd } from '../life/monitor-steps.ts'
import { writeJson } from '../state/files.ts'

/** A process of ours: a pid alone may be somebody else's by now. */
interface Keeper {
  readonly pid: number
  readonly startTime: number
}

/** live/ID/terminal.json: who has the terminal's other end. */
interface Keepers {
  readonly monitor?: Keeper | undefined
  readonly holder?: Keeper | undefined
}

const pathOf = (directory: string): string => `${directory}/terminal.json`

function keepersOf(directory: string): Keepers | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(directory), 'utf8')) as Keepers
  } catch {
    return undefined
  }
}

const lives = (keeper: Keeper | undefined): keeper is Keeper =>
  keeper !== undefined && isAlive(keeper.pid, keeper.startTime)

function keeperOf(pid: number): Keeper | undefined {
  const startTime = readStat(pid)?.startTime
  return startTime === undefined ? undefined : { pid, startTime }
}

/** Holds the terminal and the pipe behind it until the container has ended. */
const planHolder = (): Monitor => ({
  first: [ownSession()],
  steps: [
    place('pidfd', PIDFD),
    place('stdout', PIPES.stdout),
    place('master', MASTER),
    ...begin('toolkit-holder'),
    call('ppoll', [pollfd('[pidfd]', PIDFD), 1, null, null, 0], 'until the container has ended', 'poll'),
    jump('over', 'poll', 0),
    go('poll'),
    call('exit_group', [0], 'there is no terminal any more', 'over'),
  ],
})

function hold(directory: string, pidfd: number, master: number): Keeper | undefined {
  const descriptors = new Map<string, number>()
  try {
    descriptors.set('null', openSync('/dev/null', O.RDWR))
    descriptors.set('stdout', openSync(`${directory}/stdout`, O.RDWR))
    const process = start(
      { namespaces: [], steps: [], monitor: planHolder() },
      { descriptors: new Map([...descriptors, ['pidfd', pidfd], ['master', master]]) },
    )
    process.next()
    const keeper = keeperOf(process.pid)
    process.close()
    return keeper
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

/**
 * Sees to it that a terminal has two keepers: `monitor` is the pid of one; the other is made where it is not there. `pidfd`
 * is the container's. Throws KernelError, and errors of node:fs.
 */
export function keepTerminal(directory: string, { monitor, pidfd, master }: Keeping): void {
  const known = keepersOf(directory)?.holder
  const holder = lives(known) ? known : hold(directory, pidfd, master)
  writeJson(pathOf(directory), { monitor: keeperOf(monitor), holder } satisfies Keepers, { durable: false })
}

export interface Keeping {
  readonly monitor: number
  readonly pidfd: number
  readonly master: number
}

/** The same where nobody can have been lost but the holder. */
export function renewHolder(directory: string, pidfd: number, master: number): void {
  const keepers = keepersOf(directory)
  if (keepers && !lives(keepers.holder) && lives(keepers.monitor))
    keepTerminal(directory, { monitor: keepers.monitor.pid, pidfd, master })
}

/** Whether the container was started with a terminal that is to be kept. */
export const hasTerminal = (directory: string): boolean => keepersOf(directory) !== undefined

/** Takes a duplicate of the terminal's other end from whoever has it. Undefined where nobody has. The caller closes it. */
export function takeKept(directory: string): number | undefined {
  const { monitor, holder } = keepersOf(directory) ?? {}
  for (const keeper of [monitor, holder]) {
    if (!lives(keeper)) continue
    const pidfd = attempt('pidfd_open', [keeper.pid, 0])
    if (pidfd < 0) continue
    const master = lives(keeper) ? attempt('pidfd_getfd', [pidfd, MASTER, 0]) : -1 // still the same one
    closeSync(pidfd)
    if (master >= 0) return master
  }
  return undefined
}
