import { stripVTControlCharacters as strip } from 'node:util'
import { expect, test } from 'vitest'
import { find, mark } from '../../../lessons/tutor/find.ts'
import { sgr } from '../../../lessons/tutor/theme.ts'

const at = (rows: string[], wanted: string) =>
  find(rows, wanted).map(spans => spans.map(({ row, from, to }) => `${row}:${from}-${to}`).join(' '))

test('finds every place, in rows with styles, by what is seen', () => {
  expect(at(['a \x1b[1mroot\x1b[22m of', 'the root'], 'root')).toEqual(['0:2-6', '1:4-8'])
  expect(at(['nothing'], 'root')).toEqual([])
  expect(at(['anything'], '  ')).toEqual([])
})

test('capitals matter only where one is wanted', () => {
  expect(at(['Root root'], 'root')).toEqual(['0:0-4', '0:5-9'])
  expect(at(['Root root'], 'Root')).toEqual(['0:0-4'])
})

test('signs of expressions are signs', () => {
  expect(at(['a.b (c) [d] {e} x*y? $z ^ | \\ /'], '(c) [d] {e} x*y? $z ^ | \\ /')).toHaveLength(1)
  expect(at(['axb'], 'a.b')).toEqual([])
})

test('what was wrapped is found, a piece in each row', () => {
  expect(at(['  a root', '  directory is'], 'root directory')).toEqual(['0:4-8 1:2-11'])
  expect(at(['one', '', 'two'], 'one two')).toEqual(['0:0-3 2:0-3'])
  expect(at(['一个根目', '录，路径'], '根目录')).toEqual(['0:2-4 1:0-1'])
  expect(at(['根目', 'unshare'], '目 unshare')).toEqual(['0:1-2 1:0-7'])
})

test('a mark lies over the styles of a row, and leaves them as they were', () => {
  const style = sgr('7')
  const row = 'a \x1b[1mro\x1b[3mot\x1b[23m\x1b[22m of'
  const marked = mark(row, [{ row: 0, from: 1, to: 5, style }])
  expect(strip(marked)).toBe('a root of')
  expect(marked).toBe('a\x1b[7m \x1b[27m\x1b[1m\x1b[7mro\x1b[27m\x1b[3m\x1b[7mo\x1b[27mt\x1b[23m\x1b[22m of')
  expect(mark(row, [])).toBe(row)
})
