import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { narrowWidth } from '../../../lessons/tutor/narrow.ts'

const narrow = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code)).filter(
  character => narrowWidth(character) !== undefined,
)

test('what takes no closer look is one cell, alone and beside anything else of its kind', () => {
  expect(narrow.filter(character => stringWidth(character) !== 1)).toEqual([])
  for (const before of narrow) {
    for (const after of ['a', '#', '1', '…', '│', '✔', '\u02d0', before]) {
      if (stringWidth(before + after) !== 2) expect.fail(`${before}${after} is not two cells`)
    }
  }
})

test.each(['', 'a\x1b[1;31mb\x1b[0m', '─── ▸ Lesson ✔ ≠ … ↓ é', '│'.repeat(80)])('%j', text => {
  expect(narrowWidth(text)).toBe(stringWidth(text))
})

test.each(['中', 'e\u0301', '✔\ufe0f', '▶', '👍', '\x1b]8;;http://x\x07x', '\x1b[2Jx', 'a\tb', '\xad'])(
  '%j takes a closer look',
  text => {
    expect(narrowWidth(text)).toBeUndefined()
  },
)
