// Reads a seccomp profile from JSON, and says of what is wrong in it where it stands and what would be right.
import { UsageError } from '../../kernel/usage-error.ts'
import {
  ACTIONS,
  type Action,
  type Condition,
  type Filter,
  FLAGS,
  type Flag,
  OPERATORS,
  type Profile,
} from './profile.ts'

type Json = Record<string, unknown>

/** Numbers that a double cannot hold are kept as they are written. */
function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source!)
      : value
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown)
}

/** Reads values of a JSON text and says of a wrong one where it stands and what is allowed. */
class Reader {
  readonly #name: string

  constructor(name: string) {
    this.#name = name
  }

  fail(at: string, value: unknown, allowed: string): never {
    const shown = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'nothing')
    const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown
    throw new UsageError(`seccomp profile ${this.#name}: ${at} is ${short}: ${allowed}`)
  }

  object(at: string, value: unknown): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(at, value, 'an object is wanted')
    return value as Json
  }

  list<T>(at: string, value: unknown, each: (at: string, value: unknown) => T): T[] {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) this.fail(at, value, 'a list is wanted')
    return value.map((one, i) => each(`${at}[${i}]`, one))
  }

  text = (at: string, value: unknown): string =>
    typeof value === 'string' ? value : this.fail(at, value, 'a string is wanted')

  oneOf<T extends string>(at: string, value: unknown, allowed: readonly T[]): T {
    return allowed.includes(value as T) ? (value as T) : this.fail(at, value, `allowed are ${allowed.join(', ')}`)
  }

  number(at: string, value: unknown, max: bigint): number | bigint {
    const fits = typeof value === 'bigint' || Number.isSafeInteger(value)
    if (!fits || (value as number) < 0 || BigInt(value as number) > max)
      this.fail(at, value, `a whole number from 0 to ${max} is wanted`)
    return value as number
  }

  /** At most `max`, which is small; undefined where there is none. */
  small(at: string, value: unknown, max: number): number | undefined {
    return value === undefined || value === null ? undefined : Number(this.number(at, value, BigInt(max)))
  }
}

const U64 = 2n ** 64n - 1n

/** All that the OCI runtime spec names, whether a machine of ours can be one or not. */
const ARCHITECTURES = `
  X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC
  PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB`
  .trim()
  .split(/\s+/)
  .map(name => `SCMP_ARCH_${name}`)

function readAction(read: Reader, at: string, value: unknown): Action {
  if (value === 'SCMP_ACT_NOTIFY')
    read.fail(at, value, 'a program outside that decides is not supported; use SCMP_ACT_ERRNO or SCMP_ACT_ALLOW')
  return read.oneOf(at, value, Object.keys(ACTIONS) as Action[])
}

function readErrno(read: Reader, at: string, value: unknown, action: Action): { [name: string]: number } {
  const errno = read.small(at, value, 4095)
  if (errno === undefined) return {}
  if (action !== 'SCMP_ACT_ERRNO' && action !== 'SCMP_ACT_TRACE')
    read.fail(at, value, `${action} has no such value; only SCMP_ACT_ERRNO and SCMP_ACT_TRACE have`)
  return { [at.split('.').at(-1)!]: errno }
}

function readCondition(read: Reader, at: string, value: unknown): Condition {
  const { index, value: first, valueTwo, op } = read.object(at, value)
  return {
    index: Number(read.number(`${at}.index`, index, 5n)),
    value: read.number(`${at}.value`, first, U64),
    ...(valueTwo !== undefined && { valueTwo: read.number(`${at}.valueTwo`, valueTwo, U64) }),
    op: read.oneOf(`${at}.op`, op, OPERATORS),
  }
}

function readFilter(read: Reader, at: string, value: unknown): Filter {
  const { caps, arches, minKernel } = read.object(at, value ?? {})
  if (minKernel !== undefined && !/^\d+\.\d+$/.test(read.text(`${at}.minKernel`, minKernel)))
    read.fail(`${at}.minKernel`, minKernel, 'a version such as 4.8 is wanted')
  return {
    caps: read.list(`${at}.caps`, caps, read.text),
    arches: read.list(`${at}.arches`, arches, read.text),
    ...(minKernel !== undefined && { minKernel: minKernel as string }),
  }
}

function readRule(read: Reader, at: string, value: unknown): NonNullable<Profile['syscalls']>[number] {
  const { name, names, action, errnoRet, args, includes, excludes } = read.object(at, value)
  const known = readAction(read, `${at}.action`, action)
  return {
    names: name === undefined ? read.list(`${at}.names`, names, read.text) : [read.text(`${at}.name`, name)],
    action: known,
    ...readErrno(read, `${at}.errnoRet`, errnoRet, known),
    args: read.list(`${at}.args`, args, (at, one) => readCondition(read, at, one)),
    includes: readFilter(read, `${at}.includes`, includes),
    excludes: readFilter(read, `${at}.excludes`, excludes),
  }
}

/**
 * A profile from the text of a JSON file; `name` is told in errors. Takes the plain and the extended form.
 * Throws a UsageError of one line that names the place and what is allowed there.
 */
export function parseProfile(text: string, name: string): Profile {
  const read = new Reader(name)
  let json: unknown
  try {
    json = parseJson(text)
  } catch (error) {
    throw new UsageError(
      `seccomp profile ${name}: not JSON: ${(error as Error).message.replace(/[\0-\x1f\x7f]/g, ' ')}`,
    )
  }
  const { defaultAction, defaultErrnoRet, architectures, archMap, flags, syscalls } = read.object('it', json)
  const action = readAction(read, 'defaultAction', defaultAction)
  return {
    defaultAction: action,
    ...readErrno(read, 'defaultErrnoRet', defaultErrnoRet, action),
    architectures: read.list('architectures', architectures, (at, arch) => read.oneOf(at, arch, ARCHITECTURES)),
    flags: read.list('flags', flags, (at, flag) => read.oneOf(at, flag, Object.keys(FLAGS) as Flag[])),
    archMap: read.list('archMap', archMap, (at, one) => {
      const { architecture, subArchitectures } = read.object(at, one)
      return {
        architecture: read.text(`${at}.architecture`, architecture),
        subArchitectures: read.list(`${at}.subArchitectures`, subArchitectures, read.text),
      }
    }),
    syscalls: read.list('syscalls', syscalls, (at, rule) => readRule(read, at, rule)),
  }
}
