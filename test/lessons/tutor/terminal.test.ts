import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters as strip } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { rowToAnsi } from '../../../lessons/tutor/ansi.ts'
import { loadXterm, TerminalModel } from '../../../lessons/tutor/terminal.ts'
import { width } from '../../../lessons/tutor/wrap.ts'
import { slow } from '../../slow.ts'
import { FakeShell } from './fake-player.ts'

let shell: FakeShell
let model: TerminalModel

beforeEach(async () => {
  shell = new FakeShell()
  model = new TerminalModel(await loadXterm(), shell, { columns: 20, rows: 4 })
})
afterEach(() => model.dispose())

async function shown(text: string): Promise<string[]> {
  model.feed(Buffer.from(text))
  await sleep(50)
  return model.rows()
}

test('a row as text with its styles, closed at the end', async () => {
  const [row] = await shown('\x1b[1;31mred\x1b[0m plain \x1b[38;5;208;48;2;1;2;3mboth\x1b[0m')
  expect(row).toBe('\x1b[1;31mred\x1b[0m plain \x1b[38;5;208;48;2;1;2;3mboth\x1b[0m')
})

test('blank cells at the end are left out, coloured ones are not', async () => {
  expect((await shown('a b   '))[0]).toBe('a b')
  expect((await shown('\r\n\x1b[44m  \x1b[0m'))[1]).toBe('\x1b[44m  \x1b[0m')
})

test('wide characters take two cells', async () => {
  const [row] = await shown('根目录 ok')
  expect(row).toBe('根目录 ok')
  expect(width(row!)).toBe(9)
})

test('what terminals disagree about is reduced to its base character', async () => {
  const [row] = await shown('\u{1F44D}\u{1F3FD}x')
  expect(strip(row!)).toBe('\u{1F44D}x')
})

test('what is no text at all is shown as it can be, without a word about it', async () => {
  const complain = vi.spyOn(console, 'error')
  expect((await shown('\x1b[1é\x1b[38;5;\x1b[\u4e16ok'))[0]).toContain('ok')
  expect(complain).not.toHaveBeenCalled()
  complain.mockRestore()
})

test('a question of the program is answered to it', async () => {
  await shown('\x1b[6n')
  expect(shell.written).toBe('\x1b[1;1R')
})

test('the cursor, and that it is hidden', async () => {
  await shown('ab')
  expect(model.cursor()).toEqual({ x: 2, y: 0 })
  await shown('\x1b[?25l')
  expect(model.cursor()).toBeUndefined()
})

test('scrolls back and returns', async () => {
  await shown('1\r\n2\r\n3\r\n4\r\n5\r\n6')
  model.scroll(-2)
  expect(model.rows()).toEqual(['1', '2', '3', '4'])
  expect(model.scrolledBack).toBe(2)
  model.scrollToEnd()
  expect(model.rows()).toEqual(['3', '4', '5', '6'])
})

test('a flood is held back, and frames are limited', async () => {
  let frames = 0
  model.subscribe(() => frames++)
  for (let count = 0; count < 100; count++) model.feed(Buffer.alloc(4096, 'x'))
  await sleep(150)
  expect(shell.paused).toBeGreaterThan(0)
  expect(frames).toBeLessThan(8)
})

const late = slow > 1 ? ' (skipped: 160 kB are to be parsed before the next frame, and this processor is emulated)' : ''
test.skipIf(late)(
  `the answer to a key in a flood waits neither for the next frame nor for the flood${late}`,
  async () => {
    let resumed = 0
    shell.resume = () => void resumed++
    model.feed(Buffer.from('first'))
    await sleep(50)
    model.drew(1000) // drawing is slow, so the next frame would come after 200 ms
    for (let count = 0; count < 40; count++) model.feed(Buffer.alloc(4096, 'x'))
    await sleep(30)
    expect([shell.paused, resumed]).toEqual([1, 0])
    const drawn = new Promise(resolve => model.subscribe(() => resolve(model.rows().join('\n'))))
    model.expectEcho()
    expect(resumed).toBe(1)
    model.feed(Buffer.from('\r\n$ '))
    const frame = new Promise(resolve => setTimeout(resolve, 120, 'the next frame'))
    expect(await Promise.race([drawn, frame])).toMatch(/\n\$$/)
  },
)

test('rowToAnsi stops at the width it is given', async () => {
  const { Terminal } = await loadXterm()
  const terminal = new Terminal({ cols: 10, rows: 1, allowProposedApi: true })
  await new Promise<void>(resolve => terminal.write('abcdefghij', resolve))
  const { active } = terminal.buffer
  expect(rowToAnsi(active.getLine(0)!, 4, active.getNullCell())).toBe('abcd')
})
