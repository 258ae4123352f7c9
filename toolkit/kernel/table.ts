// The table that the machine code goes through (machine-code.ts): one row a system call. It lies in a file in memory,
// which the engine, the new process and the program that it becomes map at the same address.
//
// Around the plan's own steps stand a few rows of ours. They shut out what the engine has open before anything else
// happens: a directory of the host that is open in a process which sets up a container is a way out of it, even one that
// is going to be closed (CVE-2024-21626).
import { ftruncateSync } from 'node:fs'
import { numberOf } from './action.ts'
import { AT, CLONE, CLOSE_RANGE, F, O } from './constants.ts'
import { Memory } from './memory.ts'
import { CLONE_ARGS, CONTAINER, descriptorsOf, layCloneArgs, MONITOR, monitorRows } from './monitor-rows.ts'
import { errorBits, type Row, row, type Shared } from './row.ts'
import { ALIVE, cloneFlags, type Gate, isDescriptor, isGate, type Plan, type Step } from './step.ts'
import { number } from './syscalls.ts'

const MEMORY = 1 << 23 // bytes: room for the longest argument list that execve takes; untouched pages cost nothing
const HEADER = 24 // bytes before the rows, see machine-code.ts
const ROW = 64 // bytes of a row
const RESULT = 56 // where the result lies in it
const TABLE_FD = 3 // where the runner looks for the table
const OURS = 10 // below are descriptors that steps open, counting on the lowest free number
const ALL = 0xffffffff // higher than any descriptor
const GONE = 125 // docker's exit code for an engine that has failed
const JUMP = 4095 // no system call has this number
/** The result of a row that was not run. No call returns it, and the kernel can write a pid over its lower half. */
export const NOT_RUN = 2 ** 31

export interface Table {
  readonly rows: readonly Row[]
  /** How many of them are the container's process's; behind them are its monitor's. */
  readonly own: number
  /**
   * Of a process in another pid namespace: the row that makes it, where in the memory its struct clone_args is, and the
   * address of the row's result.
   */
  readonly elsewhere: { readonly row: number; readonly args: number; readonly result: number } | undefined
  /** The row whose result is the pid of the container's first process, where there is a monitor. */
  readonly cloneRow: number
  /** The address of the first row. */
  readonly entry: number
  readonly memory: Memory
  /** What row `i` has returned so far, -errno or NOT_RUN. */
  result(i: number): number
}

type Entries = readonly (Step | Gate)[]

/** What the process says to us. */
export const WORD = { ALIVE: 0, GATE: 1 } as const

/** Where the process waits for a byte. When we are killed a gate opens without one: that leads to an end. */
const gateRows = (name: string, label: string, { status, gate }: Shared): Row[] => [
  { ...row('write', status, Uint8Array.of(WORD.GATE), 1), gate: name },
  { ...row('read', gate, Buffer.alloc(1), 1), gate: name, label },
  { ...row('read'), past: label },
  { ...row('exit_group', GONE), passed: true },
]

/** Each entry's rows. A descriptor is closed after the last step that uses it. */
function entryRows(entries: Entries, last: ReadonlyMap<number, number>, shared: Shared): Row[][] {
  let step = 0
  const done = new Map<number, number[]>()
  for (const [fd, use] of last) done.set(use, [...(done.get(use) ?? []), fd])
  return entries.map((entry, i) => {
    if (isGate(entry)) {
      if (entry.gate === ALIVE) return [row('write', shared.status, Uint8Array.of(WORD.ALIVE), 1)]
      return gateRows(entry.gate, `gate ${i}`, shared)
    }
    const { call, args, allow } = entry
    const own: Row = { call, args, allow: errorBits(allow), step: ++step }
    const unused = call === 'close' ? undefined : done.get(i)
    return unused ? [own, ...unused.map(fd => row('close', fd))] : [own]
  })
}

/** Which entry is the last to use a descriptor, by its number. */
function lastUses(entries: Entries, descriptors: ReadonlyMap<string, number>): Map<number, number> {
  const last = new Map<number, number>()
  if (descriptors.size === 0) return last
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!
    if (isGate(entry)) continue
    for (const arg of entry.args) if (arg !== null && isDescriptor(arg)) last.set(numberOf(arg, { descriptors }), i)
  }
  return last
}

/** Numbers that do not stand in the way of the steps' own descriptors: moves those that would. */
function moveUp(shared: Shared): { moved: Shared; moves: Row[] } {
  const go = shared.go === undefined ? [] : [shared.go]
  const all = [shared.status, shared.gate, shared.table, shared.runner, ...go, ...shared.descriptors.values()]
  let free = Math.max(OURS, ...all.map(fd => fd + 1))
  const numbers = new Map(all.map(fd => [fd, fd < OURS ? free++ : fd]))
  const to = (fd: number) => numbers.get(fd)!
  return {
    moved: {
      status: to(shared.status),
      gate: to(shared.gate),
      table: to(shared.table),
      runner: to(shared.runner),
      go: shared.go === undefined ? undefined : to(shared.go),
      descriptors: new Map([...shared.descriptors].map(([name, fd]) => [name, to(fd)])),
    },
    moves: [...numbers].filter(([from, to]) => from !== to).map(([from, to]) => row('dup3', from, to, O.CLOEXEC)),
  }
}

/** Closes all descriptors from 3 on but these. */
function closeOthers(kept: readonly number[]): Row[] {
  const borders = [2, ...kept.toSorted((a, b) => a - b), ALL + 1]
  const gaps = borders.slice(1).map((next, i) => [borders[i]! + 1, next - 1] as const)
  return gaps.filter(([from, to]) => from <= to).map(([from, to]) => row('close_range', from, to, 0))
}

/** All rows, and which of them is the first that the runner carries out. */
export function rowsOf(plan: Plan, shared: Shared): { rows: Row[]; next: number } {
  const { first = [], steps, monitor } = plan
  const { status, gate, table, runner, go, descriptors } = shared
  const entries = [...first, ...steps]
  const last = lastUses(entries, descriptors)
  const rows = entryRows(entries, last, shared)
  const early = monitor ? 0 : first.length // a monitor has all rights, and the process gets its user namespace from it
  const keptOn = [0, 1, 2, status, gate, ...[...last].filter(([, use]) => use >= early).map(([fd]) => fd)]
  const cgroup = plan.cgroup && numberOf(plan.cgroup, { descriptors })
  const own = monitor ? [...descriptorsOf(monitor, shared), go!] : []
  const others = monitor ? [...own, ...(cgroup === undefined ? [] : [cgroup])] : []
  const its = [...last.keys(), ...others].filter(fd => !own.includes(fd))
  const { head, tail } = monitor ? monitorRows(monitor, cloneFlags(plan), shared, its) : { head: [], tail: [] }
  const before = [
    ...closeOthers([...new Set([status, gate, table, runner, ...last.keys(), ...others])]),
    ...rows.slice(0, early).flat(),
    ...[...new Set([...keptOn, ...others])].map(fd => row('fcntl', fd, F.SETFD, 0)), // all that Node opens closes when a program starts
    row('dup3', table, TABLE_FD, 0),
    row('execveat', runner, '', ['toolkit'], [], AT.EMPTY_PATH),
  ]
  const after = [
    row('close', TABLE_FD),
    row('close_range', TABLE_FD + 1, ALL, CLOSE_RANGE.CLOEXEC),
    ...head,
    ...(monitor ? [row('write', status, Uint8Array.of(WORD.ALIVE), 1)] : []), // there is a process
    ...(monitor?.pidfd ? others.filter(fd => !last.has(fd)).map(fd => row('close', fd)) : []),
  ]
  return { rows: [...before, ...after, ...rows.slice(early).flat(), ...tail], next: before.length }
}

/** The labels of the row that makes a process in another pid namespace, and of the end of the one that makes it. */
const ELSEWHERE = 'in another pid namespace'
const ASIDE = 'step aside'

/**
 * A process is born in a pid namespace of others when its maker has gone there. For us there may be no way back: the
 * host's belongs to its root. So a process goes there, makes ours as a sibling (CLONE_PARENT), and ends.
 */
const stepAside = (namespace: number): Row[] => [
  row('setns', namespace, CLONE.NEWPID),
  { ...row('clone3'), label: ELSEWHERE },
]

/** Lays the rows into the table's file. Throws RangeError where it is too small or has a label twice, and KernelError of mmap. */
export function layTable(plan: Plan, wanted: Shared): Table {
  const { moved, moves } = moveUp(wanted)
  const { rows: moreRows, next } = rowsOf(plan, moved)
  const ahead = plan.pidNamespace && !plan.monitor ? stepAside(numberOf(plan.pidNamespace, wanted)) : []
  const rows = [
    ...ahead,
    ...moves,
    ...moreRows,
    ...(ahead.length > 0 ? [{ ...row('exit_group', 0), label: ASIDE }] : []),
  ]
  ftruncateSync(wanted.table, MEMORY)
  const memory = new Memory(MEMORY, wanted.table)
  try {
    const header = memory.reserve(HEADER)
    const entry = memory.reserve(ROW * rows.length)
    const first = entry + ROW * (ahead.length + moves.length + next)
    memory.write64(header, memory.address)
    memory.write64(header + 8, MEMORY)
    memory.write64(header + 16, memory.address + first)
    const addressOf = (i: number) => memory.address + entry + ROW * i
    const places = new Map<string, number>()
    rows.forEach(({ label }, i) => {
      if (label === undefined) return
      if (places.has(label)) throw new RangeError(`two rows are called ${label}`)
      places.set(label, i)
    })
    for (const [label, i] of places) memory.results.set(label, entry + ROW * i + RESULT)
    const write = (at: number, number: number, allow: number, args: readonly number[]) => {
      memory.write32(at, number + (allow % 2 ** 16) * 2 ** 16)
      memory.write32(at + 4, Math.floor(allow / 2 ** 16))
      for (let j = 0; j < args.length; j++) memory.write64(at + 8 + 8 * j, args[j]!)
      memory.write32(at + RESULT, NOT_RUN)
    }
    let elsewhere: Table['elsewhere']
    for (let i = 0, at = entry; i < rows.length; i++, at += ROW) {
      const { call, args, allow, jump, past, label } = rows[i]!
      const result = memory.address + at + RESULT
      if (jump) {
        const { of, above, to } = jump
        write(at, JUMP, 0, [addressOf(places.get(of)!) + RESULT, above, addressOf(places.get(to)!)])
        continue
      }
      if (past !== undefined) {
        write(at, JUMP, 0, [addressOf(places.get(past)!) + RESULT, 0, addressOf(i + 2)])
        continue
      }
      if (label === ELSEWHERE) {
        const args = memory.reserve(CLONE_ARGS)
        elsewhere = { row: i, args, result }
        write(at, number(call), 0, [memory.address + args, CLONE_ARGS, 0, 0, 0, addressOf(places.get(ASIDE)!)])
        continue
      }
      if (label === CONTAINER) {
        const args = layCloneArgs(memory, plan, result, moved)
        write(at, number(call), 0, [args, CLONE_ARGS, 0, 0, 0, addressOf(places.get(MONITOR)!)])
        continue
      }
      write(
        at,
        number(call),
        allow,
        args.map(arg => memory.argument(arg !== null && isDescriptor(arg) ? numberOf(arg, moved) : arg)),
      )
      // Two processes return from clone: the kernel itself stores the child's pid, before either of them does.
      if (call === 'clone') memory.write64(at + 24, result)
    }
    return {
      rows,
      own: places.get(MONITOR) ?? places.get(ASIDE) ?? rows.length,
      elsewhere,
      cloneRow: rows.findIndex(({ label }) => label === CONTAINER),
      entry: memory.address + entry,
      memory,
      result: i => memory.read64(entry + ROW * i + RESULT),
    }
  } catch (error) {
    memory.free()
    throw error
  }
}
