// Reading a log while its monitor goes on, and mending one whose monitor was killed. The monitor is played by this file.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { LOST, STREAM } from '../../../toolkit/engine/life/monitor-log.ts'
import { Lines, LogReader, type StreamName } from '../../../toolkit/engine/log/log.ts'
import { mendLog } from '../../../toolkit/engine/log/mend.ts'

const directory = fs.mkdtempSync(`${tmpdir()}/toolkit-log-`)
afterAll(() => fs.rmSync(directory, { recursive: true }))
beforeEach(() => {
  for (const name of fs.readdirSync(directory)) fs.rmSync(`${directory}/${name}`)
})

const path = (name: string) => `${directory}/${name}`
let clock = 1n

function note(length: number, kind: number): void {
  const record = BigInt64Array.of(clock++, 0n, BigInt(length), BigInt(kind))
  fs.appendFileSync(path('log.index'), Buffer.from(record.buffer))
}
function write(text: string, stream: StreamName = 'stdout'): void {
  fs.appendFileSync(path('log'), text)
  note(Buffer.byteLength(text), STREAM[stream])
}
function rotate(): void {
  for (const name of ['log', 'log.index']) {
    fs.renameSync(path(name), path(`${name}.1`))
    fs.writeFileSync(path(name), '')
  }
}

/** What is read: the text of each stream. */
function text(reader: LogReader, all = true): { stdout: string; stderr: string } {
  const found = { stdout: '', stderr: '' }
  for (const { stream, data } of reader.read({ all })) found[stream] += data
  return found
}

describe.each([{ joined: false }, { joined: true }])('a log that is read, %j', wish => {
  const reader = () => new LogReader(directory, wish)

  test('from nothing on, piece after piece, over new parts', () => {
    const log = reader()
    expect(text(log, false)).toEqual({ stdout: '', stderr: '' })
    write('a')
    write('b', 'stderr')
    expect(text(log, false)).toEqual({ stdout: 'a', stderr: 'b' })
    write('c')
    rotate()
    write('d')
    expect(text(log, false)).toEqual({ stdout: 'cd', stderr: '' })
    write('e')
    rotate()
    write('f')
    rotate()
    write('g')
    expect(text(log)).toEqual({ stdout: 'efg', stderr: '' }) // the one in between is there still
    log.close()
  })

  test('a new part begins between opening and reading: nothing twice, nothing missing', () => {
    write('old')
    rotate()
    write('1')
    const log = reader()
    rotate()
    write('2')
    expect(text(log).stdout).toBe('old12')
  })

  test('what the index does not know is read at the end', () => {
    write('known', 'stderr')
    fs.appendFileSync(path('log'), 'unknown')
    const log = reader()
    expect(text(log, false)).toEqual({ stdout: '', stderr: 'known' })
    expect(text(log)).toEqual({ stdout: 'unknown', stderr: '' })
  })

  test('what a full disk did not take is counted', () => {
    write('a')
    note(1000, STREAM.stdout + LOST)
    write('b')
    const log = reader()
    expect(text(log).stdout).toBe('ab')
    expect(log.lost).toBe(1000)
  })
})

test('the last lines are those of all lines, whatever their pieces', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648
    return Math.floor((seed / 2147483648) * below)
  }
  const lines = (tail: number | undefined) => {
    const reader = new LogReader(directory)
    if (tail !== undefined) reader.skipTo(tail)
    const lines = new Lines()
    const found = [...reader.read({ all: true })].flatMap(piece => [...lines.add(piece)])
    const rest = [...lines.rest()].sort((a, b) => (a.stream < b.stream ? 1 : -1))
    reader.close()
    return [...found, ...rest].map(({ stream, data }) => `${stream} ${data}`)
  }
  for (let round = 0; round < 40; round++) {
    for (const name of fs.readdirSync(directory)) fs.rmSync(path(name))
    for (let i = random(60); i >= 0; i--) {
      const words = Array.from({ length: random(5) + 1 }, () => 'x'.repeat(random(3)) + (random(3) ? '\n' : ''))
      if (words.join('') !== '') write(`${i}${words.join('')}`, random(3) ? 'stdout' : 'stderr')
      if (fs.existsSync(path('log')) && random(30) === 0) rotate()
    }
    const all = lines(undefined)
    for (const tail of [1, 2, 5, 20, 1000]) expect(lines(tail).slice(-tail), `round ${round}`).toEqual(all.slice(-tail))
  }
})

test('--tail of a long log reads its end only', () => {
  for (let i = 0; i < 300; i++) write('x'.repeat(9_999).concat('\n'))
  const reader = new LogReader(directory)
  reader.skipTo(5)
  expect(text(reader).stdout.length).toBeLessThan(600_000)
})

describe('a log whose monitor was killed is mended', () => {
  const mended = () => {
    mendLog(directory)
    write('after', 'stderr')
    return text(new LogReader(directory))
  }

  test('between the bytes and their record: what comes later keeps its stream', () => {
    write('a')
    fs.appendFileSync(path('log'), 'b')
    expect(mended()).toEqual({ stdout: 'ab', stderr: 'after' })
  })

  test('in the middle of a record', () => {
    write('a')
    fs.appendFileSync(path('log.index'), 'half')
    expect(mended()).toEqual({ stdout: 'a', stderr: 'after' })
  })

  test.each([true, false])('between the two parts; the new log is there: %s', isThere => {
    write('a')
    fs.renameSync(path('log'), path('log.1'))
    if (isThere) fs.writeFileSync(path('log'), '')
    expect(mended()).toEqual({ stdout: 'a', stderr: 'after' })
  })

  test('somebody has cut it', () => {
    write('abc')
    write('def', 'stderr')
    fs.truncateSync(path('log'), 2)
    expect(mended()).toEqual({ stdout: 'ab', stderr: 'after' })
  })

  test('one that is whole, or not there, stays as it is', () => {
    mendLog(directory)
    expect(fs.readdirSync(directory)).toEqual([])
    write('a')
    const before = fs.readFileSync(path('log.index'))
    mendLog(directory)
    expect(fs.readFileSync(path('log.index'))).toEqual(before)
  })
})
