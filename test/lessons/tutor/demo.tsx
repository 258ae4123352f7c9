// The tutor by itself, with a made-up lesson and a bash without a lab: to look at, and to measure. Bundle it and run it.
import fs from 'node:fs'
import { openTutor } from '../../../lessons/tutor/index.tsx'
import { BashShell } from './bash-shell.ts'
import { FakePlayer, lesson, second } from './fake-player.ts'

const { TUTOR_STATS: stats, TUTOR_PASS: passed, TUTOR_TASK: task, TUTOR_OBSTACLE: why } = process.env
const player = new FakePlayer({ phase: 'starting', saw: '', task: Number(task ?? 0) }, size => new BashShell(size))
if (why) setTimeout(() => player.set({ phase: 'working', obstacles: [why], values: {} }), 50)
else setTimeout(() => player.start(), 50)
setTimeout(() => player.set({ saw: "the root of your shell is still the host's: it is the directory '/'" }), 300)
if (passed) setTimeout(() => player.pass('your shell has the root /lab/busybox'), 400)
process.on('SIGUSR2', () => {
  throw new Error('broken on purpose')
})
let frames = 0
await openTutor(player, {
  obstacles: async ({ name }) => (why && name === lesson.name ? [why] : []),
  course: 'toolkit',
  lessons: [lesson, second],
  progress: ({ name }) => (name === lesson.name ? player.state.done : [true, false, false]),
  onFrame(milliseconds) {
    if (frames++ === 0 && stats) fs.appendFileSync(stats, `first frame ${Date.now() - performance.timeOrigin} ms\n`)
    else if (stats) fs.appendFileSync(stats, `frame ${milliseconds} ms\n`)
  },
})
await player.close()
process.exit()
