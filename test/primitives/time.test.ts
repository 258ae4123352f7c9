import { readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { formatOffsets, namespace, type Offsets, plan } from '../../toolkit/primitives/time.ts'
import { shell } from '../kernel/plans.ts'
import { carryOut, failure } from './carry-out.ts'

describe('offsets', () => {
  test('a line a clock', () => {
    expect(formatOffsets({ monotonic: { secs: -10 }, boottime: { secs: 86400, nanosecs: 5 } })).toBe(
      'monotonic -10 0\nboottime 86400 5\n',
    )
    expect(plan({})).toEqual([])
    expect(plan({ timeOffsets: {} })).toEqual([])
  })

  test.each([
    [{ realtime: { secs: 1 } }, 'there are monotonic and boottime'],
    [{ boottime: { secs: 1.5 } }, 'time offset of boottime: give whole seconds'],
    [{ boottime: { nanosecs: -1 } }, 'time offset of boottime: give whole seconds'],
    [{ monotonic: { nanosecs: 1e9 } }, 'time offset of monotonic: give whole seconds'],
  ])('%j is refused', (offsets, why) => {
    expect(() => formatOffsets(offsets as Offsets)).toThrow(why)
  })
})

const look = shell('readlink /proc/self/ns/time; cut -d. -f1 /proc/uptime')
const uptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])

describe.skipIf(process.getuid!() !== 0)('a time namespace (needs root)', () => {
  test('without offsets: its own, with the host’s clocks', async () => {
    const before = Math.floor(uptime())
    const [id, seconds] = (await carryOut({ namespaces: [namespace], steps: [look] })).output.split('\n')
    expect(id).not.toBe(readlinkSync('/proc/self/ns/time'))
    expect(Number(seconds)).toBeGreaterThanOrEqual(before)
    expect(Number(seconds)).toBeLessThanOrEqual(Math.ceil(uptime()))
  })

  test('with offsets: for the program itself, and only there', async () => {
    const before = Math.floor(uptime())
    const steps = [...plan({ timeOffsets: { boottime: { secs: 1_000_000 } } }), look]
    const [id, seconds] = (await carryOut({ namespaces: [], steps })).output.split('\n')
    expect(id).not.toBe(readlinkSync('/proc/self/ns/time'))
    expect(Number(seconds)).toBeGreaterThanOrEqual(before + 1_000_000)
    expect(uptime()).toBeLessThan(1_000_000 + before)
  })

  test('a clock before 0 is refused, with the reason', async () => {
    const steps = [...plan({ timeOffsets: { boottime: { secs: -1_000_000_000 } } }), look]
    const error = await failure(carryOut({ namespaces: [], steps }))
    expect(error).toMatchObject({ call: 'write', code: 'ERANGE', cause: expect.stringContaining('before 0') })
  })
})
