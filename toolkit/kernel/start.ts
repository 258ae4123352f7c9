// The plan runner: starts a process whose whole life before its program is a list of system calls.
//
// The list is laid into shared memory as a table, clone3(2) makes the process, and a few machine instructions
// (machine-code.ts) carry the table out in it. Meanwhile this process is free: it answers at gates, writes uid maps,
// moves network links. A pipe that the program closes by starting (close-on-exec) tells how it went.
import { closeSync, readSync, writeSync } from 'node:fs'
import { attempt, invoke, pipe } from './call.ts'
import { CLONE, MAP, SIG } from './constants.ts'
import { ERRNO } from './errno.ts'
import { KernelError } from './error.ts'
import { koffi } from './koffi.ts'
import { machineCode } from './machine-code.ts'
import { Memory } from './memory.ts'
import { ALIVE, type Arg, cloneFlags, type Gate, isGate, type Plan, type Step } from './step.ts'
import { number, type SyscallName } from './syscalls.ts'
import { waitSync } from './wait.ts'

const ENTRY = 64 // bytes of a table entry, see machine-code.ts
const RESULT = 56 // where the result lies in it
const NOT_RUN = 2 ** 40 // no call returns this
const MEMORY = 1 << 23 // bytes: room for the longest argument list that execve takes; untouched pages cost nothing

export interface StartOptions {
  /** A cgroup v2 directory, opened: the process is born in it. */
  readonly cgroup?: number
  /** The pid namespace of this process (a pidfd) is the one to be born in: setns(2) moves only children there. */
  readonly pidNamespaceOf?: number
}

/** A process on its way to its program. */
export interface Starting {
  readonly pid: number
  readonly pidfd: number
  /**
   * Waits until the process stands at a gate, or its program has started (undefined). Throws a KernelError that names
   * the step where it failed; the process is gone then, and reaped.
   */
  next(): string | undefined
  /** Opens the gate where the process waits. */
  open(): void
  /** The results of the plan's system calls so far, in order, gates left out; undefined where not run yet. */
  results(): (number | undefined)[]
  /** Gives up: ends the process and waits for it. */
  abort(): void
  /** Lets go of the pidfd and the table, once the program has started; neither may be used any more. */
  close(): void
}

/** A row of the table: a step of the plan, with its number from 1, or a call that belongs to a gate or to us. */
type Row = { call: SyscallName; args: readonly Arg[]; allow: number; step?: number; gate?: string }

/** The plan's entries as rows of the table; a gate takes two. */
function rowsOf(entries: readonly (Step | Gate)[], status: number, gate: number): Row[] {
  let step = 0
  return entries.flatMap((entry): Row[] =>
    isGate(entry)
      ? [
          { call: 'write', args: [status, Uint8Array.of(1), 1], allow: 0, gate: entry.gate },
          { call: 'read', args: [gate, Buffer.alloc(1), 1], allow: 0, gate: entry.gate },
        ]
      : [{ call: entry.call, args: entry.args, allow: entry.allow ? -ERRNO[entry.allow] : 0, step: ++step }],
  )
}

function layTable(memory: Memory, rows: readonly Row[]): number {
  const table = memory.reserve(ENTRY * rows.length)
  for (const [i, { call, args, allow }] of rows.entries()) {
    const at = table + ENTRY * i
    memory.write32(at, number(call))
    memory.write32(at + 4, allow)
    for (const [j, arg] of args.entries()) memory.write64(at + 8 + 8 * j, memory.argument(arg))
    memory.write64(at + RESULT, NOT_RUN)
  }
  return table
}

let code: { pointer: bigint; prototype: unknown } | undefined

/** Calls the machine code; returns the pid, or -errno of clone3. */
function clone(args: number, size: number, table: number): number {
  if (!code) {
    const memory = new Memory(4096, MAP.PRIVATE)
    const pointer = BigInt(memory.put(machineCode()))
    memory.makeExecutable()
    code = { pointer, prototype: koffi.proto('long start(uintptr_t args, size_t size, uintptr_t table)') }
  }
  return Number(koffi.call(code.pointer, code.prototype as never, args, size, table))
}

/** Runs `action` while children of this thread are born in another pid namespace. */
function inPidNamespace<T>(pidfd: number | undefined, action: () => T): T {
  if (pidfd === undefined) return action()
  const home = invoke('pidfd_open', [process.pid, 0])
  try {
    invoke('setns', [pidfd, CLONE.NEWPID])
    try {
      return action()
    } finally {
      invoke('setns', [home, CLONE.NEWPID])
    }
  } finally {
    closeSync(home)
  }
}

/** Starts the plan. Throws a KernelError where the process cannot even be made. */
export function start(plan: Plan, options: StartOptions = {}): Starting {
  const [statusRead, statusWrite] = pipe()
  const [gateRead, gateWrite] = pipe()
  const memory = new Memory(MEMORY)
  // The child's copies of our ends would keep the pipes open after us.
  const ours: Row[] = [statusRead, gateWrite].map(fd => ({ call: 'close', args: [fd], allow: 0 }))
  const rows: Row[] = [...ours, ...rowsOf(plan.steps, statusWrite, gateRead)]
  const table = layTable(memory, rows)

  const flags =
    cloneFlags(plan) + CLONE.PIDFD + CLONE.CLEAR_SIGHAND + (options.cgroup === undefined ? 0 : CLONE.INTO_CGROUP)
  const pidfdAt = memory.reserve(8)
  const args = memory.reserve(88) // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, …, cgroup
  for (const [i, value] of [flags, pidfdAt, 0, 0, SIG.CHLD, 0, 0, 0, 0, 0, options.cgroup ?? 0].entries())
    memory.write64(args + 8 * i, value)
  const pid = inPidNamespace(options.pidNamespaceOf, () => clone(args, 88, table))
  closeSync(statusWrite)
  closeSync(gateRead)
  const pidfd = Number(BigInt.asIntN(32, BigInt(memory.read64(pidfdAt))))

  let finished = false
  const finish = (): undefined => {
    if (finished) return
    finished = true
    closeSync(statusRead)
    closeSync(gateWrite)
  }
  let outcome: number[] | undefined // what is left of the table when its memory has gone
  const result = (row: number) => outcome?.[row] ?? memory.read64(table + ENTRY * row + RESULT)
  const release = () => {
    finish()
    outcome ??= rows.map((_, i) => result(i))
    closeSync(pidfd)
    memory.free()
  }
  const reap = () => {
    waitSync(pid)
    release()
  }

  if (pid < 0) {
    finish()
    memory.free()
    throw new KernelError('clone3', [cloneFlags(plan)], -pid, 0)
  }

  return {
    pid,
    pidfd,
    next() {
      while (readSync(statusRead, Buffer.alloc(1)) === 1) {
        const { gate } = rows.find(({ gate }, i) => gate !== undefined && result(i) === NOT_RUN)!
        if (gate !== ALIVE) return gate
        this.open()
      }
      const failed = rows.findIndex(({ allow }, i) => result(i) < 0 && result(i) !== allow)
      if (failed >= 0) {
        const { call, args, step } = rows[failed]!
        reap()
        throw new KernelError(call, args, -result(failed), step)
      }
      const stopped = rows.findIndex((_, i) => result(i) === NOT_RUN)
      if (rows[stopped]!.call === 'execve') return finish()
      reap()
      throw new Error(`the new process was killed before step ${rows.slice(stopped).find(({ step }) => step)?.step}`)
    },
    open() {
      writeSync(gateWrite, Uint8Array.of(1))
    },
    results() {
      return rows.flatMap(({ step }, i) => (step === undefined ? [] : [result(i) === NOT_RUN ? undefined : result(i)]))
    },
    abort() {
      attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
      reap()
    },
    close: release,
  }
}
