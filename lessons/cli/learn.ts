// `toolkit learn`: from the command line to the tutor's screen.
import { startLab } from '../../toolkit/engine/lab.ts'
import { ensureBusybox } from '../../toolkit/image/rootfs.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { lessons } from '../index.ts'
import type { Lesson } from '../lesson.ts'
import { createPlayer } from '../play.ts'
import { openProgress, type Progress } from '../progress.ts'
import { layout, MIN_COLUMNS, MIN_ROWS } from '../tutor/layout.ts'
import { findLesson, parse, print, requireRoot } from './options.ts'

const HELP = `Usage: toolkit learn [OPTIONS] [LESSON]

Opens the tutor: the text, your tasks, and a real shell in a sandbox.
Without LESSON it goes on where you left off. 'toolkit lessons' is the
same course without a screen.

Options:
  -y, --yes   do not ask before getting a busybox
  -h, --help  show this help`

export async function main(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse('learn', argv, { yes: { type: 'boolean', short: 'y' } }, 1)
  if (flags.help) {
    print(HELP)
    return 0
  }
  const named = words[0] === undefined ? undefined : findLesson(words[0], 'learn')
  requireTerminal()
  requireRoot(['learn', ...words].join(' '))
  requireSize()
  await ensureBusybox({ yes: flags.yes === true, interactive: true })

  const progress = openProgress()
  const { lesson, task } = whereToStart(progress, named)
  const { columns, rows } = process.stdout
  const size = layout(columns || 80, rows || 24, lesson.tasks.length).terminal
  // the lab comes up while the screen is being loaded
  const player = createPlayer(lesson, task, { startLab, progress, size })
  const code = process.exitCode
  try {
    const { openTutor } = await import('../tutor/index.tsx')
    await openTutor(player, {
      course: 'toolkit',
      lessons,
      notice: progress.warning,
      progress: ({ name, tasks }) => tasks.map(({ id }) => progress.isDone(name, id)),
    })
  } finally {
    await player.close()
  }
  const warning = progress.warning
  if (warning) process.stderr.write(`toolkit: ${warning}\n`)
  return process.exitCode === code ? 0 : Number(process.exitCode)
}

function requireTerminal(): void {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError("learn: the tutor needs a terminal; without one, 'toolkit lessons --help' has the same course")
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
  const last = lessons.find(({ name }) => name === place?.lesson)
  const lesson = named ?? (last && isOpen(last) ? last : (lessons.find(isOpen) ?? last ?? lessons[0]!))
  const open = lesson.tasks.map(({ id }) => !progress.isDone(lesson.name, id))
  const from = lesson.name === place?.lesson ? lesson.tasks.findIndex(({ id }) => id === place.task) : 0
  const task = open.findIndex((isOpen, index) => isOpen && index >= from)
  return { lesson, task: Math.max(0, task >= 0 ? task : open.indexOf(true)) }
}
