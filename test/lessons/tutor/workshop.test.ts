// What a learner sees of a workshop: that the seat reports and to whom, and what the instructor wants, at a moment of
// the learner's own.
import { expect, test } from 'vitest'
import type { Line, LineState } from '../../../lessons/workshop/line.ts'
import { leaveAfterEach, open, player, pressEscape, shell, virtual } from './open.ts'

const [F1, F2, F12] = ['\x1bOP', '\x1bOQ', '\x1b[24~']

class FakeLine implements Line {
  keys = 0
  answers = 0
  #state: LineState = { to: '10.0.0.5:7321', name: 'Anna', status: 'reporting', wish: undefined }
  readonly #listeners = new Set<() => void>()
  state = () => this.#state
  subscribe = (listener: () => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
  set(change: Partial<LineState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
  active(): void {
    this.keys++
  }
  answer(): void {
    this.answers++
    this.set({ wish: undefined })
  }
}

let line: FakeLine
async function join(
  size: readonly [number, number] = [80, 24],
  observe?: () => { pid: number; comm: string } | undefined,
) {
  line = new FakeLine()
  await open(
    {},
    { line, ...(observe && { observe: { program: observe as never, open: () => () => undefined } }) },
    size,
  )
}
leaveAfterEach()

const call = { id: 1, kind: 'goto', lesson: '02-uts' } as const
const top = () => virtual.rows()[0]!

test('it is said that the seat reports and to whom: at the beginning, always, and in the help', async () => {
  await join([120, 36])
  expect(virtual.screen()).toContain('This seat reports to the workshop at 10.0.0.5:7321. F1 says what.')
  expect(top()).toContain('reports to 10.0.0.5:7321')
  virtual.press(F1)
  await virtual.waitFor(/10\.0\.0\.5:7321, as Anna: lesson and task, tasks done,\s+hints shown/)
  line.set({ status: 'away' })
  await virtual.waitFor(/cannot report to 10\.0\.0\.5:7321/)
  line.set({ status: 'left' })
  await virtual.waitFor(() => !top().includes('report'))
})

test.each([[80, 24] as const, [60, 18] as const])('on %d × %d there is room for a sign', async (...size) => {
  await join(size)
  expect(top()).toMatch(/⇄ {2}task 1 of 3/)
})

test('without a workshop there is nothing of it', async () => {
  await open()
  expect(virtual.screen()).not.toMatch(/report|⇄/)
  virtual.press('i')
  await virtual.waitFor(/This seat reports to no workshop\./)
})

test('keys are told, whether the shell or the lesson has them', async () => {
  await join()
  virtual.press('j')
  await virtual.waitFor(() => line.keys === 1)
  virtual.press(`${F2}ls`)
  await virtual.waitFor(() => line.keys >= 3)
})

test('a call comes while the learner types: every key is still the shell’s, y and Enter too', async () => {
  await join()
  virtual.press(`${F2}echo `)
  await virtual.waitFor(() => shell().written === 'echo ')
  line.set({ wish: call })
  await virtual.waitFor(/^ Your instructor \(F12 answers\): everybody to lesson 2, A name of its own /)
  virtual.press('\x1bOS') // zoomed, the shell has the function keys
  await virtual.waitFor(() => top().includes('(Ctrl-] i answers)'))
  virtual.press('\x1d')
  await virtual.waitFor(() => top().includes('(i answers)'))
  virtual.press(`z${F2}`)
  virtual.press('yes\r')
  await virtual.waitFor(() => shell().written === 'echo yes\r')
  expect(player.calls).toEqual([])
  expect(top()).toContain('Your instructor')
  virtual.press(F12)
  await virtual.waitFor(/Go to lesson 2\? This lab is thrown away.*y: yes {2}n: no/)
  virtual.press('y')
  await virtual.waitFor(() => player.calls.length > 0)
  expect(player.calls).toEqual(['open 02-uts 1']) // its first task is done
  expect(line.answers).toBe(1)
  await virtual.waitFor(() => top().includes('toolkit · lesson 2'))
})

test('no: the row is as before, and the learner stays', async () => {
  await join()
  line.set({ wish: call })
  await virtual.waitFor(() => top().includes('(i answers)'))
  virtual.press('i')
  await virtual.waitFor(/Go to lesson 2\?/)
  await pressEscape()
  await virtual.waitFor(() => top().includes('lesson 1'))
  expect(player.calls).toEqual([])
  expect(line.answers).toBe(1)
})

test('a program that runs is named before it is lost', async () => {
  let program: { pid: number; comm: string } | undefined = { pid: 1, comm: 'vim' }
  await join([100, 30], () => program)
  line.set({ wish: call })
  virtual.press('i')
  await virtual.waitFor(/'vim' still runs\. Go to lesson 2\?/)
  virtual.press('n')
  program = undefined
})

test('a reset is asked for; one that is not is done and said', async () => {
  await join()
  line.set({ wish: { id: 2, kind: 'reset', now: false } })
  await virtual.waitFor(() => top().includes('Your instructor (i answers): start this lab anew'))
  expect(player.calls).toEqual([])
  virtual.press('i')
  await virtual.waitFor(/Throw the lab away and start a new one\? Progress stays\./)
  virtual.press('y')
  await virtual.waitFor(() => player.calls.includes('reset'))
  player.calls = []
  line.set({ wish: { id: 3, kind: 'reset', now: true } })
  await virtual.waitFor(/Your instructor has had the lab thrown away for a new one\. Progress stays/)
  expect(player.calls).toEqual(['reset'])
  expect(line.answers).toBe(2)
})

test('refused: once, in words', async () => {
  await join()
  line.set({ status: 'refused' })
  await virtual.waitFor(/does not take this seat's reports: toolkit workshop status/)
})
