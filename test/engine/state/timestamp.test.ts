import { expect, test } from 'vitest'
import { timestamp } from '../../../toolkit/engine/state/timestamp.ts'

test.each([0, 951_782_400_000, 1_700_000_000_009, 253_402_300_799_999])('%d ms, as toISOString() has it', ms => {
  expect(timestamp(new Date(ms))).toBe(new Date(ms).toISOString())
})

test('now, where none is given', () => {
  const before = Date.now()
  expect(Date.parse(timestamp())).toBeGreaterThanOrEqual(before)
  expect(Date.parse(timestamp())).toBeLessThanOrEqual(Date.now())
})
