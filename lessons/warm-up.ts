// For the build: opens the tutor on a screen that nobody sees, without a lab, so that node keeps what was compiled for
// it (module.enableCompileCache), and the first frame of a real start comes sooner. Needs neither root nor a terminal.
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab, LabShell } from '../toolkit/engine/lab/lab.ts'
import { lessons } from './index.ts'
import type { Lesson } from './lesson.ts'
import { createPlayer } from './play.ts'
import { openTutor, shellSize } from './tutor/index.tsx'

const [columns, rows] = [100, 30]

const shell: LabShell = {
  pid: process.pid,
  write() {},
  resize() {},
  pause() {},
  resume() {},
  onData(listener) {
    setTimeout(listener, 50, Buffer.from('\x1b[1mlab\x1b[0m:~# '))
  },
  onExit() {},
  kill() {},
}
const lab: Lab = {
  pid: process.pid,
  cgroups: [],
  shell: () => shell,
  run: async () => ({ code: 0, output: '' }),
  stop: async () => {},
}

export async function warmUp(): Promise<void> {
  const { setup: _, ...first } = lessons[0]!
  const lesson: Lesson = first
  const progress = { isDone: () => false, markDone() {}, goTo() {} }
  const size = shellSize(columns, rows, lesson.tasks.length)
  const player = createPlayer(lesson, 0, { startLab: async () => lab, progress, size })
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode() {} })
  const stdout = Object.assign(new PassThrough().resume(), { isTTY: true, columns, rows })
  const left = openTutor(player, { course: 'toolkit', lessons, progress: () => [], stdin, stdout })
  for (const key of ['\x1bOQ', '\x1bOQ', 'h', ' ', '\x1b[21~']) {
    await sleep(150)
    stdin.write(key)
  }
  await left
  await player.close()
}
