// The compiled filter against the plain meaning of its profile, for every call of every ABI; and against libseccomp.
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { koffi } from '../../../toolkit/kernel/koffi.ts'
import { type Abi, numbersOf } from '../../../toolkit/primitives/seccomp/numbers.ts'
import {
  ACTIONS,
  type Action,
  ARCHITECTURES,
  type Condition,
  OPERATORS,
  type Rule,
} from '../../../toolkit/primitives/seccomp/profile.ts'
import {
  compile,
  defaultProfile,
  disassemble,
  reduce,
  type Seccomp,
  unknownNames,
} from '../../../toolkit/primitives/seccomp.ts'
import { AUDIT, type Call, meaningOf, run, X32 } from './machine.ts'

/** Numbers that look random, the same at every run. */
function dice(seed: number) {
  let state = seed
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return { next, pick: <T>(list: readonly T[]): T => list[next(list.length)]! }
}
type Dice = ReturnType<typeof dice>

const ABIS: Record<'x64' | 'arm64', Abi[]> = { x64: ['x64', 'i386', 'x32'], arm64: ['arm64', 'arm'] }
const scmp = (abi: Abi): string => Object.entries(ARCHITECTURES).find(([, one]) => one === abi)![0]
const listed = ({ architectures = [] }: Seccomp, abi: Abi, arch: string): boolean =>
  abi === arch || architectures.includes(scmp(abi))

const WORDS = [0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn]

/** Values where a comparison may turn: around what it names, and with the halves exchanged. */
function values({ value, valueTwo = 0 }: Condition): bigint[] {
  const near = [value, valueTwo].flatMap(v => [-1n, 0n, 1n].map(d => BigInt(v) + d))
  const high = near.map(v => v ^ (1n << 32n))
  const swapped = ((BigInt(value) & 0xffffffffn) << 32n) | (BigInt(value) >> 32n)
  return [...near, ...high, swapped, ...WORDS].map(v => BigInt.asUintN(64, v))
}

/** Arguments worth a try for calls with these conditions. */
function argumentsFor(conditions: readonly Condition[], { next, pick }: Dice): bigint[][] {
  if (conditions.length === 0) return [[0n, 0n, 0n, 0n, 0n, 0n]]
  return Array.from({ length: 12 }, () => {
    const args = WORDS.concat(0n)
    for (const condition of conditions) if (next(8) > 0) args[condition.index] = pick(values(condition))
    return args
  })
}

/** Holds the filter of a profile against what the profile means; returns how many calls were tried. */
function check(profile: Seccomp, arch: 'x64' | 'arm64', random: Dice): number {
  const program = compile(profile, { arch })
  let tried = 0
  const verify = (call: Call, expected: number) => {
    tried++
    const { value } = run(program, call)
    if (value !== expected) expect({ ...call, value }).toEqual({ ...call, value: expected })
  }
  for (const abi of ABIS[arch]) {
    const bit = abi === 'x32' ? X32 : 0
    const meaning = meaningOf(profile, abi)
    const numbers = new Set([...numbersOf(abi).values()].flatMap(n => [n, n + 1]).concat(600, 0x3fffffff))
    for (const number of numbers) {
      const names = [...numbersOf(abi)].filter(([, n]) => n === number).map(([name]) => name)
      const rules = (profile.syscalls ?? []).filter(rule => rule.names.some(name => names.includes(name)))
      const conditions = rules.flatMap(({ args = [] }) => args)
      const selectors = abi === 'i386' && (number === 102 || number === 117)
      const choices = selectors
        ? Array.from({ length: 26 }, (_, i) => [BigInt(i), 38n, 0n, 0n, 0n, 0n])
        : argumentsFor(conditions, random)
      for (const args of choices) {
        const words = abi === 'i386' || abi === 'arm' ? args.map(arg => arg & 0xffffffffn) : args
        const plain = { number, audit: AUDIT[abi], args: words }
        const expected = listed(profile, abi, arch) ? meaning(plain) : 0x80000000
        verify({ ...plain, number: number + bit }, expected)
      }
    }
  }
  // The number -1 is what a tracer makes of a call it has struck out; nobody dies of that.
  const struck = { number: 0xffffffff, audit: AUDIT[arch], args: WORDS.concat(0n) }
  verify(struck, meaningOf(profile, arch === 'x64' && listed(profile, 'x32', arch) ? 'x32' : arch)(struck))
  for (const audit of [0, 0xc0000016, AUDIT[arch === 'x64' ? 'arm64' : 'x64']])
    verify({ number: 1, audit, args: struck.args }, 0x80000000)
  return tried
}

const CAPABILITIES = `CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT
  MKNOD AUDIT_WRITE SETFCAP`
  .split(/\s+/)
  .map(name => `CAP_${name}`)
const plainDefault = (arch: 'x64' | 'arm64', capabilities = CAPABILITIES): Seccomp =>
  reduce(defaultProfile, { arch, capabilities, kernel: '6.1.0' })

function randomCondition({ next, pick }: Dice, index: number): Condition {
  const value = () => {
    const v = pick([0n, 1n, 38n, 0x7e020000n, 0xffffffffn, 0x100000000n, 0x123456789n, 2n ** 63n, 2n ** 64n - 1n])
    return v > 2n ** 53n ? v : Number(v)
  }
  return { index, value: value(), ...(next(2) && { valueTwo: value() }), op: pick(OPERATORS) }
}

function randomProfile(random: Dice, arch: 'x64' | 'arm64', calls: number): Seccomp {
  const { next, pick } = random
  const names = [...new Set(ABIS[arch].flatMap(abi => [...numbersOf(abi).keys()]))].concat('no_such_call')
  const actions = Object.keys(ACTIONS) as Action[]
  const errno = (action: Action) => (/ERRNO|TRACE/.test(action) && next(2) ? { errnoRet: next(4096) } : {})
  const defaultAction = next(2) ? 'SCMP_ACT_ERRNO' : pick(actions)
  const rule = (): Rule => {
    const action = next(2) ? 'SCMP_ACT_ALLOW' : pick(actions)
    const args = Array.from({ length: next(4) }, (_, i) => randomCondition(random, next(4) ? i : next(6)))
    const some = Array.from({ length: 1 + next(4) }, () => (next(4) ? pick(names) : pick(['socket', 'semop', 'clone'])))
    return { names: some, action, ...errno(action), ...(args.length > 0 && { args }) }
  }
  return {
    defaultAction,
    ...(defaultAction === 'SCMP_ACT_ERRNO' && { defaultErrnoRet: pick([1, 38, 13]) }),
    architectures: ABIS[arch].filter(() => next(3) > 0).map(scmp),
    syscalls: Array.from({ length: calls }, rule),
  }
}

describe.each(['x64', 'arm64'] as const)('for %s', arch => {
  test('the default profile, with few capabilities and with all', () => {
    const all = [...CAPABILITIES, 'CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE', 'CAP_SYSLOG']
    for (const capabilities of [[], CAPABILITIES, all])
      expect(check(plainDefault(arch, capabilities), arch, dice(1))).toBeGreaterThan(800)
  })

  test('random profiles mean the same compiled', () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = dice(seed)
      check(randomProfile(random, arch, 1 + random.next(30)), arch, random)
    }
  })

  test('a large profile, where jumps reach too far for 8 bits', () => {
    const random = dice(7)
    const profile = randomProfile(random, arch, 250)
    const program = compile(profile, { arch })
    expect(program.length / 8).toBeGreaterThan(1000)
    expect(disassemble(program).filter(line => / ja /.test(line)).length).toBeGreaterThan(0)
    check(profile, arch, random)
  })

  test('a common call of the default profile is found in a dozen instructions', () => {
    const program = compile(plainDefault(arch), { arch })
    expect(program.length / 8).toBeLessThan(500)
    for (const name of ['read', 'write', 'openat', 'close', 'mmap', 'futex', 'epoll_pwait', 'execve', 'sendto']) {
      const call = { number: numbersOf(arch).get(name)!, audit: AUDIT[arch], args: WORDS.concat(0n) }
      const { value, steps } = run(program, call)
      expect(value, name).toBe(0x7fff0000)
      expect(steps, name).toBeLessThanOrEqual(13)
    }
  })
})

test('a profile of more than 4096 instructions is refused with its size', () => {
  const names = [...numbersOf('x64').keys()]
  const syscalls = Array.from(
    { length: 1200 },
    (_, i): Rule => ({
      names: [names[i % 400]!],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: i % 6, value: i * 0x1234567, op: 'SCMP_CMP_EQ' }],
    }),
  )
  expect(() => compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, { arch: 'x64' })).toThrow(
    /^seccomp profile: \d+ instructions; the kernel takes 4096/,
  )
})

test('names that nobody knows are passed over, and told', () => {
  const syscalls: Rule[] = [{ names: ['read', 'send', 'socketcall', 'made_up'], action: 'SCMP_ACT_ALLOW' }]
  const profile: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls }
  expect(unknownNames(profile, { arch: 'x64' })).toEqual(['made_up'])
  expect(unknownNames(profile, { arch: 'arm64' })).toEqual(['socketcall', 'made_up'])
})

test('the default profile names no call that exists nowhere', () => {
  const abroad = unknownNames(plainDefault('arm64', []), { arch: 'arm64' })
  expect(unknownNames(plainDefault('x64', []), { arch: 'x64' }).filter(name => abroad.includes(name))).toEqual([])
})

test('a listing reads like one', () => {
  const profile: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['write'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0xff, valueTwo: 2, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  }
  expect(disassemble(compile(profile, { arch: 'arm64' }))).toMatchInlineSnapshot(`
    [
      "   0  ld [4]",
      "   1  jeq #0xc00000b7 → 2, else 12",
      "   2  ld [0]",
      "   3  jge #64 → 4, else 9",
      "   4  jge #65 → 5, else 6",
      "   5  ret ERRNO(38)",
      "   6  ld [16]",
      "   7  and #255",
      "   8  jeq #2 → 10, else 11",
      "   9  jge #63 → 10, else 11",
      "  10  ret ALLOW",
      "  11  ret ERRNO(1)",
      "  12  ret KILL_PROCESS",
    ]
  `)
})

/** Allows some calls by libseccomp, all others fail with EPERM; undefined where it is not installed. */
function libseccomp(): ((rules: readonly Rule[]) => Uint8Array) | undefined {
  let library: ReturnType<typeof koffi.load>
  try {
    library = koffi.load('libseccomp.so.2')
  } catch {
    return undefined
  }
  const init = library.func('void *seccomp_init(uint32_t action)')
  const release = library.func('void seccomp_release(void *ctx)')
  const resolve = library.func('int seccomp_syscall_resolve_name(const char *name)')
  const add = library.func(
    'int seccomp_rule_add_array(void *ctx, uint32_t action, int syscall, unsigned int count, void *args)',
  )
  const write = library.func('int seccomp_export_bpf(void *ctx, int fd)')
  return rules => {
    const context = init(0x50001)
    const file = `${tmpdir()}/libseccomp-${process.pid}`
    const fd = openSync(file, 'w')
    try {
      for (const { names, args = [] } of rules) {
        const array = Buffer.alloc(24 * args.length + 1) // struct scmp_arg_cmp
        for (const [i, { index, op, value, valueTwo = 0 }] of args.entries()) {
          array.writeUInt32LE(index, 24 * i)
          array.writeUInt32LE(OPERATORS.indexOf(op) + 1, 24 * i + 4)
          array.writeBigUInt64LE(BigInt(value), 24 * i + 8)
          array.writeBigUInt64LE(BigInt(valueTwo), 24 * i + 16)
        }
        for (const name of names) expect(add(context, 0x7fff0000, resolve(name), args.length, array), name).toBe(0)
      }
      expect(write(context, fd)).toBe(0)
      return readFileSync(file)
    } finally {
      closeSync(fd)
      rmSync(file)
      release(context)
    }
  }
}

const other = libseccomp()
test.skipIf(other === undefined || process.arch !== 'x64')(
  'libseccomp makes a filter that does the same (libseccomp.so.2 needed)',
  () => {
    const names = [...numbersOf('x64')].filter(([name, n]) => n < 450 && !name.includes('probe')).map(([name]) => name)
    for (let seed = 1; seed <= 10; seed++) {
      const random = dice(seed)
      const syscalls = Array.from({ length: 20 }, (): Rule => {
        const args = Array.from({ length: random.next(4) }, (_, index) => randomCondition(random, index))
        return { names: [random.pick(names)], action: 'SCMP_ACT_ALLOW', args }
      })
      const ours = compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, { arch: 'x64' })
      const theirs = other!(syscalls)
      for (const { names: named, args = [] } of syscalls) {
        for (const values of argumentsFor(args, random)) {
          const call = { number: numbersOf('x64').get(named[0]!)!, audit: AUDIT.x64, args: values }
          expect([call, run(ours, call).value]).toEqual([call, run(theirs, call).value])
        }
      }
    }
  },
)
