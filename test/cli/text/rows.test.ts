import { expect, test } from 'vitest'
import { formatRows } from '../../../toolkit/cli/text/rows.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const row = { Name: 'one', Size: 7, Labels: { tier: 'db' } }

test('a line each', () => {
  expect(formatRows('{{.Name}}\\t{{json .Labels}}', [row, row], {})).toEqual(Array(2).fill('one\t{"tier":"db"}'))
  expect(formatRows('json', [row], {})).toEqual([JSON.stringify(row)])
  expect(() => formatRows('{{.Nmae}}', [row], {})).toThrow(UsageError)
})

test('what would steer a terminal does not', () => {
  expect(formatRows('{{.Name}}', [{ Name: '\x1b[2J' }], {})).toEqual(['\\x1b[2J'])
})

test('a table has titles made of its own words, and columns that fit', () => {
  const rows = [row, { ...row, Name: 'a-long-name', Size: 10 }]
  expect(formatRows('table {{.Name}}\t{{.Size}}', rows, { Name: 'VOLUME NAME' })).toEqual([
    ...['VOLUME NAME   SIZE', 'one           7', 'a-long-name   10'],
  ])
  expect(formatRows('table {{.Name}}', [], {})).toEqual(['NAME'])
})
