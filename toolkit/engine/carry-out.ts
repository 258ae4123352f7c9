// A plan becomes a process: the engine's own actions, then the process and its gates, until the program has started.
import { closeSync } from 'node:fs'
import type { Action, Context } from '../kernel/action.ts'
import { SIG } from '../kernel/constants.ts'
import { type Starting, start } from '../kernel/start.ts'
import { type Gate, isGate, type Plan } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { TERMINAL_GATE } from '../primitives/terminal.ts'
import { failpoint } from './failpoint.ts'
import { inOtherWords } from './refusal.ts'
import type { Forwarding } from './signals.ts'
import type { Attachment } from './terminal/attach.ts'

/** Watches a plan being carried out: may add gates to it, and is asked at each of them. */
export interface Observer {
  instrument(plan: Plan): Plan
  /** The engine is about to do this, outside. Resolves when it may; false gives up. */
  beforeAction(action: Action, process: Starting | undefined): Promise<boolean>
  /** The process waits at a gate of the observer's. Resolves when it may go on; false gives up. */
  atGate(gate: string, process: Starting): Promise<boolean>
  /** Called once: the program has started, or `error` says why not. */
  done(process: Starting | undefined, error?: unknown): void
}

export interface CarryOutOptions {
  /** The terminal of the container gets what is typed here. */
  readonly interactive: boolean
  /** The keys by which the user leaves it. */
  readonly keys?: Uint8Array | undefined
  readonly signals: Forwarding
  readonly observer: Observer | undefined
  /** The process is there, and makes its first calls. */
  readonly onStart: (process: Starting) => void
}

export interface Running {
  readonly process: Starting
  readonly terminal: Attachment | undefined
}

/** Starts the program. Throws KernelError and UsageError; then the process is gone, and the descriptors are closed. */
export async function carryOut(wanted: Plan, options: CarryOutOptions): Promise<Running> {
  const { observer, signals, onStart } = options
  const plan = observer?.instrument(wanted) ?? wanted
  const descriptors = new Map<string, number>()
  let process: Starting | undefined
  let alive = false
  let standing = false // at a gate that we know of
  let acted = 0
  let terminal: Attachment | undefined

  /** Goes on when the observer says so; a signal that asks us to end is as good as its no. */
  const allowed = async (answer: Promise<boolean>) => {
    const verdict = await Promise.race([answer, signals.ended])
    if (verdict === false) throw new UsageError('given up; nothing of the container is left')
    if (verdict !== true)
      throw new UsageError(`ended by SIG${verdict}; nothing of the container is left`, 128 + SIG[verdict])
  }
  const act = async (actions: readonly Action[], context: Context) => {
    for (const action of actions) {
      if (observer) await allowed(observer.beforeAction(action, process))
      action.apply(context)
      failpoint(`action ${++acted}`)
    }
  }
  try {
    await act(plan.before ?? [], { descriptors })
    failpoint('cgroup and files ready')
    process = start(plan, { descriptors })
    alive = true
    onStart(process)
    failpoint('process made')
    const gates = gatesOf(plan)
    const context = { descriptors, process }
    // What is done for it at a gate needs no more than that it is there: meanwhile it goes on. Who watches sees it there.
    if (!observer) for (const { actions = [], waits } of gates.values()) if (!waits) await act(actions, context)
    const next = () => {
      alive = false // where next() throws, it has ended
      const gate = process!.next()
      alive = true
      standing = gate !== undefined
      return gate
    }
    for (let name = next(); name !== undefined; name = next()) {
      const { actions, waits = false } = gates.get(name) ?? {}
      if (actions) await act(observer || waits ? actions : [], context)
      else if (name === TERMINAL_GATE) {
        const { attachTerminal } = await import('./terminal/attach.ts') // Node's terminals cost milliseconds to load
        terminal = attachTerminal(process.pidfd, options)
      } else await allowed(observer!.atGate(name, process))
      process.open()
      standing = false
    }
    observer?.done(process)
    terminal?.open() // only now: until here the keys were meant for us
    return { process, terminal }
  } catch (error) {
    const cause = alive ? giveUp(process!, standing, error) : error
    observer?.done(process, cause)
    await terminal?.close()
    throw inOtherWords(cause, plan)
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

/** Ends the process. Where it has failed by itself meanwhile, that is why our own action failed, too. */
function giveUp(process: Starting, standing: boolean, error: unknown): unknown {
  try {
    if (!standing) process.next()
  } catch (first) {
    return first
  }
  process.abort()
  return error
}

const gatesOf = ({ first = [], steps }: Plan): Map<string, Gate> =>
  new Map([...first, ...steps].filter(isGate).map(gate => [gate.gate, gate]))
