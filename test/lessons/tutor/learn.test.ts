// The whole tutor as a learner starts it: the built `bin/toolkit learn`, a real terminal, a real lab.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bin, eventually, skipped } from '../../cli/toolkit.ts'
import { slow } from '../../slow.ts'
import { gone, openWindow } from './window.ts'

const [F2, F6, F7, F9, F10] = ['\x1bOQ', '\x1b[17~', '\x1b[18~', '\x1b[20~', '\x1b[21~']

let home: string
beforeEach(() => {
  home = mkdtempSync(`${tmpdir()}/home-`)
})
afterEach(() => rmSync(home, { recursive: true }))

/** What is written down of the labs of a process: their cgroups and files are still there. */
const labsOf = (pid: number) => readdirSync('/var/lib/toolkit/labs').filter(name => name.startsWith(`lab-${pid}-`))
const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8')
test(`from the first frame to a container, and out${skipped}`, { timeout: 60_000 * slow }, async context => {
  if (skipped) context.skip()
  const mounted = mounts()
  const window = await openWindow(home, 120, 36)
  await window.see(/0 of 8 done.*There is no directory \/lab\/jail/s)
  window.type(`${F2}mkdir -p jail/bin\rcp /bin/bash jail/bin/\r`)
  await window.see(/✔ Done\. \/lab\/jail\/bin\/bash.*F9 goes to the next task/s)
  window.type(F9)
  await window.see(/▸ Give bash its libraries.*The loader is missing/s)

  window.resize(80, 24)
  await window.see(/^ toolkit [^\n]*1\/8 done *\n.* Give bash its libraries *\n.*Task 2: Give bash.*F10 quit *$/s)
  expect(window.text().every(row => row!.length <= 80)).toBe(true)
  window.type('stty size\r')
  await window.see(/^\d+ 80$/m)

  // the panel: not `toolkit run`, but what it runs
  window.resize(120, 36)
  window.type(`${F7}${'\x1b[B'.repeat(5)}\r`)
  await window.see(/▸ Let the engine do it/)
  window.type('until [ -d box/proc ]; do sleep 0.1; done; echo "<$((40+2))>"\r') // what the tasks before leave
  await window.see(/<42>/)
  window.type(`${F6}\r`)
  await window.see(/\[1\] \d+ *$/m)
  window.type(F6)
  await window.see(/--hostname \w+-\d+ busybox sh.*Line 2 of 2 is at the prompt/s)
  window.type('\r')
  await window.see(/Namespaces: sh \(running\)/)
  await window.see(/≠ mnt [^\n]*root +\/ ≠.*≠ uts .*≠ pid .*≠ net/s)
  await window.see(/pid +1 \(outside \d+\)/)
  await window.see(/✔ Done\. A container called \w+-\d+ runs sh/)

  const all = window.below()
  window.type(F10)
  await window.see(/'sh' is still running in the shell\. Leave anyway\?/)
  window.type('y')
  await window.see(
    /outside> .*learn --yes chroot\n2 tasks done this time:\n {2}✔ Put bash[^\n]*\n {2}✔ Let the[^\n]*\n\n'toolkit learn' goes on with lesson 1, task 8: [^\n]*\noutside>/,
  )
  expect(window.termios()).toBe(window.before)
  await gone(all)
  expect(mounts()).toBe(mounted)

  // progress is kept
  window.type(`${bin} learn --yes\n`)
  await window.see(/2 of 8 done.*▸ The module/s)
  window.type(F10)
  await window.see(/No task was finished this time\.\n'toolkit learn' goes on with .*\noutside>/)
  window.hangUp()
})

test(`a damaged progress file is said once on the screen, and once more afterwards${skipped}`, async context => {
  if (skipped) context.skip()
  const directory = `${home}/.local/state/toolkit`
  mkdirSync(directory, { recursive: true })
  writeFileSync(`${directory}/progress.json`, '{"done": [')
  const window = await openWindow(home, 80, 24)
  await window.see(/Progress begins anew: the old file is damaged, and kept as/)
  window.type('j')
  await window.see(/q quit *$/)
  window.type('q')
  await window.see(/learn --yes chroot\ntoolkit: progress begins anew: [^:]*\.damaged-[^:]*\nNo task was finished/)
  window.hangUp()
})

test.each(['SIGKILL', 'the window is closed'])(`%s: nothing is left${skipped}`, async end => {
  if (skipped) return
  const mounted = mounts()
  const window = await openWindow(home, 80, 24)
  await window.see(/There is no directory/)
  window.type(`${F2}sleep 1000 & (sleep 1001 &); mount -t tmpfs none /mnt; setsid sleep 1002; yes\r`)
  await eventually(() => window.below().filter(({ comm }) => comm === 'sleep').length >= 4, 'sleeping') // the lesson has one
  const all = window.below()
  const tutor = all.find(({ ppid }) => ppid === window.pid)!
  if (end === 'SIGKILL') process.kill(tutor.pid, 'SIGKILL')
  else window.hangUp()
  await gone(all)
  expect(mounts()).toBe(mounted)
  if (end === 'SIGKILL') window.hangUp()
  else expect(labsOf(tutor.pid)).toEqual([]) // put away by itself, not by the next command
})
