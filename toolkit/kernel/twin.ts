// The slow twin of start.ts: the same plan, carried out by JavaScript in a second Node process, one call after the
// other. It is what the machine code does, in words that everybody can read (twin-child.ts), and the oracle that the
// tests hold the fast one against. It costs a second Node, 25 ms and more.
//
// Node has several threads, so its process cannot move to a new user namespace (EINVAL), and cannot fork and go on: plans
// with one or the other are refused, and so are those that ask to be born in a cgroup.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { resolve } from './action.ts'
import { invoke } from './call.ts'
import { CLONE } from './constants.ts'
import { ERRNO } from './errno.ts'
import { KernelError } from './error.ts'
import { errorBits, isFailure } from './row.ts'
import { ALIVE, type Arg, cloneFlags, isGate, isStruct, type Plan, READY, type Step, stepsOf } from './step.ts'
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

/** Starts the plan in a second Node. `descriptors`: as in StartOptions of start.ts. */
export function startTwin(plan: Plan, { descriptors = new Map() as ReadonlyMap<string, number> } = {}): Twin {
  const flags = cloneFlags(plan)
  const steps = stepsOf(plan)
  if (flags & CLONE.NEWUSER) throw new KernelError('unshare', [flags], ERRNO.EINVAL, 0)
  if (plan.cgroup) throw new TypeError('the twin cannot be born in a cgroup')
  if (steps.some(({ call }) => call === 'clone')) throw new TypeError('the twin cannot fork: it has threads')
  const stdio: (number | 'ignore' | 'pipe')[] = Array.from({ length: ANSWER_FD + 1 }, () => 'ignore')
  for (const fd of [0, 1, 2]) stdio[fd] = fd
  const numbers = new Map([...descriptors].map(([name], i) => [name, ANSWER_FD + 1 + i]))
  for (const [name, fd] of descriptors) stdio[numbers.get(name)!] = fd
  stdio[PLAN_FD] = 'pipe'
  stdio[ANSWER_FD] = 'pipe'
  const entries = [...(plan.first ?? []), ...plan.steps].map(entry => (isGate(entry) ? entry : encode(entry, numbers)))
  const home = invoke('pidfd_open', [process.pid, 0])
  // Only a child can be born in a new pid namespace. Nothing asynchronous may run until we are home again: a process
  // whose children go elsewhere cannot start threads.
  if (flags & CLONE.NEWPID) invoke('unshare', [CLONE.NEWPID])
  const child = spawn(process.execPath, [`${import.meta.dirname}/twin-child.ts`], { stdio })
  if (flags & CLONE.NEWPID) invoke('setns', [home, CLONE.NEWPID])
  invoke('close', [home])

  const pipes = child.stdio as unknown as (Writable & Readable)[]
  const input = pipes[PLAN_FD]!
  input.write(`${JSON.stringify({ flags: (flags & ~CLONE.NEWPID) >>> 0, entries })}\n`)
  const answers = createInterface(pipes[ANSWER_FD]!)[Symbol.asyncIterator]()
  const results: (number | undefined)[] = steps.map(() => undefined)
  return {
    pid: child.pid!,
    async next() {
      for (;;) {
        const { value, done } = (await answers.next()) as IteratorResult<string, undefined>
        if (done) return undefined
        const answer = JSON.parse(value) as Answer
        if ('gate' in answer && answer.gate !== ALIVE && answer.gate !== READY) return answer.gate
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
        if (isFailure(answer.result, errorBits(allow))) throw new KernelError(call, args, -answer.result, answer.step)
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

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/** Bytes as base64: JSON has none. */
const encodeArg = (arg: Arg) => {
  if (arg instanceof Uint8Array) return { bytes: base64(arg) }
  if (!isStruct(arg)) return arg
  return { ...arg, bytes: base64(arg.bytes), pointers: arg.pointers?.map(({ at, to }) => ({ at, to: base64(to) })) }
}

const encode = (step: Step, descriptors: ReadonlyMap<string, number>) => ({
  ...step,
  args: resolve(step.args, { descriptors }).map(encodeArg),
})
