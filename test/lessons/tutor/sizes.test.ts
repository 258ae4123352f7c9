// The whole tutor in windows of all sizes.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { layout } from '../../../lessons/tutor/layout.ts'
import { width } from '../../../lessons/tutor/wrap.ts'
import { FakePlayer, type FakeShell } from './fake-player.ts'
import { openVirtual } from './virtual-terminal.ts'

let player: FakePlayer
let virtual: Awaited<ReturnType<typeof openVirtual>>

async function open(columns: number, rows: number) {
  player = new FakePlayer()
  player.start()
  virtual = await openVirtual(player, { columns, rows })
  await virtual.waitFor(/Lesson/)
  ;(player.shell as FakeShell).print('lab# ')
  await virtual.waitFor(/lab#/)
  await virtual.settle()
}

afterEach(() => virtual.leave())

describe.each([
  [60, 18],
  [80, 24],
  [120, 36],
  [160, 45],
  [240, 67],
])('%i x %i', (columns, rows) => {
  beforeEach(() => open(columns, rows))

  test('shows everything, within the screen', () => {
    const text = virtual.screen()
    for (const part of ['lesson 1: A ro', 'task 1 of 3', 'Look at your root', 'Not yet.', 'lab#', 'Shell'])
      expect(text).toContain(part)
    for (const row of virtual.rows()) expect(width(row)).toBeLessThanOrEqual(columns)
    expect(virtual.rows().at(-1)).toMatch(/help/)
    expect(virtual.rows().at(-1)).toMatch(/quit/)
  })

  test('the shell gets its size', () => {
    const { terminal } = layout(columns, rows, 3)
    expect(player.size).toEqual(terminal)
  })

  test('resizing to another size and back leaves the same screen', async () => {
    const before = virtual.screen()
    for (const [c, r] of [
      [40, 10],
      [100, 30],
      [61, 19],
      [columns, rows],
    ] as const)
      await virtual.resize(c, r)
    expect(virtual.screen()).toBe(before)
  })
})
