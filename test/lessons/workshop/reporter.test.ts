// A seat's line to a real server: what it says, what it hears, and what it does when one of the two goes away.
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lessons } from '../../../lessons/index.ts'
import {
  endMembership,
  keepMembership,
  type Membership,
  newMembership,
  parseJoinUrl,
  readMembership,
} from '../../../lessons/workshop/membership.ts'
import { Reporter } from '../../../lessons/workshop/reporter.ts'
import { eventually } from '../../cli/toolkit.ts'
import { FakePlayer } from '../tutor/fake-player.ts'
import { report, TestRoom } from './world.ts'

const TIMES = { pace: 20, retry: 20, longest: 100 }

let room: TestRoom
let directory: string
let file: string
let membership: Membership
const open: Reporter[] = []
beforeEach(async () => {
  room = await new TestRoom().start()
  directory = mkdtempSync(join(tmpdir(), 'seat-'))
  file = join(directory, 'seat.json')
  membership = newMembership(parseJoinUrl(room.workshop.joinUrl), 'Anna')
  keepMembership(membership, file)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map(line => line.close()))
  await room.end()
  rmSync(directory, { recursive: true })
})

/** A learner in a lesson, by index, with nothing done. */
const learner = (lesson = 1) =>
  new FakePlayer({ lesson: lessons[lesson]!, done: lessons[lesson]!.tasks.map(() => false) })

function begin(player = learner(), of = membership): Reporter {
  const progress = () => []
  const line = new Reporter({ file, membership: of, player, lessons, progress, times: TIMES })
  open.push(line)
  return line
}

const seats = () => room.workshop.room.view().seats
const here = () => seats().filter(({ away }) => away === 0)
const status = (line: Reporter, wanted: string) => eventually(() => line.state().status === wanted, wanted)

test('where the learner is, at once and after each change', async () => {
  const player = learner()
  const line = begin(player)
  await status(line, 'reporting')
  expect(seats()).toMatchObject([{ name: 'Anna', lesson: 1, task: 0, passed: false, hints: 0, away: 0 }])
  player.hint()
  await eventually(() => seats()[0]!.hints === 1, 'the hint')
  player.pass()
  await eventually(() => seats()[0]!.passed, 'the task')
  expect(seats()[0]!.done[1]).toBe(1)
  player.next()
  await eventually(() => seats()[0]!.task === 1, 'the next task')
  await line.close()
  await eventually(() => seats()[0]!.away > 0, 'gone')
})

test('while nothing happens, nothing is sent; a key makes the next report younger', async () => {
  const line = begin()
  await status(line, 'reporting')
  await sleep(300)
  let reports = 0
  const { room: seen } = room.workshop
  seen.subscribe(() => reports++)
  await sleep(1200)
  expect(reports).toBe(0)
  expect(seats()[0]!.idle).toBeGreaterThanOrEqual(1)
  line.active()
  line.answer() // whatever makes it speak
  await eventually(() => seats()[0]!.idle === 0, 'active')
})

test('everybody to lesson 6: the wish comes, and ends when the learner is there', async () => {
  const player = learner()
  const line = begin(player)
  await status(line, 'reporting')
  await room.order({ do: 'goto', lesson: '06-net' })
  await eventually(() => line.state().wish !== undefined, 'the wish')
  expect(line.state().wish).toEqual({ id: 1, kind: 'goto', lesson: '06-net' })
  expect(seats()[0]!.asked).toEqual(['goto'])
  await sleep(200) // on the line again, and not asked in a circle
  expect(line.state().status).toBe('reporting')
  await player.open(lessons[6]!, 0)
  await eventually(() => seats()[0]!.lesson === 6 && seats()[0]!.asked.length === 0, 'there')
  expect(line.state().wish).toBeUndefined()
  expect(readMembership(file)!.answered).toBe(1)
})

test('the seat starts again: the same number; what was not answered is asked again, what was is not', async () => {
  const first = begin()
  await status(first, 'reporting')
  await room.order({ do: 'goto', lesson: '06-net' })
  await eventually(() => first.state().wish !== undefined, 'the wish')
  await first.close()
  const second = begin(learner(), readMembership(file)!)
  await eventually(() => second.state().wish !== undefined, 'the wish again')
  expect(seats()).toHaveLength(1)
  expect(here()).toHaveLength(1)
  second.answer()
  await eventually(() => seats()[0]!.asked.length === 0, 'answered')
  await second.close()
  const third = begin(learner(), readMembership(file)!)
  await status(third, 'reporting')
  await sleep(200)
  expect(third.state().wish).toBeUndefined()
})

test('the server goes and comes again: all that was done meanwhile is there', async () => {
  const player = learner()
  const line = begin(player)
  await status(line, 'reporting')
  await room.stop()
  await status(line, 'away')
  player.pass()
  player.next()
  player.pass()
  player.next()
  player.hint()
  await sleep(100)
  await room.start()
  await status(line, 'reporting')
  expect(seats()).toMatchObject([{ number: 1, task: 2, hints: 1, away: 0 }])
  expect(seats()[0]!.done[1]).toBe(2)
})

test('the learner leaves the workshop: not one more report, though the tutor goes on', async () => {
  const player = learner()
  const line = begin(player)
  await status(line, 'reporting')
  endMembership(file)
  player.pass()
  await status(line, 'left')
  expect(seats()[0]!.done[1]).toBe(0)
  line.answer()
  expect(existsSync(file)).toBe(false)
})

test('another code: refused, and said', async () => {
  const wrong = { ...membership, code: 'aaaa-aaaa', seat: 'x'.repeat(22) }
  keepMembership(wrong, file)
  const line = begin(learner(), wrong)
  await status(line, 'refused')
  expect(seats()).toEqual([])
  await sleep(1000) // it does not try again and again: the server would take it for guessing
  for (let tries = 0; tries < 19; tries++) expect((await room.post('/api/seat', 'x', report())).status).toBe(401)
  expect((await room.post('/api/seat', 'x', report())).status).toBe(429)
})

test.each([
  ['garbage', 'x'],
  ['another shape', '{"number": "1", "wishes": []}'],
  ['without an end', 'x'.repeat(2 << 20)],
])('a server that answers %s does no harm', async (_, answer) => {
  const server: Server = createServer(
    (request, response) => void request.resume().on('end', () => response.end(answer)),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const other = { ...membership, url }
  keepMembership(other, file)
  const line = begin(learner(), other)
  await eventually(() => ['refused', 'away'].includes(line.state().status), 'not taken')
  expect(line.state().wish).toBeUndefined()
  await line.close()
  server.closeAllConnections()
  server.close()
})

test('a tutor is closed without waiting for a server that is silent', async () => {
  const server = createServer(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const other = { ...membership, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` }
  keepMembership(other, file)
  const line = begin(learner(), other)
  await sleep(50)
  await line.close() // it would be silent for longer than this test may take
  server.closeAllConnections()
  server.close()
})

test.each(['http://10.0.0.5:7321/k7wm-3hpt', '10.0.0.5:7321/k7wm-3hpt', 'http://[fd00::1]:7321/k7wm-3hpt/'])(
  '%s',
  text => {
    expect(parseJoinUrl(text).code).toBe('k7wm-3hpt')
  },
)
test.each([
  '',
  'k7wm-3hpt',
  'https://10.0.0.5/k7wm-3hpt',
  'http://10.0.0.5:7321/',
  'http://a@10.0.0.5/k7wm-3hpt',
  'file:///etc',
])('%j is nothing to join', text => {
  expect(() => parseJoinUrl(text)).toThrow('is not what')
})
