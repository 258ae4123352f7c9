// What stands in the terminal when the course has been left: what was done, what to keep of a lesson that is finished,
// and how it goes on.
import { readHost } from '../host.ts'
import { type Lesson, numberOf } from '../lesson.ts'
import { parseLesson } from '../parse.ts'
import { plain } from './plain.ts'

export interface Session {
  /** Which tasks were done when the course was opened. */
  readonly before: (lesson: Lesson, task: string) => boolean
  readonly now: (lesson: Lesson, task: string) => boolean
  /** Where it goes on. */
  readonly next: { readonly lesson: Lesson; readonly task: number }
  /** Files with a transcript. */
  readonly transcripts: readonly string[]
  /** How the course is opened: `sudo toolkit learn`. */
  readonly command: string
}

/** The lines; each is a sentence or belongs to the list above it. */
export function farewell(lessons: readonly Lesson[], session: Session): string[] {
  const { before, now, next, transcripts, command } = session
  const lines: string[] = []
  const done = lessons.flatMap(lesson =>
    lesson.tasks.filter(({ id }) => now(lesson, id) && !before(lesson, id)).map(({ title }) => ({ lesson, title })),
  )
  if (done.length === 0) lines.push('No task was finished this time.')
  else lines.push(`${done.length === 1 ? 'A task' : `${done.length} tasks`} done this time:`)
  for (const { title } of done) lines.push(`  ✔ ${title}`)
  const isFinished = (lesson: Lesson) => lesson.tasks.every(({ id }) => now(lesson, id))
  for (const lesson of new Set(done.map(({ lesson }) => lesson))) {
    const { recap } = parseLesson(lesson.text, readHost())
    if (!isFinished(lesson) || !recap) continue
    lines.push('', `What to keep of lesson ${numberOf(lesson)}, ${lesson.title}:`, ...plain(recap.text).split('\n'))
  }
  if (done.length > 0) lines.push('')
  const task = next.lesson.tasks[next.task]!
  if (lessons.every(isFinished)) lines.push('The course is finished.')
  else lines.push(`'${command}' goes on with lesson ${numberOf(next.lesson)}, task ${next.task + 1}: ${task.title}`)
  for (const file of transcripts) lines.push(`What the shell has shown is in ${file}`)
  return lines
}
