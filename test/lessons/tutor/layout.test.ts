import { expect, test } from 'vitest'
import { layout, type Rect } from '../../../lessons/tutor/layout.ts'

const sizes = [
  [60, 18],
  [80, 24],
  [99, 50],
  [100, 18],
  [120, 36],
  [160, 45],
  [240, 67],
] as const

const cells = ({ x, y, width, height }: Rect) =>
  Array.from({ length: width * height }, (_, index) => `${x + (index % width)},${y + Math.floor(index / width)}`)

for (const [columns, rows] of sizes) {
  for (const zoom of [undefined, 'lesson', 'shell'] as const) {
    test(`${columns}x${rows} ${zoom ?? 'all panes'}: nothing overlaps, nothing is left over, nothing hangs out`, () => {
      const { panes, divider, page } = layout(columns, rows, 5, zoom)
      const line = divider === undefined ? [] : [{ x: divider, y: 1, width: 1, height: rows - 2 }]
      const used = [...Object.values(panes), ...line].flatMap(cells)
      expect(new Set(used).size).toBe(used.length)
      expect(used.length).toBe(columns * (rows - 2))
      for (const rect of Object.values(panes)) {
        expect(rect.height).toBeGreaterThan(0)
        expect(rect.x + rect.width).toBeLessThanOrEqual(columns)
        expect(rect.y + rect.height).toBeLessThanOrEqual(rows - 1)
      }
      expect(page.height).toBe(rows - 2)
    })
  }
}

test('the shell has the full width where panes are stacked or it is alone', () => {
  expect(layout(80, 24, 3).terminal).toEqual({ columns: 80, rows: 7 })
  expect(layout(120, 36, 3, 'shell').terminal).toEqual({ columns: 120, rows: 33 })
})

test('zooming the lesson does not resize the shell', () => {
  expect(layout(120, 36, 3, 'lesson').terminal).toEqual(layout(120, 36, 3).terminal)
})

test('at 160 columns the shell has 80 and more', () => {
  expect(layout(160, 45, 3).terminal.columns).toBeGreaterThanOrEqual(80)
})

test('below 60x18 it is too small', () => {
  expect(layout(59, 24, 3).kind).toBe('small')
  expect(layout(80, 17, 3).kind).toBe('small')
  expect(layout(60, 18, 3).kind).toBe('stacked')
})
