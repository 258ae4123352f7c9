// What the kernel does with a filter, and what a profile means, each as plainly as it can be written: the compiler must
// agree with both.
import type { Abi } from '../../../toolkit/primitives/seccomp/numbers.ts'
import { numbersOf } from '../../../toolkit/primitives/seccomp/numbers.ts'
import type { Condition, Seccomp } from '../../../toolkit/primitives/seccomp/profile.ts'

/** A system call as a filter sees it. */
export interface Call {
  readonly number: number
  readonly audit: number
  readonly args: readonly bigint[]
}

export const AUDIT: Record<Abi, number> = {
  x64: 0xc000003e,
  x32: 0xc000003e,
  i386: 0x40000003,
  arm64: 0xc00000b7,
  arm: 0x40000028,
}
export const X32 = 0x40000000

/** Runs a filter on a call: what it returns, and how many instructions that took. */
export function run(program: Uint8Array, { number, audit, args }: Call): { value: number; steps: number } {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(number, 0)
  data.writeUInt32LE(audit, 4)
  for (const [i, arg] of args.entries()) data.writeBigUInt64LE(arg, 16 + 8 * i)
  const code = Buffer.from(program.buffer, program.byteOffset, program.length)
  let accumulator = 0
  for (let at = 0, steps = 1; ; steps++) {
    const [op, yes, no, k] = [code.readUInt16LE(at), code[at + 2]!, code[at + 3]!, code.readUInt32LE(at + 4)]
    at += 8
    if (op === 0x06) return { value: k, steps }
    else if (op === 0x20) accumulator = data.readUInt32LE(k)
    else if (op === 0x54) accumulator = (accumulator & k) >>> 0
    else if (op === 0x05) at += 8 * k
    else if (op === 0x15) at += 8 * (accumulator === k ? yes : no)
    else if (op === 0x25) at += 8 * (accumulator > k ? yes : no)
    else if (op === 0x35) at += 8 * (accumulator >= k ? yes : no)
    else throw new Error(`instruction 0x${op.toString(16)}`)
  }
}

const VALUES: Record<string, number> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
}
const LETS = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE']

function holds({ index, value, valueTwo = 0, op }: Condition, args: readonly bigint[]): boolean {
  const [arg, wanted, second] = [args[index]!, BigInt(value), BigInt(valueTwo)]
  if (op === 'SCMP_CMP_MASKED_EQ') return (arg & wanted) === (second & wanted)
  if (op === 'SCMP_CMP_EQ') return arg === wanted
  if (op === 'SCMP_CMP_NE') return arg !== wanted
  if (op === 'SCMP_CMP_LT') return arg < wanted
  if (op === 'SCMP_CMP_LE') return arg <= wanted
  return op === 'SCMP_CMP_GT' ? arg > wanted : arg >= wanted
}

// linux/net.h and linux/ipc.h.
const MULTIPLEXED: Record<string, Record<number, string>> = {
  socketcall: Object.fromEntries(
    `socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt
     getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`
      .split(/\s+/)
      .map((name, i) => [i + 1, name]),
  ),
  ipc: {
    ...{ 1: 'semop', 2: 'semget', 3: 'semctl', 4: 'semtimedop', 11: 'msgsnd', 12: 'msgrcv', 13: 'msgget' },
    ...{ 14: 'msgctl', 21: 'shmat', 22: 'shmdt', 23: 'shmget', 24: 'shmctl' },
  },
}

/** arch/arm: calls that are no part of the common count. */
const isPrivate = (abi: Abi, number: number): boolean => abi === 'arm' && number >= 0xf0000

/** What a profile says of a call of one ABI; the number without bit 30. */
export function meaningOf(profile: Seccomp, abi: Abi): (call: Omit<Call, 'audit'>) => number {
  const { defaultAction, defaultErrnoRet = 1 } = profile
  const value = (action: string, errno = 1) =>
    VALUES[action]! + (action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE' ? errno : 0)
  const usual = value(defaultAction, defaultErrnoRet)
  const rules = (profile.syscalls ?? []).map(({ names, action, errnoRet, args = [] }) => ({
    names,
    value: value(action, errnoRet),
    always: args.length === 0,
    fits: (values: readonly bigint[]) =>
      new Set(args.map(({ index }) => index)).size < args.length
        ? args.some(one => holds(one, values))
        : args.every(one => holds(one, values)),
    behindSelector: abi === 'i386' && !(args.length > 0 && LETS.includes(action)),
  }))
  const names = new Map<number, string[]>()
  let newest = -1
  for (const [name, number] of numbersOf(abi)) {
    names.set(number, [...(names.get(number) ?? []), name])
    const behind = Object.values(MULTIPLEXED[name] ?? {})
    const named = rules.some(
      rule => rule.names.includes(name) || (rule.behindSelector && behind.some(one => rule.names.includes(one))),
    )
    if (named && !isPrivate(abi, number)) newest = Math.max(newest, number)
  }
  return ({ number, args }) => {
    const called = names.get(number) ?? []
    const low = Number(args[0]! & 0xffffffffn)
    const selected = called.flatMap(name => MULTIPLEXED[name]?.[name === 'ipc' ? low & 0xffff : low] ?? [])
    const fitting = rules.flatMap(rule => {
      if (rule.value === usual) return []
      if (called.some(name => rule.names.includes(name)) && rule.fits(args)) return [rule]
      return rule.behindSelector && selected.some(name => rule.names.includes(name)) ? [{ ...rule, always: false }] : []
    })
    const decided = fitting.find(({ always }) => always) ?? fitting[0]
    if (decided) return decided.value
    return newest >= 0 && number > newest && !isPrivate(abi, number) && !LETS.includes(defaultAction)
      ? 0x50000 + 38
      : usual
  }
}
