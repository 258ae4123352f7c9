// Resource limits of a process, and of each process that it starts: open files, stack, core dumps … getrlimit(2).
// A soft limit is what counts; a process may raise it up to the hard limit, and the hard one only with SYS_RESOURCE.
import { invoke } from '../kernel/call.ts'
import { RLIMIT } from '../kernel/constants.ts'
import { type Step, type Struct, step } from '../kernel/step.ts'

const lesson = '11-limits'

export type RlimitType = `RLIMIT_${keyof typeof RLIMIT}`

/** An entry of `process.rlimits` in an OCI config.json. In the unit of the man page; -1 is no limit. */
export interface Rlimit {
  readonly type: RlimitType
  readonly soft: number
  readonly hard: number
}

const numberOf = (type: RlimitType): number => RLIMIT[type.slice(7) as keyof typeof RLIMIT]

/** RLIM_INFINITY is all ones. As a number of JSON it is 2**64, which it is taken for, too. */
const isUnlimited = (value: number): boolean => value < 0 || value >= 2 ** 63

function rlimit({ soft, hard }: Omit<Rlimit, 'type'>): Struct {
  const word = (value: number) => (isUnlimited(value) ? -1n : BigInt(value))
  const say = (value: number) => (isUnlimited(value) ? 'RLIM_INFINITY' : String(value))
  const bytes = Buffer.from(BigInt64Array.of(word(soft), word(hard)).buffer)
  return { bytes, text: `{rlim_cur=${say(soft)}, rlim_max=${say(hard)}}` }
}

/** The letter of bash's ulimit for each that has one. */
const LETTER: Partial<Record<RlimitType, string>> = {
  RLIMIT_CPU: 't',
  RLIMIT_FSIZE: 'f',
  RLIMIT_DATA: 'd',
  RLIMIT_STACK: 's',
  RLIMIT_CORE: 'c',
  RLIMIT_RSS: 'm',
  RLIMIT_NPROC: 'u',
  RLIMIT_NOFILE: 'n',
  RLIMIT_MEMLOCK: 'l',
  RLIMIT_AS: 'v',
  RLIMIT_LOCKS: 'x',
  RLIMIT_SIGPENDING: 'i',
  RLIMIT_MSGQUEUE: 'q',
  RLIMIT_NICE: 'e',
  RLIMIT_RTPRIO: 'r',
  RLIMIT_RTTIME: 'R',
}

/** Sets limits on the process itself. */
export function plan({ rlimits }: { rlimits: readonly Rlimit[] }): Step[] {
  return rlimits.map(({ type, soft, hard }) =>
    step('prlimit64', [0, numberOf(type), rlimit({ soft, hard }), null], {
      lesson,
      why:
        type === 'RLIMIT_NOFILE'
          ? 'Node has raised its own limit of open files; programs are slow or break with a very high one'
          : 'the limit that was asked for',
      shell: `ulimit -S${LETTER[type]} ${isUnlimited(soft) ? 'unlimited' : soft}`,
    }),
  )
}

/** What this process has now. */
export function current(type: RlimitType): Rlimit {
  const limits = Buffer.alloc(16)
  invoke('prlimit64', [0, numberOf(type), null, limits])
  const [soft, hard] = [0, 8].map(at => Number(limits.readBigInt64LE(at)))
  return { type, soft: soft!, hard: hard! }
}

/** The first with a hard limit above our own, which takes SYS_RESOURCE; undefined where there is none. */
export function aboveOurs(rlimits: readonly Rlimit[]): Rlimit | undefined {
  const above = (a: number, b: number) => !isUnlimited(b) && (isUnlimited(a) || a > b)
  return rlimits.find(({ type, hard }) => above(hard, current(type).hard))
}
