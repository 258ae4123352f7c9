import { expect, test } from 'vitest'
import { sgr, themeOfBackground, themeOfEnvironment, themes } from '../../../lessons/tutor/theme.ts'

test.each([
  [{ TERM: 'xterm-256color' }, undefined],
  [{ TERM: 'xterm' }, undefined],
  [{ TERM: 'xterm-256color', NO_COLOR: '1' }, 'plain'],
  [{ TERM: 'xterm-256color', NO_COLOR: '1', TOOLKIT_THEME: 'dark' }, 'plain'],
  [{ TERM: 'vt220' }, 'plain'],
  [{ TERM: 'linux' }, 'sixteen'],
  [{ TERM: 'screen' }, 'sixteen'],
  [{ TERM: 'xterm-16color' }, 'sixteen'],
  [{ TERM: 'screen', COLORTERM: 'truecolor' }, undefined],
  [{ TERM: 'linux', TOOLKIT_THEME: 'light' }, 'light'],
  [{ TERM: 'xterm', TOOLKIT_THEME: 'constructor' }, undefined],
  [{ TERM: 'xterm', COLORFGBG: '15;0' }, 'dark'],
  [{ TERM: 'xterm', COLORFGBG: '0;default;15' }, 'light'],
])('%j: %s', (env, name) => {
  expect(themeOfEnvironment(env)).toBe(name)
})

test('the terminal says what its background is', () => {
  expect(themeOfBackground('\x1b]11;rgb:1e1e/1e1e/1e1e\x07')).toBe('dark')
  expect(themeOfBackground('\x1b]11;rgb:ff/ff/f0\x1b\\')).toBe('light')
  expect(themeOfBackground('\x1b]11;?\x07')).toBeUndefined()
})

test('sixteen uses the first eight colours only, and plain none', () => {
  const { name: _, ...sixteen } = themes.sixteen
  const { name: __, ...plain } = themes.plain
  for (const style of Object.values(sixteen)) expect(style('x')).not.toMatch(/[34]8;5/)
  for (const style of Object.values(plain)) expect(style('x')).not.toMatch(/\x1b\[(3\d|4[0-8]|9\d)[;m]/)
})

test('a style closes what it has opened, and no more', () => {
  expect(sgr('1', '38;5;44')('x')).toBe('\x1b[1m\x1b[38;5;44mx\x1b[22m\x1b[39m')
  expect(sgr('7')('')).toBe('')
})
