// The plan runner: starts a process whose whole life before its program is a list of system calls.
//
// The list is laid into shared memory as a table (table.ts), clone3(2) makes the process, and a few machine instructions
// (machine-code.ts) carry the table out in it. Its first calls close what this process has open, and make it a program
// of a few hundred bytes that cannot be written to (runner.ts). All further calls, those that build a container, are
// made by that one: it has no memory, environment or file of Node. Meanwhile this process is free: it answers at gates,
// writes uid maps, moves network links. A pipe that the program closes by starting (close-on-exec) tells how it went.
//
// Until then the new process uses the memory of this one, like the child of posix_spawn(3): to copy it, page table after
// page table, would take longer than all else. This thread sleeps meanwhile (CLONE_VFORK), and the instructions use no
// stack. Only where a plan has steps that must come first, the memory is copied: this thread has to answer at gates, and
// setresuid(2) in the child would make this process untraceable, too.
//
// With a monitor there is one process more, in between: the runner goes through the monitor's first steps, makes the
// container's process, which goes through all others, and waits for a word from here: that the program has started.
import { closeSync, readSync, writeSync } from 'node:fs'
import { numberOf } from './action.ts'
import { attempt, invoke, pipe } from './call.ts'
import { checkPlan } from './check-plan.ts'
import { CLONE, MFD, SIG } from './constants.ts'
import { ERRNO } from './errno.ts'
import { KernelError } from './error.ts'
import { koffi } from './koffi.ts'
import { CLONE_ARGS } from './monitor-rows.ts'
import { isFailure } from './row.ts'
import { runner } from './runner.ts'
import { cloneFlags, type Plan, READY } from './step.ts'
import { layTable, NOT_RUN, type Table, WORD } from './table.ts'
import { UsageError } from './usage-error.ts'
import { decode, type Exit, wait, waitSync } from './wait.ts'

export interface StartOptions {
  /** Open descriptors by the names that the plan has for them. They stay open here; the process gets those it uses. */
  readonly descriptors?: ReadonlyMap<string, number>
}

/** Somebody else has ended the process on its way, or a filter of its own. */
export class Killed extends UsageError {}

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
  /** Waits for its end, or for its monitor's: undefined where that one was killed, and has not seen how it ends. */
  ended(): Promise<Exit | undefined>
  /** The monitor's pid, where there is one. */
  readonly monitor: number | undefined
  /** The results of the plan's system calls so far, in order, gates left out; undefined where not run yet. */
  results(): (number | undefined)[]
  /** Gives up: ends the process and waits for it. */
  abort(): void
  /** Lets go of the pidfd and the table, once the program has started; neither may be used any more. */
  close(): void
}

let prototype: unknown

/** Calls the machine code; returns the pid, or -errno of clone3. */
function clone(args: number, size: number, entry: number): number {
  prototype ??= koffi.proto('long start(uintptr_t args, size_t size, uintptr_t entry)')
  return Number(koffi.call(BigInt(runner().start), prototype as never, args, size, entry))
}

/** Makes the process, which goes through the table at once. Throws a KernelError where it cannot be made. */
function born(plan: Plan, table: Table, options: StartOptions): Child {
  const { memory, entry } = table
  const { descriptors = new Map<string, number>() } = options
  const { monitor } = plan // that one is a process as any other
  const cgroup = !monitor && plan.cgroup ? numberOf(plan.cgroup, { descriptors }) : 0
  const shared = plan.first?.length && !monitor ? 0 : CLONE.VM + CLONE.VFORK
  const own = monitor ? 0 : cloneFlags(plan) + (plan.cgroup ? CLONE.INTO_CGROUP : 0)
  const pidfdAt = memory.reserve(8)
  /** Fills in struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, …, cgroup. */
  const make = (at: number, flags: number, { tid = 0, signal = 0, cgroup = 0 }): number => {
    const pidfd = flags & CLONE.PIDFD ? memory.address + pidfdAt : 0
    const all = flags + CLONE.CLEAR_SIGHAND + shared
    for (const [i, value] of [all, pidfd, 0, tid, signal, 0, 0, 0, 0, 0, cgroup].entries())
      memory.write64(at + 8 * i, value)
    return memory.address + at
  }
  const fail = (errno: number) => new KernelError('clone3', [cloneFlags(plan)], errno, 0)
  const args = memory.reserve(CLONE_ARGS)
  if (table.elsewhere === undefined) {
    const pid = clone(make(args, own + CLONE.PIDFD, { signal: SIG.CHLD, cgroup }), CLONE_ARGS, entry)
    if (pid < 0) throw fail(-pid)
    return { pid, pidfd: memory.read64(pidfdAt) }
  }
  const { row, args: sibling, result } = table.elsewhere
  make(sibling, own + CLONE.PARENT + CLONE.PARENT_SETTID + CLONE.PIDFD, { tid: result, cgroup })
  // It has our descriptors, not a copy of them: so the pidfd that it is given is ours.
  const maker = clone(make(args, CLONE.FILES, { signal: SIG.CHLD }), CLONE_ARGS, entry)
  if (maker < 0) throw fail(-maker)
  waitSync(maker)
  const pid = table.result(row)
  if (pid > 0 && pid !== NOT_RUN) return { pid, pidfd: memory.read64(pidfdAt) }
  if (pid < 0) throw fail(-pid)
  const entered = table.result(row - 1)
  if (entered < 0) throw new KernelError(table.rows[row - 1]!.call, table.rows[row - 1]!.args, -entered, 0)
  throw new Error('the process that was to make the new one was killed')
}

/** The process that this one makes: the plan's own, or its monitor. */
interface Child {
  readonly pid: number
  readonly pidfd: number
}

/** Starts the plan. Throws a KernelError where the process cannot even be made, and a UsageError for a slip in the plan. */
export function start(plan: Plan, options: StartOptions = {}): Starting {
  checkPlan(plan)
  const { fd: program } = runner()
  const [statusRead, status] = pipe()
  const [gate, gateWrite] = pipe()
  const [go, goWrite] = plan.monitor ? pipe() : []
  const file = invoke('memfd_create', ['toolkit-table', MFD.CLOEXEC])
  const theirs = [status, gate, file, ...(go === undefined ? [] : [go])]
  let table: Table | undefined
  try {
    table = layTable(plan, {
      status,
      gate,
      table: file,
      runner: program,
      go,
      descriptors: options.descriptors ?? new Map(),
    })
    const child = born(plan, table, options)
    for (const fd of theirs.splice(0)) closeSync(fd) // the process has its own
    return watch(child, table, statusRead, gateWrite, goWrite, plan.monitor?.status)
  } catch (error) {
    table?.memory.free()
    closeSync(statusRead)
    closeSync(gateWrite)
    if (goWrite !== undefined) closeSync(goWrite)
    for (const fd of theirs) closeSync(fd)
    throw error
  }
}

/** Ends a process and reaps it. */
function end({ pid, pidfd }: Child): void {
  attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
  waitSync(pid)
}

/** Ends a process that is somebody else's child, and waits until it is gone. */
function endOther({ pidfd }: Child): void {
  attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
  const pollfd = Buffer.alloc(8) // struct pollfd
  pollfd.writeInt32LE(pidfd, 0)
  pollfd.writeInt16LE(1, 4) // POLLIN
  while (attempt('ppoll', [pollfd, 1, null, null, 0]) === -ERRNO.EINTR);
}

/** Follows the process by its table and the two pipes; with a monitor, whose `go` is the third, the one that it makes. */
function watch(
  made: Child,
  { rows, own, cloneRow, memory, result: resultOf }: Table,
  statusRead: number,
  gateWrite: number,
  go: number | undefined,
  status: Uint8Array | undefined,
): Starting {
  let process: Child | undefined = go === undefined ? made : undefined
  let finished = false
  const finish = (): undefined => {
    if (finished) return
    finished = true
    closeSync(statusRead)
    closeSync(gateWrite)
    if (go !== undefined) closeSync(go)
  }
  let outcome: number[] | undefined // what is left of the table when its memory has gone
  const result = (row: number) => outcome?.[row] ?? resultOf(row)
  const release = () => {
    finish()
    outcome ??= rows.map((_, i) => resultOf(i))
    for (const pidfd of new Set([made.pidfd, process?.pidfd])) if (pidfd !== undefined) closeSync(pidfd)
    memory.free()
  }
  const reap = () => {
    end(made) // a monitor first: it would go on with what comes after the program's end
    if (process && process !== made) endOther(process)
    release()
  }
  const notRun = (row: number) => {
    const { call, past, passed } = rows[row]!
    return result(row) === NOT_RUN && call !== 'execveat' && past === undefined && !passed
  }

  /** Why nobody is there any more to tell anything: undefined where the program has started. */
  const why = (): unknown => {
    const found = rows.slice(0, own).findIndex((_, i) => notRun(i))
    const stopped = found < 0 ? own : found
    const last = stopped - 1
    if (last >= 0 && isFailure(result(last), rows[last]!.allow)) {
      const { call, args, step } = rows[last]!
      return new KernelError(call, args, -result(last), step)
    }
    if (stopped === own && cloneRow < 0) return undefined // a monitor alone
    if (stopped < own && rows[stopped]!.call === 'execve') return undefined
    const next = rows.slice(stopped).find(({ step }) => step)
    const filtered = rows.slice(0, stopped).some(({ call }) => call === 'seccomp')
    const by = filtered ? '; its seccomp filter must allow that call' : ''
    return new Killed(`the new process was killed before step ${next?.step}, ${next?.call}${by}`)
  }

  if (!process) {
    // Its first word; at the end of file there is none.
    const word = readSync(statusRead, Buffer.alloc(1))
    const pid = word === 1 ? (cloneRow < 0 ? made.pid : result(cloneRow)) : 0
    const pidfd = pid === made.pid ? made.pidfd : pid > 0 ? attempt('pidfd_open', [pid, 0]) : 0 // fails where it is gone
    if (pid <= 0 || pidfd < 0) {
      const cause = why() ?? new Error('the new process was killed at once')
      end(made)
      closeSync(made.pidfd)
      throw cause // start() closes the rest
    }
    process = pid === made.pid ? made : { pid, pidfd }
  }
  const { pid, pidfd } = process
  return {
    pid,
    pidfd,
    next() {
      const word = Buffer.alloc(1)
      while (readSync(statusRead, word) === 1) {
        if (word[0] === WORD.ALIVE) continue
        const { gate } = rows.find(({ gate }, i) => gate !== undefined && result(i) === NOT_RUN)!
        if (gate !== READY) return gate
        this.open()
      }
      const cause = why()
      if (cause !== undefined) {
        reap()
        throw cause
      }
      if (go !== undefined && !finished) writeSync(go, Uint8Array.of(1))
      return finish()
    },
    open() {
      try {
        writeSync(gateWrite, Uint8Array.of(1))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error // it was killed at the gate: next() says so
      }
    },
    monitor: made.pid === pid ? undefined : made.pid,
    async ended() {
      const exit = await wait(made.pid, made.pidfd)
      const found = status && memory.read64(memory.put(status)) // all ones: nobody has written it
      return found === undefined ? exit : found === -1 ? undefined : decode(found | 0)
    },
    results() {
      return rows.flatMap(({ step }, i) => (step === undefined ? [] : [result(i) === NOT_RUN ? undefined : result(i)]))
    },
    abort: reap,
    close: release,
  }
}
