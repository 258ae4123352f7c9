import { afterEach, expect, test } from 'vitest'
import type { Lesson } from '../../../lessons/lesson.ts'
import { themeOfBackground, themeOfEnvironment, themes } from '../../../lessons/tutor/theme.ts'
import { FakePlayer, lesson } from './fake-player.ts'
import { factsOf, showing } from './panel-kernel.ts'
import { openVirtual } from './virtual-terminal.ts'

let close: (() => Promise<void>) | undefined
afterEach(async () => {
  await close?.()
  close = undefined
})

let uts = '1'
const observe = showing(
  () => (uts === '1' ? 'bash' : 'sh'),
  name => factsOf(uts === '1' ? 'bash' : 'sh', { name, uts }),
)

async function open(columns: number, panels?: Lesson['panels']) {
  const player = new FakePlayer({ lesson: { ...lesson, ...(panels && { panels }) } })
  player.start()
  const virtual = await openVirtual(player, { columns, rows: 30 }, { observe })
  close = async () => {
    virtual.press('\x1b[21~y')
    await virtual.left
  }
  return virtual
}

test.each([80, 120])('at %i columns: what changes stands out for a while', async columns => {
  uts = '1'
  const virtual = await open(columns, ['mounts'])
  await virtual.waitFor(columns < 100 ? /^ name mounts/m : /Mounts: bash.*│ uts 1/s)
  uts = '2'
  await virtual.waitFor(columns < 100 ? () => virtual.screen().includes('name mounts') : /Mounts: sh.*│\*uts 2/s)
  if (columns > 100) await virtual.waitFor(/│ uts 2/, 6000)
})

test('v goes to the next of the panels that the lesson has, and round', async () => {
  uts = '1'
  const virtual = await open(120, ['mounts', 'network'])
  await virtual.waitFor(/1\/2 Mounts: bash.*name mounts/s)
  virtual.press('v')
  await virtual.waitFor(/2\/2 Network: bash.*│ name network/s) // another panel is no change
  virtual.press('v')
  await virtual.waitFor(/1\/2 Mounts/)
})

test('a lesson without a list has two, and V shows one as a page', async () => {
  uts = '1'
  const virtual = await open(80)
  await virtual.waitFor(/name namespaces/)
  virtual.press('V')
  await virtual.waitFor(/Namespaces: bash.*uts 1.*Esc closes?/s)
  virtual.press('v')
  await virtual.waitFor(/Processes: bash/)
  virtual.press('q')
  await virtual.waitFor(/name processes.*Shell/s)
})

test('a lesson with one panel says so', async () => {
  uts = '1'
  const virtual = await open(80, ['mounts'])
  virtual.press('v')
  await virtual.waitFor(/This lesson has one live panel/)
})

/** With a program in the foreground. */
function program(columns: number) {
  uts = '2'
  return open(columns)
}

test('a solution is not put into the program that runs in the shell', async () => {
  const virtual = await program(80)
  virtual.press('s')
  await virtual.waitFor(/begins at the lab's own prompt\. Leave 'sh' first \(exit\), then F6\./)
})

test('leaving while a program runs asks', async () => {
  const virtual = await program(80)
  virtual.press('\x1b[21~')
  await virtual.waitFor(/'sh' is still running in the shell/)
  virtual.press('n')
  await virtual.waitFor(() => !/still running/.test(virtual.screen()))
})

test('the theme from the environment', () => {
  expect(themeOfEnvironment({ NO_COLOR: '1', TOOLKIT_THEME: 'dark' })).toBe('plain')
  expect(themeOfEnvironment({ TOOLKIT_THEME: 'light' })).toBe('light')
  expect(themeOfEnvironment({ COLORFGBG: '0;15' })).toBe('light')
  expect(themeOfEnvironment({ COLORFGBG: '15;0' })).toBe('dark')
  expect(themeOfEnvironment({})).toBeUndefined()
})

test('the theme from the background of the terminal', () => {
  expect(themeOfBackground('\x1b]11;rgb:1e1e/1e1e/1e1e\x07')).toBe('dark')
  expect(themeOfBackground('\x1b]11;rgb:fd/f6/e3\x1b\\')).toBe('light')
  expect(themeOfBackground('\x1b]11;?\x07')).toBeUndefined()
})

test('the theme without colours uses none', () => {
  const { name: _, ...styles } = themes.plain
  for (const style of Object.values(styles)) expect(style('x')).not.toMatch(/\x1b\[(3[0-8]|4[0-8])/)
})
