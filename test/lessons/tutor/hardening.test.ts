// What a learner may do to the shell, on a real terminal and in a real lab: the screen stays whole, the keys go where
// they should, and the terminal is as before when the tutor has been left.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { skipped } from '../../cli/toolkit.ts'
import { slow } from '../../slow.ts'
import { gone, openWindow } from './window.ts'

const [F2, F4, F10] = ['\x1bOQ', '\x1bOS', '\x1b[21~']

let home: string
let window: Awaited<ReturnType<typeof openWindow>>
const start = async (columns = 80, rows = 24, words = 'chroot') => {
  window = await openWindow(home, columns, rows, words)
  await window.see(/There is no directory/)
  await window.see(/lab:~#/)
  window.type(F2)
  await window.see(/your keys go here/)
}
beforeEach(() => {
  home = mkdtempSync(`${tmpdir()}/home-`)
})
afterEach(() => {
  window?.hangUp()
  rmSync(home, { recursive: true })
})

/** Every part of the screen is where it belongs, and nothing else is there. */
async function isWhole(columns: number) {
  await window.see(/^ toolkit · lesson 1: The root directory.* 0\/8 done *\n[\s\S]*F10 quit *$/)
  const rows = window.text()
  expect(rows.filter(row => /Lesson ─/.test(row!))).toHaveLength(1)
  expect(rows.filter(row => /▸ Shell ━/.test(row!))).toHaveLength(1)
  expect(rows.every(row => row!.length <= columns)).toBe(true)
}

async function leave() {
  const all = window.below()
  window.type(F10)
  await window.see(/No task was finished this time\.\n.*\n(.*\n)?outside>/)
  expect(window.termios()).toBe(window.before)
  await gone(all)
}

test(`floods, resized meanwhile, end by ^C${skipped}`, { timeout: 60_000 * slow }, async context => {
  if (skipped) context.skip()
  await start(120, 36)
  for (const flood of [
    'yes "a flood of text"',
    'while :; do printf "\\033[3%dm变化🙂 " 1 2 3 4; done',
    'find / -xdev',
  ]) {
    window.type(`${flood}\r`)
    for (const [columns, rows] of [
      [80, 24],
      [61, 19],
      [40, 9],
      [160, 45],
      [120, 36],
    ] as const) {
      window.resize(columns, rows)
      await sleep(150)
    }
    window.type('\x03')
    await window.see(/lab:~# *\n( *[│ ]*\n)*.*F10 quit|lab:~# *$/m)
    window.type('\x15clear; printf "\\033[0m"\r')
    await isWhole(120)
  }
  window.type('stty size\r')
  await window.see(/2[0-9] 6\d/)
  await leave()
})

test(`10 kB pasted, and ^Z, vi, top${skipped}`, { timeout: 60_000 * slow }, async context => {
  if (skipped) context.skip()
  await start()
  // in lines, because a terminal that has no editor takes 4095 bytes a line
  window.type('cat > pasted\r')
  await sleep(200 * slow)
  const line = `${'0123456789'.repeat(10)}\n`
  window.type(`\x1b[200~${line.repeat(100)}\x1b[201~`)
  await sleep(500 * slow)
  window.type('\x04')
  window.type('clear; wc -c pasted\r')
  await window.see(/10100 pasted/)

  window.type('sleep 1000\r')
  await sleep(200 * slow)
  window.type('\x1a')
  await window.see(/Stopped +sleep 1000/)
  window.type('fg\r')
  await sleep(200 * slow)
  window.type('\x03')
  await window.see(/lab:~# *$/m)

  window.type('clear; vi pasted\r')
  await window.see(/0123456789\n[\s\S]*pasted/)
  window.type('dd:wq\r')
  await window.see(/lab:~# *$/m)
  window.type('clear; wc -c pasted\r')
  await window.see(/9999 pasted/)

  window.type(`${F4}clear; top\r`)
  await window.see(/PID USER/)
  window.type('q')
  window.type(`\x1dz`)
  await window.see(/Task 1/)
  window.type('\r') // the lesson has the keys since Ctrl-]
  window.type('\x15clear\r')
  await isWhole(80)
  await leave()
})

test(`a shell that ends, again and again${skipped}`, { timeout: 60_000 * slow }, async context => {
  if (skipped) context.skip()
  await start()
  const prompt = /lab:~# *\n(?![\s\S]*has ended)/ // a frame may come in two pieces
  for (let time = 0; time < 3; time++) {
    window.type('exec false\r')
    await window.see(/The shell has ended \(exit 1\)\. Enter starts a new one/)
    window.type('\r')
    await window.see(prompt)
  }
  window.type('kill -9 $$\r')
  await window.see(/The shell has ended \(exit 137\)/)
  window.type('\r')
  await window.see(prompt)
  await leave()
})

test(`with the mouse and a transcript: both are undone, and written${skipped}`, async context => {
  if (skipped) context.skip()
  await start(80, 24, `chroot --mouse --transcript ${home}/day.txt`)
  expect(window.screen()).toContain('\x1b[?1000h')
  window.type('echo one; read -s secret\r')
  await window.see(/^one/m)
  window.type('sesame\r')
  await window.see(/lab:~# *$/m)
  await leave()
  expect(window.screen().split('\x1b[?1049l').at(-1)).toMatch(/^[\s\S]*\x1b\[\?1006l\x1b\[\?1000l/)
  const transcript = readFileSync(`${home}/day.txt`, 'utf8')
  expect(transcript).toMatch(/^lab:~# echo one; read -s secret\none\n/)
  expect(transcript).not.toContain('sesame')
})
