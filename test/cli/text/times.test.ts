import { expect, test } from 'vitest'
import { formatTime, parseTime } from '../../../toolkit/cli/text/times.ts'

const now = Date.UTC(2026, 0, 31, 12)

test.each([
  ['10m', '2026-01-31T11:50:00.000000000Z'],
  ['+1h30m', '2026-01-31T10:30:00.000000000Z'],
  ['-5m', '2026-01-31T12:05:00.000000000Z'], // less than nothing ago is still to come
  ['1.5s', '2026-01-31T11:59:58.500000000Z'],
  ['1769860800', '2026-01-31T12:00:00.000000000Z'],
  ['1769860800.000000001', '2026-01-31T12:00:00.000000001Z'],
  ['2026-01-31T13:00:00.25+02:00', '2026-01-31T11:00:00.250000000Z'],
])('%s', (text, time) => {
  expect(formatTime(parseTime('--since', text, now))).toBe(time)
})

test.each(['', '-', 'm', '--5m', '5 m', 'yesterday', '1h-5m'])('%j is refused', text => {
  expect(() => parseTime('logs: --since', text, now)).toThrow(`logs: --since ${JSON.stringify(text)}: give a time as`)
})
