// `toolkit learn`: from the command line to the tutor's screen.
import { writeFileSync } from 'node:fs'
import { startLab } from '../../toolkit/engine/lab/lab.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { callerOf } from '../caller.ts'
import { lessons } from '../index.ts'
import type { Lesson } from '../lesson.ts'
import { createPlayer } from '../play.ts'
import type { Player } from '../player.ts'
import { openProgress, type Progress } from '../progress.ts'
import { layout, MIN_COLUMNS, MIN_ROWS } from '../tutor/layout.ts'
import { Transcript } from '../tutor/transcript.ts'
import { membershipFile, readMembership } from '../workshop/membership.ts'
import { farewell } from './farewell.ts'
import { holdSignals } from './hold-signals.ts'
import { findLesson, parse, prepareForLab, print } from './options.ts'
import { newTranscript, saveTranscript } from './transcript-file.ts'

const HELP = `Usage: toolkit learn [OPTIONS] [LESSON]

Opens the tutor: the text, your tasks, and a real shell in a sandbox.
Without LESSON it goes on where you left off. 'toolkit lessons' is the
same course without a screen.

Options:
      --mouse            the wheel scrolls, a click gives a pane the keys
                         (M turns it on and off, too; while it is on, most
                         terminals select text with Shift)
      --transcript FILE  write what the shell has shown to this new file
                         when you leave (w does so at any time)
  -y, --yes              do not ask before getting a busybox
  -h, --help             show this help

F1 shows the keys. TOOLKIT_THEME is dark, light, sixteen or plain where
the terminal does not say what it is; NO_COLOR=1 takes all colours away.`

export async function main(argv: readonly string[]): Promise<number> {
  const options = {
    yes: { type: 'boolean', short: 'y' },
    mouse: { type: 'boolean' },
    transcript: { type: 'string' },
  } as const
  const { flags, words } = parse('learn', argv, options, 1)
  if (flags.help) {
    print(HELP)
    return 0
  }
  const named = words[0] === undefined ? undefined : findLesson(words[0], 'learn')
  requireTerminal()
  requireSize()
  await prepareForLab(['learn', ...words].join(' '), { yes: flags.yes === true, interactive: true })

  const transcripts = flags.transcript === undefined ? [] : [newTranscript(flags.transcript as string)]
  const progress = openProgress()
  const ticks = new Map(
    lessons.map(lesson => [lesson, lesson.tasks.filter(({ id }) => progress.isDone(lesson.name, id))]),
  )
  const before = (lesson: Lesson, id: string) => ticks.get(lesson)!.some(task => task.id === id)
  const { lesson, task } = whereToStart(progress, named)
  const { columns, rows } = process.stdout
  const size = layout(columns || 80, rows || 24, lesson.tasks.length).terminal
  // the lab comes up while the screen is being loaded
  const player = createPlayer(lesson, task, { startLab, progress, size })
  const isDone = ({ name, tasks }: Lesson) => tasks.map(({ id }) => progress.isDone(name, id))
  const line = await openLine(player, isDone)
  const code = process.exitCode
  const transcript = new Transcript()
  const release = holdSignals() // the tutor obeys them while it is open; it must not be cut short after
  try {
    const { openTutor } = await import('../tutor/index.tsx')
    await openTutor(player, {
      course: 'toolkit',
      lessons,
      notice: progress.warning,
      progress: isDone,
      line,
      mouse: flags.mouse === true,
      transcript,
      saveTranscript(text) {
        const file = saveTranscript(text)
        transcripts.push(file)
        return file
      },
    })
  } finally {
    await Promise.all([player.close(), line?.close()])
    release()
  }
  if (flags.transcript !== undefined) writeFileSync(transcripts[0]!, await transcript.text())
  const warning = progress.warning
  if (warning) process.stderr.write(`toolkit: ${warning}\n`)
  const failed = process.exitCode !== code
  if (!failed) {
    const command = callerOf(process.env) ? 'sudo toolkit learn' : 'toolkit learn'
    const now = ({ name }: Lesson, id: string) => progress.isDone(name, id)
    const session = { before, now, next: whereToStart(progress), transcripts, command }
    print(farewell(lessons, session).join('\n'))
  }
  return failed ? Number(process.exitCode) : 0
}

/** To the workshop that this seat has joined, if it has. */
async function openLine(player: Player, progress: (lesson: Lesson) => readonly boolean[]) {
  const file = membershipFile()
  const membership = readMembership(file)
  if (!file || !membership) return undefined
  const { Reporter } = await import('../workshop/reporter.ts')
  return new Reporter({ file, membership, player, lessons, progress })
}

function requireTerminal(): void {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError("learn: the tutor needs a terminal; without one, 'toolkit lessons --help' has the same course")
  if (process.env.TERM === 'dumb')
    throw new UsageError("learn: nothing can be drawn on this terminal (TERM=dumb); use 'toolkit lessons'")
}

function requireSize(): void {
  const { columns, rows } = process.stdout
  const known = columns > 0 && rows > 0 // some serial lines say 0
  if (known && (columns < MIN_COLUMNS || rows < MIN_ROWS))
    throw new UsageError(
      `learn: this terminal has ${columns}×${rows} characters, the tutor needs ${MIN_COLUMNS}×${MIN_ROWS}; make it larger, or use 'toolkit lessons'`,
    )
}

/** The lesson that was named, or the one of last time; in it the first open task from last time's on, or any open one. */
export function whereToStart(
  progress: Pick<Progress, 'place' | 'isDone'>,
  named?: Lesson,
): { lesson: Lesson; task: number } {
  const { place } = progress
  const isOpen = ({ name, tasks }: Lesson) => tasks.some(({ id }) => !progress.isDone(name, id))
  const last = lessons.findIndex(({ name }) => name === place?.lesson)
  // from the last one on, because an earlier one may be left open: it may be one that cannot be done here
  const inOrder = [...lessons.slice(Math.max(0, last)), ...lessons.slice(0, Math.max(0, last))]
  const lesson = named ?? inOrder.find(isOpen) ?? lessons[last] ?? lessons[0]!
  const open = lesson.tasks.map(({ id }) => !progress.isDone(lesson.name, id))
  const from = lesson.name === place?.lesson ? lesson.tasks.findIndex(({ id }) => id === place.task) : 0
  const task = open.findIndex((isOpen, index) => isOpen && index >= from)
  return { lesson, task: Math.max(0, task >= 0 ? task : open.indexOf(true)) }
}
