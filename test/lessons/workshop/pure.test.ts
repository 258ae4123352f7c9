// The parts of a workshop that need no network: addresses, names, rates, files for spreadsheets, the time table.
import { describe, expect, test } from 'vitest'
import { lessons } from '../../../lessons/index.ts'
import { chooseEndpoint, isPrivate, parseListen, parseShownAs, urlOf } from '../../../lessons/workshop/address.ts'
import { isStuck, toCsv, toJson, toText } from '../../../lessons/workshop/export.ts'
import { Buckets } from '../../../lessons/workshop/limits.ts'
import { cleanName, decodeReport, MAX_BODY } from '../../../lessons/workshop/protocol.ts'
import { emptyRoom, Room } from '../../../lessons/workshop/room.ts'
import { runBook } from '../../../lessons/workshop/run-book.ts'
import { isSame, newCode, plainCode } from '../../../lessons/workshop/secrets.ts'
import { days, timesOf } from '../../../lessons/workshop/timetable.ts'
import { report } from './world.ts'

describe('addresses', () => {
  test.each([
    '10.1.2.3',
    '172.31.255.1',
    '192.168.0.1',
    '169.254.1.1',
    '127.0.0.1',
    '::1',
    'fd12::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
  ])('%s is private', address => expect(isPrivate(address)).toBe(true))
  test.each(['8.8.8.8', '172.32.0.1', '100.64.0.1', '0.0.0.0', '::', '2001:db8::1', '::ffff:8.8.8.8', '', 'localhost'])(
    '%j is not',
    address => expect(isPrivate(address)).toBe(false),
  )
  test('what --listen takes', () => {
    expect(parseListen('192.168.1.10:80')).toEqual({ host: '192.168.1.10', port: 80 })
    expect(parseListen('192.168.1.10')).toEqual({ host: '192.168.1.10', port: 7321 })
    expect(parseListen(':80')).toEqual({ host: undefined, port: 80 })
    expect(parseListen('[fd00::1]:80')).toEqual({ host: 'fd00::1', port: 80 })
    expect(parseListen('fd00::1')).toEqual({ host: 'fd00::1', port: 7321 })
    for (const wrong of ['host:80', '1.2.3.4:x', '1.2.3.4:99999', '[x]:1'])
      expect(() => parseListen(wrong)).toThrow('give ADDRESS')
    expect(urlOf({ host: 'fd00::1', port: 80 })).toBe('http://[fd00::1]:80')
  })
  test('what --as takes', () => {
    expect(parseShownAs('192.168.1.10')).toEqual({ host: '192.168.1.10', port: 7321 })
    for (const wrong of [':80', '0.0.0.0:80', '::'])
      expect(() => parseShownAs(wrong)).toThrow('address that seats reach')
    expect(() => parseShownAs('host')).toThrow('--as "host": give ADDRESS')
  })
  test('where a workshop listens when nobody says', () => {
    const eth0 = { name: 'eth0', address: '10.0.0.5' }
    expect(chooseEndpoint(undefined, false, [eth0])).toEqual({ host: '10.0.0.5', port: 7321 })
    expect(chooseEndpoint(':80', false, [eth0])).toEqual({ host: '10.0.0.5', port: 80 })
    expect(() => chooseEndpoint(undefined, false, [])).toThrow('no private address')
    const both = [eth0, { name: 'wlan0', address: '192.168.1.2' }]
    expect(() => chooseEndpoint(undefined, false, both)).toThrow('10.0.0.5 (eth0), 192.168.1.2 (wlan0)')
    for (const all of ['0.0.0.0', '::', '0.0.0.0:80']) {
      expect(() => chooseEndpoint(all, false, both)).toThrow('every address')
      expect(chooseEndpoint(all, true, both).host).toMatch(/^[0:.]+$/)
    }
    expect(() => chooseEndpoint('8.8.8.8', false, both)).toThrow('not a private address')
  })
})

test.each([
  ['Anna', 'Anna'],
  ['  two   words ', 'two words'],
  ['\x1b[2J\x1b]0;x\x07red', '[2J ]0;x red'],
  ['a\u202eb\u2066c\u200b\n\u2028d', 'a b c d'],
  ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  [`Z${'\u0300'.repeat(50)}`, 'Z\u0300\u0300'],
  ['x'.repeat(100), 'x'.repeat(32)],
  ['🦀'.repeat(100), '🦀'.repeat(32)],
  ['\x00\x07', ''],
])('the name %j is shown as %j', (name, shown) => {
  expect(cleanName(name)).toBe(shown)
})

test('a report of the whole course is far below the limit', () => {
  const done = Object.fromEntries(lessons.map(({ name, tasks }) => [name, tasks.map(({ id }) => id)]))
  const whole = report({ done, name: '🦀'.repeat(32) })
  expect(JSON.stringify(whole).length).toBeLessThan(MAX_BODY / 4)
  expect(decodeReport(JSON.parse(JSON.stringify(whole)))).toEqual(whole)
})

test('codes: of letters that nobody takes for others, and compared as a whole', () => {
  const codes = new Set(Array.from({ length: 500 }, newCode))
  expect(codes.size).toBe(500)
  for (const code of codes) expect(code).toMatch(/^[a-hjkmnp-z2-9]{4}-[a-hjkmnp-z2-9]{4}$/)
  expect(isSame(plainCode('K7WM 3hpt'), plainCode('k7wm-3hpt'))).toBe(true)
  expect(isSame('k7wm3hp', 'k7wm3hpt')).toBe(false)
})

test('a bucket empties, and fills with time', () => {
  let now = 0
  const buckets = new Buckets({ burst: 2, perSecond: 1 }, () => now)
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a'), buckets.take('b')]).toEqual([
    true,
    true,
    false,
    true,
  ])
  now = 1000
  expect([buckets.take('a'), buckets.take('a')]).toEqual([true, false])
  now = 1e9
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a')]).toEqual([true, true, false])
})

describe('files and tables', () => {
  let now = 1e12
  const room = new Room(lessons, emptyRoom(), () => now)
  const place = { lesson: '01-chroot', task: lessons[1]!.tasks[2]!.id }
  room.report(report({ ...place, name: '=HYPERLINK("http://x","y")', hints: 3 }))
  room.report(report({ ...place, name: 'a,"b"', done: { '01-chroot': [lessons[1]!.tasks[2]!.id] } }))
  const held = report({ ...place, name: '@SUM' })
  room.report(held)
  now += 11 * 60_000
  room.hold(held.seat)
  const view = room.view()

  test('CSV: a row a seat, nothing that a spreadsheet runs', () => {
    const [head, ...rows] = toCsv(view).trimEnd().split('\r\n')
    expect(head).toMatch(
      /^seat,name,lesson,task,title,passed,hints,on_task_s,idle_s,state,done,tasks,00-start,.*,20-engine$/,
    )
    expect(rows).toHaveLength(3)
    expect(rows[0]).toMatch(/^1,"'=HYPERLINK\(""http:\/\/x"",""y""\)",01-chroot,3,/)
    expect(rows[0]).toContain(',false,3,660,660,away,0,134,0,0,')
    expect(rows[1]).toMatch(/^2,"a,""b""",/)
    expect(rows[2]).toMatch(/^3,'@SUM,.*,here,/)
  })
  test('JSON', () => {
    const { called, seats } = JSON.parse(toJson(view))
    expect(called).toBeNull()
    expect(seats[1]).toMatchObject({
      seat: 2,
      task: 3,
      passed: true,
      done: 1,
      lessons: { '01-chroot': '1/8', '02-uts': '0/5' },
    })
  })
  test('text', () => {
    const text = toText(view, 10)
    expect(text).toMatch(/^ {3}3 {2}@SUM +1\.3 +0\/134 +11 min +stuck for 11 min, 0 hints$/m)
    expect(text).toMatch(/^ {3}2 {2}a,"b" .*away for 11 min; task done$/m)
    expect(toText({ ...view, seats: [] }, 10)).toBe('No seat has joined yet.')
  })
  test('stuck: there, on a task that is open, for so long', () => {
    expect(view.seats.map(seat => isStuck(seat, 10))).toEqual([false, false, true])
    expect(view.seats.map(seat => isStuck(seat, 12))).toEqual([false, false, false])
  })
})

describe('the run-book', () => {
  const book = runBook(lessons, { cgroups: 'v2' }, 6)
  test('has a row for each lesson, and every command that it names is there', async () => {
    for (const { title } of lessons) expect(book).toMatch(new RegExp(`^ +\\d+  ${title} `, 'm'))
    expect(book).not.toMatch(/undefined|NaN/)
    for (const [, name] of book.matchAll(/toolkit workshop (\w+)/g))
      expect(['serve', 'join', 'goto', 'reset', 'progress', 'status', 'leave']).toContain(name)
    expect(Math.max(...book.split('\n').map(line => line.length))).toBeLessThanOrEqual(125)
  })
  test('times are those of the lesson: more text or tasks take longer', () => {
    const [lesson] = lessons
    const times = timesOf(lesson!, { cgroups: 'v2' })
    expect(times.tasks).toBe(lesson!.tasks.length)
    expect(times.all % 5).toBe(0)
    expect(timesOf({ ...lesson!, text: `${lesson!.text}\n${'word '.repeat(1300)}` }, { cgroups: 'v2' }).reading).toBe(
      times.reading + 10,
    )
  })
  test('days are full, and no fuller', () => {
    const each = (all: number) => ({ number: 0, title: '', tasks: 1, reading: 0, doing: 0, all })
    expect(days([30, 30, 30, 90, 10].map(each), 60).map(day => day.map(({ all }) => all))).toEqual([
      [30, 30],
      [30],
      [90],
      [10],
    ])
  })
})
