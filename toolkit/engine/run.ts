// From a user's wish to a running container, and to its end.
import { lstatSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { SIG } from '../kernel/constants.ts'
import { type Starting, start } from '../kernel/start.ts'
import type { Plan } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { exitStatus, wait } from '../kernel/wait.ts'
import { readStat } from '../observe/process.ts'
import { TERMINAL_GATE } from '../primitives/terminal.ts'
import { MAX_HOSTNAME } from '../primitives/uts.ts'
import type { Attachment } from './attach.ts'
import { planContainer } from './plan.ts'
import { type Forwarding, forwardSignals } from './signals.ts'
import { makeSpec, type Spec } from './spec.ts'
import { createDirectory, newId, pathsOf } from './store.ts'

export interface RunOptions {
  /** A directory. */
  readonly rootfs: string
  readonly args: readonly string[]
  /** Default: the first 12 characters of the id. */
  readonly hostname: string | undefined
  /** Pass stdin on. */
  readonly interactive: boolean
  /** A terminal of its own. */
  readonly terminal: boolean
  /** Remove the container's files when it has ended. */
  readonly autoRemove: boolean
}

/** Watches a plan being carried out: may add gates to it, and is asked at each of them. */
export interface Observer {
  instrument(plan: Plan): Plan
  /** The process waits at a gate of the observer's. Resolves when it may go on; false gives up. */
  atGate(gate: string, process: Starting): Promise<boolean>
  /** Called once: the program has started, or `error` says why not. */
  done(process: Starting | undefined, error?: unknown): void
}

/** What would be done for these options: the plan of a container with this id. Looks at the rootfs, changes nothing. */
export function planRun(options: RunOptions, id = newId()): Plan {
  const { upper, work, merged } = pathsOf(id, options.autoRemove)
  const { args, terminal, interactive, hostname = id.slice(0, 12) } = options
  const lower = resolve(options.rootfs)
  checkHostname(hostname)
  const spec = makeSpec({ root: merged, args, hostname, terminal })
  checkRootfs(lower, spec)
  return planContainer({
    spec,
    layers: { lower: [lower], upper, work, volatile: options.autoRemove },
    stdin: interactive,
  })
}

/** Runs a container to its end and returns its exit status. Throws KernelError and UsageError; then nothing is left. */
export async function run(options: RunOptions, observer?: Observer): Promise<number> {
  const id = newId()
  const plan = planRun(options, id) // bad input is refused here, before anything is made
  let running: Starting | undefined
  let started = false
  const signals = forwardSignals()
  const directory = createDirectory(id, options.rootfs, options.args, options.autoRemove)
  try {
    running = start(observer?.instrument(plan) ?? plan)
    directory.started(running.pid, readStat(running.pid)?.startTime) // while it makes its first calls
    const terminal = await passGates(running, options, signals, observer)
    started = true
    observer?.done(running)
    terminal?.open() // only now: until here the keys were meant for us
    signals.to(running.pidfd)
    const status = exitStatus(await wait(running.pid, running.pidfd))
    await terminal?.close()
    directory.ended(status)
    signals.stop()
    running.close()
    return status
  } catch (error) {
    if (!started) observer?.done(running, error)
    directory.discard()
    throw error
  } finally {
    signals.stop()
  }
}

/** Answers at each gate until the program has started. Returns its terminal, where it has one. */
async function passGates(
  process: Starting,
  { interactive }: RunOptions,
  signals: Forwarding,
  observer: Observer | undefined,
): Promise<Attachment | undefined> {
  let terminal: Attachment | undefined
  try {
    for (let gate = process.next(); gate !== undefined; gate = process.next()) {
      if (gate === TERMINAL_GATE) {
        const { attachTerminal } = await import('./attach.ts') // Node's terminals cost milliseconds to load
        terminal = attachTerminal(process.pidfd, { interactive })
      } else {
        const answer = await Promise.race([observer!.atGate(gate, process), signals.ended]).catch(error => {
          process.abort()
          throw error
        })
        if (answer !== true) giveUp(process, answer)
      }
      process.open()
    }
    return terminal
  } catch (error) {
    await terminal?.close()
    throw error
  }
}

/** Ends a process that waits at a gate: somebody did not want to go on, or sent us a signal. */
function giveUp(process: Starting, answer: false | keyof typeof SIG): never {
  process.abort()
  if (answer === false) throw new UsageError('given up; nothing of the container is left')
  throw new UsageError(`ended by SIG${answer}; nothing of the container is left`, 128 + SIG[answer])
}

function checkHostname(hostname: string): void {
  const length = Buffer.byteLength(hostname)
  if (length > MAX_HOSTNAME)
    throw new UsageError(`--hostname: ${length} bytes are too many for a host name, the kernel takes ${MAX_HOSTNAME}`)
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/.test(hostname))
    throw new UsageError(`--hostname: ${JSON.stringify(hostname)} is not a host name; use letters, digits, '-' and '.'`)
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
