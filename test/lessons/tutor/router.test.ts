import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { InputRouter, keyName } from '../../../lessons/tutor/router.ts'

let shellHasKeys = true
let zoomed = false
let marks = false
let log: string[] = []
let router: InputRouter

beforeEach(() => {
  shellHasKeys = true
  zoomed = false
  marks = false
  log = []
  router = new InputRouter({
    shellHasKeys: () => shellHasKeys,
    shellHasFunctionKeys: () => shellHasKeys && zoomed,
    shellWantsPasteMarks: () => marks,
    shell: data => log.push(`shell:${data}`),
    key(name) {
      log.push(name)
      if (name === 'ctrl-]' || name === 'f2') shellHasKeys = !shellHasKeys
    },
    mouse: ({ button, x, y, pressed }) => log.push(`mouse:${button} ${x} ${y} ${pressed}`),
    colours: answer => log.push(`colours:${answer.slice(1)}`),
  })
})

test.each([
  ['\x1bOP', 'f1'],
  ['\x1b[11~', 'f1'],
  ['\x1b[[A', 'f1'],
  ['\x1bOQ', 'f2'],
  ['\x1b[15~', 'f5'],
  ['\x1b[21~', 'f10'],
  ['\x1b[24~', 'f12'],
  ['\x1b[A', 'up'],
  ['\x1bOA', 'up'],
  ['\x1b[5~', 'pageup'],
  ['\x1b[5;2~', 'shift-pageup'],
  ['\x1b[6;3~', 'alt-pagedown'],
  ['\x1b[H', 'home'],
  ['\x1b[4~', 'end'],
  ['\r', 'enter'],
  ['\x1d', 'ctrl-]'],
  ['h', 'h'],
  ['好', '好'],
  ['\x1b[I', undefined],
  ['\x01', undefined],
])('%j is %s', (sequence, name) => {
  expect(keyName(sequence)).toBe(name)
})

test('a chunk for the shell goes there whole, control characters and all', () => {
  router.feed('ls -l\r\x03\x1b[A\x1bb')
  expect(log).toEqual(['shell:ls -l\r\x03\x1b[A\x1bb'])
})

test('the focus changes within a chunk, both ways', () => {
  router.feed('ls\x1dhj\x1b[B\x1bOQpwd\r')
  expect(log).toEqual(['shell:ls', 'ctrl-]', 'h', 'j', 'down', 'f2', 'shell:pwd\r'])
})

test('function keys go to the zoomed shell, the leader never', () => {
  zoomed = true
  router.feed('\x1bOQ\x1b[21~\x1d?')
  expect(log).toEqual(['shell:\x1bOQ\x1b[21~', 'ctrl-]', '?'])
})

test('a sequence may come in parts', () => {
  router.feed('\x1b')
  router.feed('[2')
  router.feed('1~')
  expect(log).toEqual(['f10'])
})

test('a lone escape is a key after a moment', async () => {
  shellHasKeys = false
  router.feed('\x1b')
  expect(log).toEqual([])
  await sleep(60)
  expect(log).toEqual(['escape'])
  shellHasKeys = true
  router.feed('\x1b')
  await sleep(60)
  expect(log).toEqual(['escape', 'shell:\x1b'])
})

test('escape and a key right after it, in one read', () => {
  shellHasKeys = false
  router.feed('\x1b\x1bOP\x1b\x1b[A')
  expect(log).toEqual(['escape', 'f1', 'escape', 'up'])
})

test('a character may come in parts', () => {
  const bytes = Buffer.from('根')
  router.feed(bytes.subarray(0, 2))
  router.feed(bytes.subarray(2))
  expect(log.join('')).toContain('根')
})

test('a paste into the shell is marked where the program wants it, and its keys are no keys', () => {
  router.feed('\x1b[200~a\x1db\x1b[201~')
  expect(log).toEqual(['shell:a\x1db'])
  marks = true
  router.feed('\x1b[200~c\x1b[20')
  router.feed('1~d')
  expect(log.slice(1).join('')).toBe('shell:\x1b[200~cshell:\x1b[201~d')
})

test('a paste into the lesson does nothing', () => {
  shellHasKeys = false
  router.feed('\x1b[200~qqq\x1b[201~h')
  expect(log).toEqual(['paste', 'h'])
})

test('answers of the terminal about its colours reach nobody else', () => {
  router.feed('\x1b]11;rgb:ffff/ffff/ffff\x1b\\x')
  expect(log).toEqual(['colours:]11;rgb:ffff/ffff/ffff\x1b\\', 'shell:x'])
})

test('the mouse is never for the shell, and a report may come in pieces', async () => {
  router.feed('a\x1b[<0;10;5Mb\x1b[<65;1')
  router.feed(';2m')
  expect(log).toEqual(['shell:a', 'mouse:0 10 5 true', 'shell:b', 'mouse:65 1 2 false'])
})
