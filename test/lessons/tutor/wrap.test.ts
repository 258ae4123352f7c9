import { stripVTControlCharacters as strip } from 'node:util'
import { expect, test } from 'vitest'
import { cut, fit, width, wrapLine } from '../../../lessons/tutor/wrap.ts'

const bold = (text: string) => `\x1b[1m${text}\x1b[22m`

test('breaks after spaces, and a word only where it alone is too wide', () => {
  expect(wrapLine('one two three', 8)).toEqual(['one two', 'three'])
  expect(wrapLine('unshareable', 5)).toEqual(['unsha', 'reabl', 'e'])
})

test('rows after the first are indented', () => {
  expect(wrapLine('one two three', 8, '  ')).toEqual(['one two', '  three'])
})

test('Chinese breaks anywhere but before closing punctuation, and Latin words in it stay whole', () => {
  const rows = wrapLine('每个进程都有一个根目录，unshare之后就不同了。', 12)
  for (const row of rows) {
    expect(width(row)).toBeLessThanOrEqual(12)
    expect(row).not.toMatch(/^[，。]/)
  }
  expect(rows.join('')).toContain('unshare')
  expect(rows.some(row => row.includes('unshare'))).toBe(true)
})

test('every row closes its styles and the next opens them again', () => {
  const rows = wrapLine(`a ${bold('one two three')} b`, 6)
  expect(rows.map(strip)).toEqual(['a one', 'two', 'three', 'b'])
  for (const row of rows) if (row.includes('\x1b[1m')) expect(row).toMatch(/\x1b\[(0|22)m *[a-z]?$/)
  expect(rows[1]).toMatch(/^\x1b\[1mtwo/)
  expect(rows.at(-1)).toBe('b')
})

test('links are closed and opened again', () => {
  const link = '\x1b]8;;https://example.org\x07'
  const rows = wrapLine(`${link}one two\x1b]8;;\x07`, 4)
  expect(rows).toEqual([`${link}one\x1b]8;;\x07`, `${link}two\x1b]8;;\x07`])
})

test('cut and fit keep to the width', () => {
  expect(cut('namespaces', 5)).toBe('name…')
  expect(width(cut('根目录根目录', 5))).toBeLessThanOrEqual(5)
  expect(fit('ab', 4)).toBe('ab  ')
  expect(strip(cut(bold('namespaces'), 5))).toBe('name…')
  expect(cut(bold('namespaces'), 5)).toContain('\x1b[22m')
})

test.each([
  '容器不过是一个普通的进程：内核给它看到的世界（文件、进程、网络）与众不同。“隔离”并不是魔法……',
  '运行 `unshare --uts`，然后用 hostname 改名；宿主机的名字（见《第二课》）不变！是不是？——是的。',
  '🙂🐳表情也占两格，👩‍🚀也是。한국어와 日本語「かな」も、正しく折り返す。',
])('no row of %s is too wide, or begins or ends with the wrong sign', text => {
  for (let columns = 8; columns <= 40; columns++) {
    const rows = wrapLine(text, columns)
    for (const row of rows) {
      expect(width(row), row).toBeLessThanOrEqual(columns)
      expect(row).not.toMatch(/^[、。，：；？！）》”…—」』]/u)
      expect(row).not.toMatch(/[（《“「『]$/u)
    }
    expect(rows.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
    if (columns >= 10)
      for (const word of ['unshare', '--uts', 'hostname'])
        if (text.includes(word))
          expect(
            rows.some(row => row.includes(word)),
            word,
          ).toBe(true)
  }
})
