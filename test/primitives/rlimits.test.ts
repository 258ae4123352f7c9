import { describe, expect, test } from 'vitest'
import { RLIMIT } from '../../toolkit/kernel/constants.ts'
import { LIMIT_NAMES, readLimits } from '../../toolkit/observe/limits.ts'
import { aboveOurs, current, plan, type Rlimit, type RlimitType } from '../../toolkit/primitives/rlimits.ts'
import { shell } from '../kernel/plans.ts'
import { carryOut } from './carry-out.ts'

const types = Object.keys(RLIMIT).map(name => `RLIMIT_${name}` as RlimitType)
const figure = (value: number) => (value < 0 ? Number.POSITIVE_INFINITY : value)

test('current: what /proc/self/limits says', () => {
  const limits = readLimits(process.pid)!
  expect(types.map(type => type.slice(7)).sort()).toEqual([...LIMIT_NAMES].sort())
  for (const type of types) {
    const { soft, hard } = current(type)
    expect([type, figure(soft), figure(hard)]).toEqual([type, ...Object.values(limits[type.slice(7) as 'CPU'])])
  }
})

test('every limit can be lowered, and no limit stays none', async () => {
  const wanted = types.map((type): Rlimit => {
    const { hard } = current(type)
    const soft = type === 'RLIMIT_STACK' ? 1 << 20 : type === 'RLIMIT_NOFILE' ? 123 : Math.max(hard, -1) === -1 ? -1 : 0
    return { type, soft, hard }
  })
  let limits: ReturnType<typeof readLimits>
  const steps = [...plan({ rlimits: wanted }), { gate: 'look' }, shell('true')]
  await carryOut({ namespaces: [], steps }, (_gate, pid) => {
    limits = readLimits(pid)
  }).catch(() => undefined) // with some of these no program can start
  for (const { type, soft, hard } of wanted)
    expect([type, limits![type.slice(7) as 'CPU']]).toEqual([type, { soft: figure(soft), hard: figure(hard) }])
})

test('2**64 - 1, as JSON has it, is no limit', () => {
  const unlimited = JSON.parse('18446744073709551615')
  const [step] = plan({ rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: unlimited }] })
  expect(step!.args[2]).toMatchObject({ text: '{rlim_cur=0, rlim_max=RLIM_INFINITY}' })
  expect(step!.shell).toBe('ulimit -Sc 0')
})

describe('above ours', () => {
  const { hard } = current('RLIMIT_NPROC')
  const limit = (soft: number, hard: number): Rlimit => ({ type: 'RLIMIT_NPROC', soft, hard })

  test.skipIf(hard < 0)('is what is higher than our hard limit (a hard limit needed)', () => {
    expect(aboveOurs([limit(1, hard)])).toBeUndefined()
    for (const high of [limit(1, hard + 1), limit(1, -1)]) expect(aboveOurs([limit(1, hard), high])).toBe(high)
  })

  test('is nothing where ours is none', () => {
    expect(current('RLIMIT_CPU').hard).toBe(-1)
    expect(aboveOurs([{ type: 'RLIMIT_CPU', soft: -1, hard: -1 }])).toBeUndefined()
  })
})
