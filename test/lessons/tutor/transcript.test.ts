import { expect, test } from 'vitest'
import { Transcript } from '../../../lessons/tutor/transcript.ts'

function transcript(...parts: string[]) {
  const made = new Transcript()
  made.begin({ columns: 20, rows: 5 })
  for (const part of parts) {
    made.output(Buffer.from(part))
    made.typed()
  }
  return made
}

test('lines as they were read: without colours, without what was erased', async () => {
  const made = transcript('\x1b[1mlab\x1b[0m# ech\x08\x08\x08ls -l\r\n', 'a\tb\r\n变化\r\nlab# ')
  expect(await made.text()).toBe('lab# ls -l\na       b\n变化\nlab#\n')
})

test('a line longer than the terminal is one line', async () => {
  expect(await transcript(`${'x'.repeat(45)}\r\nend`).text()).toBe(`${'x'.repeat(45)}\nend\n`)
})

test('what `clear` has erased is kept, and a full-screen program is not', async () => {
  const made = transcript(
    'one\r\ntwo\r\n\x1b[H\x1b[2J\x1b[3Jthree\r\n',
    '\x1b[?1049h\x1b[2J~ vi ~\x1b[?1049lfour\r\n\x1b[H\x1b[Jfive',
  )
  expect(await made.text()).toBe('one\ntwo\nthree\nfour\nfive\n')
})

test('of a flood the beginning and the end, in whole lines', async () => {
  const made = transcript('before\r\n')
  for (let n = 0; n < 4000; n++) made.output(Buffer.from(`line ${n} ${'-'.repeat(40)}\r\n`))
  made.typed()
  made.output(Buffer.from('after\r\n'))
  const lines = (await made.text()).split('\n')
  expect(lines.slice(0, 2)).toEqual(['before', `line 0 ${'-'.repeat(40)}`])
  expect(lines.slice(-3)).toEqual([`line 3999 ${'-'.repeat(40)}`, 'after', ''])
  expect(lines.filter(line => /^\[… \d+ bytes are left out …\]$/.test(line))).toHaveLength(1)
  expect(lines.every(line => line === '' || /^(before|after|\[….*…\]|line \d+ -{40})$/.test(line))).toBe(true)
})

test('a program that was left out had its own screen: what follows is not lost', async () => {
  const made = transcript('before\r\n')
  made.output(Buffer.from('\x1b[?1049h'))
  for (let n = 0; n < 100; n++) made.output(Buffer.from('x'.repeat(1000)))
  made.output(Buffer.from('\x1b[?1049l\r\n'))
  for (let n = 0; n < 40; n++) made.output(Buffer.from(`${'y'.repeat(999)}\r\n`))
  expect((await made.text()).split('\n').map(line => line.slice(0, 6))).toEqual(
    expect.arrayContaining(['before', 'yyyyyy']),
  )
})

test('it does not grow without end', async () => {
  const made = transcript()
  for (let n = 0; n < 300; n++) {
    made.output(Buffer.from(`${'z'.repeat(20_000)}\r\n`))
    made.typed()
  }
  expect((await made.text()).length).toBeLessThan(2.2 * 1024 * 1024)
})

test('another shell is announced, but not the first', async () => {
  const made = transcript('one\r\n')
  made.begin({ columns: 30, rows: 5 })
  made.output(Buffer.from('two'))
  expect(await made.text()).toBe('one\n\n[a new shell]\ntwo\n')
})
