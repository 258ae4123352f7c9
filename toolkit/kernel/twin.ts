// The slow twin of start.ts: the same plan, carried out by JavaScript in a second Node process, one call after the
// other. It is what the machine code does, in words that everybody can read (twin-child.ts), and the oracle that the
// tests hold the fast one against. It costs a second Node, 25 ms and more.
//
// Node has several threads, so its process cannot move to a new user namespace (EINVAL): plans with one are refused.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { invoke } from './call.ts'
import { CLONE } from './constants.ts'
import { ERRNO } from './errno.ts'
import { KernelError } from './error.ts'
import { ALIVE, cloneFlags, type Gate, isGate, isStruct, type Plan, type Step, stepsOf } from './step.ts'
import type { Exit } from './wait.ts'

/** Descriptors of the second process by which it hears and answers; high, so that plans may use the low ones. */
export const PLAN_FD = 30
export const ANSWER_FD = 31

/** What the second process tells, a line of JSON each. */
export type Answer = { readonly step: number; readonly result: number } | { readonly gate: string }

export interface Twin {
  readonly pid: number
  /** Like `Starting.next`, but does not block: a gate's name, or undefined when the program has started. */
  next(): Promise<string | undefined>
  open(): void
  results(): (number | undefined)[]
  readonly exit: Promise<Exit>
}

/** Starts the plan in a second Node. `inherit`: descriptors that the plan uses, passed on under their own numbers. */
export function startTwin(plan: Plan, { inherit = [] as readonly number[] } = {}): Twin {
  const flags = cloneFlags(plan)
  if (flags & CLONE.NEWUSER) throw new KernelError('unshare', [flags], ERRNO.EINVAL, 0)
  const stdio: (number | 'ignore' | 'pipe')[] = Array.from({ length: ANSWER_FD + 1 }, () => 'ignore')
  for (const fd of [0, 1, 2, ...inherit]) stdio[fd] = fd
  stdio[PLAN_FD] = 'pipe'
  stdio[ANSWER_FD] = 'pipe'
  const home = invoke('pidfd_open', [process.pid, 0])
  // Only a child can be born in a new pid namespace. Nothing asynchronous may run until we are home again: a process
  // whose children go elsewhere cannot start threads.
  if (flags & CLONE.NEWPID) invoke('unshare', [CLONE.NEWPID])
  const child = spawn(process.execPath, [`${import.meta.dirname}/twin-child.ts`], { stdio })
  if (flags & CLONE.NEWPID) invoke('setns', [home, CLONE.NEWPID])
  invoke('close', [home])

  const pipes = child.stdio as unknown as (Writable & Readable)[]
  const input = pipes[PLAN_FD]!
  input.write(`${JSON.stringify({ flags: (flags & ~CLONE.NEWPID) >>> 0, steps: plan.steps.map(encodeBytes) })}\n`)
  const answers = createInterface(pipes[ANSWER_FD]!)[Symbol.asyncIterator]()
  const steps = stepsOf(plan)
  const results: (number | undefined)[] = steps.map(() => undefined)
  return {
    pid: child.pid!,
    async next() {
      for (;;) {
        const { value, done } = (await answers.next()) as IteratorResult<string, undefined>
        if (done) return undefined
        const answer = JSON.parse(value) as Answer
        if ('gate' in answer && answer.gate !== ALIVE) return answer.gate
        if ('gate' in answer) {
          this.open()
          continue
        }
        results[answer.step - 1] = answer.result
        const { call, args, allow } = steps[answer.step - 1] ?? {
          call: 'unshare' as const,
          args: [flags],
          allow: undefined,
        }
        const error = answer.result < 0 ? new KernelError(call, args, -answer.result, answer.step) : undefined
        if (error && error.code !== allow) throw error
      }
    },
    open: () => void input.write('\n'),
    results: () => results,
    exit: once(child, 'exit').then(([code, signal]) => ({
      code: code ?? undefined,
      signal: signal === null ? undefined : constants.signals[signal as NodeJS.Signals],
    })),
  }
}

const encoded = (bytes: Uint8Array) => ({ bytes: Buffer.from(bytes).toString('base64') })

/** Bytes as { bytes: base64 }: JSON has none. */
const encodeBytes = (entry: Step | Gate) =>
  isGate(entry)
    ? entry
    : {
        ...entry,
        args: entry.args.map(arg =>
          arg instanceof Uint8Array ? encoded(arg) : isStruct(arg) ? encoded(arg.bytes) : arg,
        ),
      }
