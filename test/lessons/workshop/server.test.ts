// The workshop's server, asked over real connections on loopback.
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lessons } from '../../../lessons/index.ts'
import { EventStreams } from '../../../lessons/workshop/events.ts'
import { MAX_BODY } from '../../../lessons/workshop/protocol.ts'
import { newKey } from '../../../lessons/workshop/secrets.ts'
import { openWorkshop } from '../../../lessons/workshop/server.ts'
import { http, report, TestRoom } from './world.ts'

let room: TestRoom
beforeEach(async () => {
  room = await new TestRoom().start()
})
afterEach(() => room.end())

const ids = (lesson: number) => lessons[lesson]!.tasks.map(({ id }) => id)
const at = (lesson: number, task = 0) => ({ lesson: lessons[lesson]!.name, task: ids(lesson)[task]! })

describe('seats', () => {
  test('a seat is shown with its place, its ticks, its hints', async () => {
    const seat = newKey()
    const done = { '00-start': ids(0), '01-chroot': ids(1).slice(0, 2) }
    expect(await room.report({ seat, name: 'Anna', ...at(1, 2), done, hints: 2, idle: 7 })).toEqual({
      number: 1,
      wishes: [],
    })
    const { seats, course, call } = await room.view()
    expect(course.map(({ number }) => number)).toEqual([...Array(21).keys()])
    expect(call).toBeNull()
    expect(seats).toHaveLength(1)
    expect(seats[0]).toMatchObject({ number: 1, name: 'Anna', lesson: 1, task: 2, passed: false, hints: 2, away: 0 })
    expect(seats[0]!.idle).toBeGreaterThanOrEqual(7)
    expect(seats[0]!.done.slice(0, 3)).toEqual([ids(0).length, 2, 0])
    await room.report({ seat, ...at(1, 2), done: { '01-chroot': ids(1) } })
    expect((await room.view()).seats[0]).toMatchObject({ number: 1, name: '', passed: true })
  })

  test('what this course does not have is not kept, and nothing but the report is', async () => {
    const foreign = {
      done: { '99-x': ['a'], '01-chroot': ['nonsense'], constructor: ['x'] },
      lesson: '99-x',
      task: 'a',
    }
    const seat = newKey()
    const extra = { ...report({ seat, ...foreign }), hostname: 'private', output: 'secret-of-the-learner' }
    expect((await room.post('/api/seat', room.file.stored.code, extra)).status).toBe(200)
    expect((await room.view()).seats[0]).toMatchObject({ lesson: -1, task: -1, done: Array(21).fill(0) })
    await room.order({ do: 'goto', lesson: null }) // saves at once
    expect(readFileSync(room.file.file, 'utf8')).not.toMatch(/private|secret-of|nonsense/)
  })

  test('sixty seats at once, each with its request on the line; all hear of one call', async () => {
    const seats = Array.from({ length: 60 }, (_, i) => ({ seat: newKey(), name: `learner ${i}`, ...at(i % 21) }))
    const answers = await Promise.all(seats.map(seat => room.report(seat)))
    expect(new Set(answers.map(({ number }) => number)).size).toBe(60)
    const waiting = seats.map(seat => room.report({ ...seat, wait: true }))
    await sleep(100)
    expect((await room.view()).seats.filter(({ away }) => away === 0)).toHaveLength(60)
    expect((await room.order({ do: 'goto', lesson: '06-net' })).status).toBe(200)
    for (const answer of await Promise.all(waiting))
      expect(answer.wishes).toEqual([{ id: 1, kind: 'goto', lesson: '06-net' }])
    const { call, seats: views } = await room.view()
    expect(call).toBe(6)
    // who is in lesson 6 is not asked
    expect(views.filter(({ asked }) => asked.includes('goto'))).toHaveLength(60 - 3)
    await Promise.all(seats.map(seat => room.report({ ...seat, received: 1, answered: 1 })))
    expect((await room.view()).seats.every(({ asked }) => asked.length === 0)).toBe(true)
  })

  test('a wish is told until it was heard; a late seat hears it, too; it can be taken back', async () => {
    await room.report({ seat: 'early-seat-012345' })
    await room.order({ do: 'goto', lesson: '03-ipc' })
    const wishes = [{ id: 1, kind: 'goto', lesson: '03-ipc' }]
    expect(await room.report({ seat: 'early-seat-012345' })).toEqual({ number: 1, wishes })
    expect(await room.report({ seat: 'early-seat-012345' })).toEqual({ number: 1, wishes })
    expect(await room.report({ seat: 'early-seat-012345', received: 1 })).toEqual({ number: 1, wishes: [] })
    expect(await room.report({ seat: 'late-seat-0123456' })).toEqual({ number: 2, wishes })
    await room.order({ do: 'goto', lesson: null })
    expect(await room.report({ seat: 'late-seat-0123456' })).toEqual({ number: 2, wishes: [] })
  })

  test('a reset is for one seat, and not for a tutor that was opened since', async () => {
    const [one, two] = [newKey(), newKey()]
    await room.report({ seat: one })
    const held = room.report({ seat: two, wait: true })
    await sleep(50)
    expect((await room.order({ do: 'reset', seat: 2, now: true })).status).toBe(200)
    expect((await held).wishes).toEqual([{ id: 1, kind: 'reset', now: true }])
    expect((await room.report({ seat: one })).wishes).toEqual([])
    room.workshop.room.stored.seats[1]!.reset!.at -= 60_000
    expect((await room.report({ seat: two, uptime: 30 })).wishes).toEqual([])
    expect((await room.report({ seat: two, uptime: 90 })).wishes).toHaveLength(1)
    expect((await room.order({ do: 'reset', seat: 9, now: false })).text).toContain('no seat 9')
    await room.report({ seat: two, end: 'closed' })
    expect((await room.order({ do: 'reset', seat: 2, now: false })).status).toBe(409)
  })

  test('a held request is answered in time, and the seat is away when the line is cut', async () => {
    await room.stop()
    await room.start(200)
    const seat = newKey()
    const begun = performance.now()
    expect(await room.report({ seat, wait: true })).toEqual({ number: 1, wishes: [] })
    expect(performance.now() - begun).toBeGreaterThan(150)
    await room.report({ seat, end: 'left' })
    expect((await room.view()).seats[0]).toMatchObject({ left: true })
    await room.order({ do: 'forget', seat: 1 })
    expect((await room.view()).seats).toEqual([])
  })
})

test('the server starts again: seats, numbers, the call and the code are as before', async () => {
  const seat = newKey()
  await room.report({ seat, name: 'Béla', ...at(4, 1), done: { '00-start': ids(0) }, hints: 1 })
  await room.report({})
  await room.order({ do: 'goto', lesson: '04-pid' })
  const before = await room.view()
  const { joinUrl, pageUrl } = room.workshop
  await room.stop()
  await expect(room.report({ seat })).rejects.toThrow()
  await room.start()
  expect([room.workshop.joinUrl, room.workshop.pageUrl]).toEqual([joinUrl, pageUrl])
  const { seats, call } = await room.view()
  expect(call).toBe(4)
  const still = ({ number, name, lesson, task, done, hints }: (typeof seats)[0]) => [
    number,
    name,
    lesson,
    task,
    done,
    hints,
  ]
  expect(seats.map(still)).toEqual(before.seats.map(still))
  expect((await room.report({ seat })).number).toBe(1)
  expect(statSync(room.file.file).mode & 0o777).toBe(0o600)
})

describe('strangers', () => {
  test('a wrong code, a wrong key, none at all', async () => {
    const { code, key } = room.file.stored
    expect((await room.post('/api/seat', 'abcd-efgh', report())).status).toBe(401)
    expect((await room.post('/api/seat', '', report())).status).toBe(401)
    expect((await room.post('/api/seat', key, report())).status).toBe(401)
    for (const path of ['/api/view', '/api/room', '/api/events', '/api/progress.csv', '/api/progress.json'])
      for (const secret of ['', code, `${key}x`]) expect((await room.get(path, secret)).status).toBeOneOf([401, 429])
    expect((await room.post('/api/commands', code, { do: 'goto', lesson: '06-net' })).status).toBeOneOf([401, 429])
    expect(room.workshop.room.view()).toMatchObject({ seats: [], call: null })
  })

  test('the code as people type it', async () => {
    const { code } = room.file.stored
    expect((await room.post('/api/seat', code.toUpperCase().replace('-', ''), report())).status).toBe(200)
  })

  test('who guesses is not heard for a while, not even with the right code; seats that are known are', async () => {
    const seat = newKey()
    await room.report({ seat })
    for (let tries = 0; tries < 20; tries++)
      expect((await room.post('/api/seat', 'aaaa-aaaa', report())).status).toBe(401)
    expect((await room.post('/api/seat', room.file.stored.code, report())).status).toBe(429)
    expect((await room.report({ seat })).number).toBe(1)
  })

  test('too many reports, too many seats', async () => {
    const seat = newKey()
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => room.post('/api/seat', room.file.stored.code, report({ seat }))),
    )
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(5)
    for (let i = 0; i < 199; i++) room.workshop.room.report(report())
    expect((await room.post('/api/seat', room.file.stored.code, report())).status).toBe(503)
  })

  test.each([
    ['no JSON', '{', 400],
    ['a list', '[]', 400],
    ['no seat', '{}', 400],
    ['a short identity', JSON.stringify(report({ seat: 'x' })), 400],
    ['a path for a lesson', JSON.stringify(report({ lesson: '../../etc/passwd' })), 400],
    ['negative hints', JSON.stringify(report({ hints: -1 })), 400],
    ['a task that is no text', JSON.stringify({ ...report(), done: { '01-chroot': [{}] } }), 400],
    ['more than is taken', JSON.stringify({ ...report(), more: 'x'.repeat(MAX_BODY) }), 413],
  ])('%s', async (_, body, status) => {
    const headers = { authorization: `Bearer ${room.file.stored.code}`, 'content-type': 'application/json' }
    const answer = await http(`${room.workshop.url}/api/seat`, { method: 'POST', headers, body })
    expect([answer.status, JSON.parse(answer.text).error]).toEqual([status, expect.any(String)])
    expect(room.workshop.room.view().seats).toEqual([])
  })

  test('a body without an end is cut off at the limit', async () => {
    const socket = connect(Number(new URL(room.workshop.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'POST /api/seat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    let said = ''
    socket.on('data', data => {
      said += data
    })
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
    const timer = setInterval(() => socket.write(chunk), 5)
    await once(socket, 'close')
    clearInterval(timer)
    expect(said).toContain('413')
  })

  test('a slow client is cut off', { timeout: 20_000 }, async () => {
    const socket = connect(Number(new URL(room.workshop.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    socket.write('POST /api/seat HTTP/1.1\r\nHost: x\r\n')
    await once(socket, 'close')
  })

  test.each([
    '/../../etc/passwd',
    '/%2e%2e/etc/passwd',
    '/api/seat?x=1',
    '/API/seat',
    '/constructor',
    '/page.html',
    '//',
  ])('%s is no page', async path => {
    const socket = connect(Number(new URL(room.workshop.url).port), '127.0.0.1')
    socket.end(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    let said = ''
    for await (const data of socket) said += data
    expect(said).toMatch(/^HTTP\/1\.1 404 /)
    expect(said).not.toContain('root:')
  })

  test('no page of another origin gets anything', async () => {
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'POST' }
    const asked = await http(`${room.workshop.url}/api/commands`, { method: 'OPTIONS', headers })
    expect(asked.status).toBe(404)
    const page = await http(`${room.workshop.url}/`, { headers })
    for (const answer of [asked, page, await room.get('/api/view')]) {
      expect(Object.keys(answer.headers).filter(name => name.startsWith('access-control'))).toEqual([])
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      })
      expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/)
    }
    expect(page.headers['content-security-policy']).not.toMatch(/unsafe|\*/)
    expect(page.text).not.toMatch(/(src|href)=|https?:/) // nothing comes from elsewhere
  })
})

test('a damaged file is kept aside, and the workshop has a new code', async () => {
  const { code } = room.file.stored
  await room.stop()
  const { writeFileSync, readdirSync } = await import('node:fs')
  writeFileSync(room.file.file, '{"version": 1, "co')
  await room.start()
  expect(room.file.warning).toMatch(/begins anew.*room\.json\.damaged-/)
  expect(readdirSync(room.directory)).toHaveLength(2)
  expect(room.file.stored.code).not.toBe(code)
})

test('another machine forwards to it: seats are told that one', async () => {
  const { file } = room
  const shownAs = { host: '192.168.1.10', port: 80 }
  const other = await openWorkshop({ course: lessons, file, endpoint: { host: '127.0.0.1', port: 0 }, shownAs })
  expect(other.joinUrl).toBe(`http://192.168.1.10:80/${file.stored.code}`)
  expect(other.pageUrl).toBe(`http://192.168.1.10:80/#${file.stored.key}`)
  const answer = await http(`${other.url}/api/room`, { headers: { authorization: `Bearer ${file.stored.key}` } })
  expect(JSON.parse(answer.text)).toEqual({ join: other.joinUrl })
  await other.close()
})

test('so many pages, and one that does not read is cut off', async () => {
  const open = Array.from({ length: 21 }, () => {
    const asked = request(`${room.workshop.url}/api/events`, {
      headers: { authorization: `Bearer ${room.file.stored.key}` },
    })
    const status = new Promise<number>(resolve => asked.on('response', answer => resolve(answer.resume().statusCode!)))
    asked.on('error', () => {}).end()
    return { asked, status }
  })
  const all = await Promise.all(open.map(({ status }) => status))
  expect(all.sort()).toEqual([...Array(20).fill(200), 503])
  for (const { asked } of open) asked.destroy()

  let destroyed = false
  const deaf = {
    writableLength: 2 << 20,
    writeHead() {},
    write() {},
    once() {},
    end() {},
    destroy: () => (destroyed = true),
  }
  const streams = new EventStreams(() => room.workshop.room.view())
  streams.add(deaf as unknown as ServerResponse)
  streams.soon()
  await sleep(1200)
  streams.close()
  expect(destroyed).toBe(true)
})

test('an address that is taken', async () => {
  const endpoint = { host: '127.0.0.1', port: Number(new URL(room.workshop.url).port) }
  await expect(openWorkshop({ course: lessons, file: room.file, endpoint })).rejects.toThrow('EADDRINUSE')
})
