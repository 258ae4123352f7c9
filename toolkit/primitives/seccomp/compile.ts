// From a profile to a filter: names become numbers, another set of them for each ABI, and all of it one program. What a
// profile means is what runc and libseccomp make of it:
//
// * A name that an ABI has not got is passed over: profiles name calls of other machines and of newer kernels.
// * All conditions of a rule must hold; but two on the same argument are two rules. Of several rules for a call one
//   without conditions decides, else the first that fits; a rule that says what is the default anyway is none.
// * Where the default is to refuse, a call newer than every call the profile names fails with ENOSYS: a program takes
//   that for an old kernel and does it the old way, where EPERM would end it.
import { assemble, DATA, Graph, type Node } from './bpf.ts'
import { type Abi, numbersOf } from './numbers.ts'
import { ACTIONS, type Action, ARCHITECTURES, type Condition, type Rule, type Seccomp } from './profile.ts'

const EPERM = 1
const ENOSYS = 38

/** linux/audit.h: how the kernel names the ABI that a call came by. x32 goes by x86-64's, with bit 30 in the number. */
const AUDIT_ARCH = { x64: 0xc000003e, i386: 0x40000003, arm64: 0xc00000b7, arm: 0x40000028 } as const
const X32_BIT = 0x40000000
const NO_CALL = 0xffffffff // -1: a tracer has struck the call out
const ARM_PRIVATE = 0xf0000 // where 32-bit ARM has calls of its own, far from all others
const WORD = 0xffffffff

export interface Target {
  readonly arch: 'x64' | 'arm64'
}

/** The ABI of 32 bits beside each. */
const COMPAT = { x64: 'i386', arm64: 'arm' } as const

/** socketcall(2) and ipc(2) of i386 stand for many calls, told apart by the first argument. */
const SOCKETCALL = `_ socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom
  shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg`.split(/\s+/)
const IPC = `_ semop semget semctl semtimedop _ _ _ _ _ _ msgsnd msgrcv msgget msgctl _ _ _ _ _ _ shmat shmdt shmget
  shmctl`.split(/\s+/)

/** What a call is called on i386 besides, and what tells it. The upper half of ipc's first argument is a version. */
function multiplexed(name: string): { call: string; condition: Condition } | undefined {
  for (const [call, names, mask] of [
    ['socketcall', SOCKETCALL, WORD],
    ['ipc', IPC, 0xffff],
  ] as const) {
    const selector = names.indexOf(name)
    if (selector > 0)
      return { call, condition: { index: 0, op: 'SCMP_CMP_MASKED_EQ', value: mask, valueTwo: selector } }
  }
  return undefined
}

const takesErrno = (action: Action): boolean => action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE'
const returnValue = (action: Action, errno = EPERM): number => ACTIONS[action] + (takesErrno(action) ? errno : 0)
const permits = (action: Action): boolean => ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(action)

/** One rule for one call: what the filter returns when the conditions hold. */
interface Clause {
  readonly conditions: readonly Condition[]
  readonly value: number
}

function clausesOf({ action, errnoRet, args = [] }: Rule): Clause[] {
  const value = returnValue(action, errnoRet)
  const sameArgument = new Set(args.map(({ index }) => index)).size < args.length
  return sameArgument ? args.map(one => ({ conditions: [one], value })) : [{ conditions: args, value }]
}

/** The numbers of one ABI that a profile says something about, and what; and the newest that it names. */
function decisions({ defaultAction, defaultErrnoRet, syscalls = [] }: Seccomp, abi: Abi) {
  const numbers = numbersOf(abi)
  const usual = returnValue(defaultAction, defaultErrnoRet)
  const calls = new Map<number, Clause[]>()
  let newest = -1
  const add = (name: string, clauses: readonly Clause[]): void => {
    const number = numbers.get(name)
    if (number === undefined) return
    if (number < ARM_PRIVATE) newest = Math.max(newest, number)
    if (clauses[0]!.value !== usual) calls.set(number, [...(calls.get(number) ?? []), ...clauses])
  }
  for (const rule of syscalls) {
    const clauses = clausesOf(rule)
    for (const name of rule.names) {
      add(name, clauses)
      const other = abi === 'i386' ? multiplexed(name) : undefined
      // Its real arguments lie in memory, where a filter cannot look: what holds for some of them only is not let
      // through this way, and what is forbidden for some is forbidden for all.
      if (other && !(rule.args?.length && permits(rule.action)))
        add(other.call, [{ conditions: [other.condition], value: clauses[0]!.value }])
    }
  }
  return { calls, newest, usual }
}

const high = (value: bigint): number => Number(value >> 32n)
const low = (value: bigint): number => Number(value & 0xffffffffn)

/** A comparison of 64 bits by a machine of 32: the high words decide, and where they are equal the low ones. */
function compare(graph: Graph, { index, value, valueTwo = 0, op }: Condition, yes: Node, no: Node): Node {
  const wanted = BigInt(value)
  const half = (which: 'high' | 'low', next: Node) => graph.ld(DATA.argument(index, which), next)
  const equal = (mask: bigint, to: bigint, yes: Node, no: Node): Node => {
    const word = (which: 'high' | 'low', part: (value: bigint) => number, yes: Node): Node =>
      part(mask) === 0 ? yes : half(which, graph.and(part(mask), graph.jump('jeq', part(to & mask), yes, no)))
    return word('high', high, word('low', low, yes))
  }
  const above = (op: 'jgt' | 'jge', yes: Node, no: Node): Node => {
    const lower = half('low', graph.jump(op, low(wanted), yes, no))
    return half('high', graph.jump('jgt', high(wanted), yes, graph.jump('jeq', high(wanted), lower, no)))
  }
  switch (op) {
    case 'SCMP_CMP_EQ':
      return equal(2n ** 64n - 1n, wanted, yes, no)
    case 'SCMP_CMP_NE':
      return equal(2n ** 64n - 1n, wanted, no, yes)
    case 'SCMP_CMP_MASKED_EQ':
      return equal(wanted, BigInt(valueTwo), yes, no)
    case 'SCMP_CMP_GT':
      return above('jgt', yes, no)
    case 'SCMP_CMP_GE':
      return above('jge', yes, no)
    case 'SCMP_CMP_LE':
      return above('jgt', no, yes)
    case 'SCMP_CMP_LT':
      return above('jge', no, yes)
  }
}

function decide(graph: Graph, clauses: readonly Clause[], otherwise: Node): Node {
  const always = clauses.find(({ conditions }) => conditions.length === 0)
  if (always) return graph.ret(always.value)
  return clauses.reduceRight<Node>((no, { conditions, value }) => {
    return conditions.reduceRight((yes, condition) => compare(graph, condition, yes, no), graph.ret(value))
  }, otherwise)
}

/** Numbers from one up to the next range's, for which the filter goes on in the same way. */
interface Range {
  readonly from: number
  readonly node: Node
}

function rangesOf(graph: Graph, profile: Seccomp, abi: Abi): Range[] {
  const { calls, newest, usual } = decisions(profile, abi)
  const standard = graph.ret(usual)
  const unknown =
    newest < 0 || permits(profile.defaultAction) ? standard : graph.ret(returnValue('SCMP_ACT_ERRNO', ENOSYS))
  const starts = new Map<number, Node>([
    [0, standard],
    [newest + 1, unknown],
    ...(abi === 'arm' ? [[ARM_PRIVATE, standard] as const] : []),
  ])
  for (const [number, clauses] of calls) {
    starts.set(number, decide(graph, clauses, standard))
    if (!calls.has(number + 1) && (number < newest || number >= ARM_PRIVATE)) starts.set(number + 1, standard)
  }
  return [...starts]
    .sort(([a], [b]) => a - b)
    .map(([from, node]) => ({ from, node }))
    .filter(({ node }, i, all) => node !== all[i - 1]?.node)
}

/** A binary search: of 500 calls in 80 ranges each is found in seven comparisons. */
function search(graph: Graph, ranges: readonly Range[]): Node {
  if (ranges.length === 1) return ranges[0]!.node
  const middle = ranges.length >> 1
  const [before, after] = [ranges.slice(0, middle), ranges.slice(middle)]
  return graph.jump('jge', after[0]!.from, search(graph, after), search(graph, before))
}

/** The program of a plain profile: an array of struct sock_filter. Throws a UsageError where it is too large. */
export function compile(profile: Seccomp, { arch }: Target): Uint8Array {
  const graph = new Graph()
  const wanted = new Set((profile.architectures ?? []).map(name => ARCHITECTURES[name as keyof typeof ARCHITECTURES]))
  const killed = graph.ret(returnValue('SCMP_ACT_KILL_PROCESS'))
  const numbers = (abi: Abi) => search(graph, rangesOf(graph, profile, abi))
  const native = (): Node => {
    if (arch === 'arm64') return numbers('arm64')
    const ranges = rangesOf(graph, profile, 'x64')
    const x32 = wanted.has('x32')
      ? search(
          graph,
          rangesOf(graph, profile, 'x32').map(({ from, node }) => ({ from: from + X32_BIT, node })),
        )
      : graph.jump('jeq', NO_CALL, ranges.at(-1)!.node, killed)
    return graph.jump('jge', X32_BIT, x32, search(graph, ranges))
  }
  const compat = COMPAT[arch]
  const foreign = wanted.has(compat)
    ? graph.jump('jeq', AUDIT_ARCH[compat], graph.ld(DATA.number, numbers(compat)), killed)
    : killed
  return assemble(graph.ld(DATA.arch, graph.jump('jeq', AUDIT_ARCH[arch], graph.ld(DATA.number, native()), foreign)))
}

/** The names in a profile that no ABI of this processor knows: of other machines, of newer kernels, or misspelt. */
export function unknownNames({ syscalls = [] }: Seccomp, { arch }: Target): string[] {
  const abis: Abi[] = arch === 'x64' ? ['x64', 'i386', 'x32'] : ['arm64', 'arm']
  const known = (name: string) =>
    abis.some(abi => numbersOf(abi).has(name)) || (arch === 'x64' && multiplexed(name) !== undefined)
  return [...new Set(syscalls.flatMap(({ names }) => names))].filter(name => !known(name))
}
