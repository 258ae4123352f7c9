// The player with a lab that is none: what it does, and when.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import type { Lesson } from '../../lessons/lesson.ts'
import { createPlayer } from '../../lessons/play.ts'
import type { Player } from '../../lessons/player.ts'
import type { Lab, LabShell } from '../../toolkit/engine/lab/lab.ts'
import { good } from './fixtures/good.ts'

let passing: Set<string>
let labs: { alive: boolean; ran: string[]; shells: { end(): void }[] }[]
let done: Set<string>
let player: Player | undefined

const task = (id: string) => ({
  ...good.tasks[0]!,
  id,
  check: () => ({ passed: passing.has(id), saw: `looked at ${id}` }),
  solution: [`first ${id} {{name}}`, `second ${id}`],
  leaves: [`leave ${id}`],
})
const lesson: Lesson = { ...good, tasks: [task('one'), task('two'), task('three')] }

async function fakeLab(): Promise<Lab> {
  const lab = { alive: true, ran: [] as string[], shells: [] as { end(): void }[] }
  labs.push(lab)
  await sleep(5)
  return {
    pid: 1,
    cgroups: [],
    shell() {
      const exits: ((code: number) => void)[] = []
      lab.shells.push({ end: () => exits.forEach(exit => void exit(0)) })
      return { pid: 2, resize() {}, write() {}, onExit: exit => void exits.push(exit) } as Partial<LabShell> as LabShell
    },
    async run(argv) {
      lab.ran.push(argv.at(-1)!)
      return { code: 0, output: '' }
    },
    async stop() {
      lab.alive = false
    },
  }
}

function play(start = 0, startLab = fakeLab): Player {
  passing = new Set()
  labs = []
  done = new Set()
  const progress = {
    isDone: (_: string, id: string) => done.has(id),
    markDone: (_: string, id: string) => void done.add(id),
    goTo() {},
  }
  player = createPlayer(lesson, start, { startLab, progress, interval: 10 })
  return player
}

afterEach(async () => {
  await player?.close()
  expect(labs.filter(({ alive }) => alive)).toEqual([])
})

const working = (player: Player) => vi.waitFor(() => expect(player.state.phase).toBe('working'))

test('starts, looks, passes by itself, and stays', async () => {
  const player = play()
  expect(player.state.phase).toBe('starting')
  await working(player)
  await vi.waitFor(() => expect(player.state.saw).toBe('looked at one'))
  passing.add('one')
  await vi.waitFor(() => expect(player.state.phase).toBe('passed'))
  passing.delete('one')
  await sleep(50)
  expect(player.state).toMatchObject({ phase: 'passed', task: 0, done: [true, false, false] })
  expect(done).toEqual(new Set(['one']))
})

test('a wish to check is seen before its verdict', async () => {
  const player = play()
  await working(player)
  const phases: string[] = []
  player.subscribe(() => phases.push(player.state.phase))
  player.check()
  expect(phases).toEqual(['checking'])
  await working(player)
  expect(player.state.saw).toBe('looked at one')
})

test('a wish to check a task that is done tells the truth of now', async () => {
  const player = play()
  passing.add('one')
  await vi.waitFor(() => expect(player.state.phase).toBe('passed'))
  passing.delete('one')
  player.check()
  await working(player)
  expect(player.state.done[0]).toBe(true)
  passing.add('one')
  await vi.waitFor(() => expect(player.state.phase).toBe('passed'))
})

test('a check that throws passes nothing', async () => {
  const player = play()
  passing.has = () => {
    throw new Error('broken')
  }
  await vi.waitFor(() => expect(player.state.saw).toMatch(/the check itself failed.*broken/))
  expect(player.state.phase).toBe('working')
})

test('moves only when asked, and within the lesson', async () => {
  const player = play()
  await working(player)
  player.hint()
  player.previous()
  expect(player.state).toMatchObject({ task: 0, hints: 1 })
  player.next()
  expect(player.state).toMatchObject({ task: 1, hints: 0 })
  player.next()
  player.next()
  expect(player.state.task).toBe(2)
})

test('the solution comes line by line, with its values', async () => {
  const player = play()
  await working(player)
  expect([player.solution(), player.solution(), player.solution()]).toEqual([
    `first one ${player.state.values.name}`,
    'second one',
    `first one ${player.state.values.name}`,
  ])
  expect(player.state.offered).toBe(1)
  player.next()
  expect(player.state.offered).toBe(0)
})

test('who starts further on finds what the tasks before leave', async () => {
  const player = play(2)
  await working(player)
  expect(labs[0]!.ran).toEqual(['cd /lab\nleave one\nleave two'])
})

test('who jumps finds it too, but not twice', async () => {
  const player = play()
  await working(player)
  passing.add('one')
  await vi.waitFor(() => expect(player.state.phase).toBe('passed'))
  await player.open(lesson, 2)
  await player.open(lesson, 2)
  expect(labs[0]!.ran).toEqual(['cd /lab\nleave two'])
})

test('reset makes a new lab, keeps the place and what is done', async () => {
  const player = play()
  await working(player)
  const { name } = player.state.values
  passing.add('one')
  await vi.waitFor(() => expect(player.state.phase).toBe('passed'))
  passing.clear()
  await player.reset()
  expect(labs.map(({ alive }) => alive)).toEqual([false, true])
  expect(player.state).toMatchObject({ task: 0, done: [true, false, false], phase: 'working' })
  expect(player.state.values.name).not.toBe(name)
})

test('resets in a row leave one lab', async () => {
  const player = play()
  await Promise.all([player.reset(), player.reset(), player.reset()])
  expect(labs.filter(({ alive }) => alive)).toHaveLength(1)
  expect(player.lab).toBeDefined()
})

test('a shell that ended can be opened again', async () => {
  const player = play()
  await working(player)
  labs[0]!.shells[0]!.end()
  expect(player.shell).toBeUndefined()
  player.restartShell()
  player.restartShell()
  expect(player.shell).toBeDefined()
  expect(labs[0]!.shells).toHaveLength(2)
})

test('a lab that cannot start is said in one line', async () => {
  const player = play(0, async () => {
    throw new Error('no overlay\nsecond line')
  })
  await vi.waitFor(() => expect(player.state.error).toBe('no overlay'))
  player.check()
  expect(player.state.phase).toBe('working')
})
