// Where one can go: the lessons, and the tasks of the current one.
import type { Lesson } from '../lesson.ts'
import type { Player } from '../player.ts'

/** A row of the page with the lessons: a lesson, or a task of the current one. */
export interface Place {
  readonly lesson: Lesson
  readonly task: number | undefined
}

export const places = (lessons: readonly Lesson[], current: Lesson): Place[] =>
  lessons.flatMap(lesson => [
    { lesson, task: undefined },
    ...(lesson.name === current.name ? lesson.tasks.map((_, task) => ({ lesson, task })) : []),
  ])

/** The lesson after the current one, when its last task is on the screen. */
export function lessonAfter({ state }: Player, lessons: readonly Lesson[]): Lesson | undefined {
  const { lesson, task } = state
  if (task < lesson.tasks.length - 1) return undefined
  return lessons[lessons.findIndex(({ name }) => name === lesson.name) + 1]
}

interface Course {
  readonly player: Player
  readonly progress: (lesson: Lesson) => readonly boolean[]
}

/** A lesson is opened at the first of its tasks that is not done. */
export function openPlace({ lesson, task }: Place, { player, progress }: Course): void {
  void player.open(lesson, task ?? Math.max(0, progress(lesson).indexOf(false)))
}

/** The row of the list that is shown first, so that the chosen one is in the middle. */
export const firstPlace = (rows: number, height: number, chosen: number): number =>
  Math.max(0, Math.min(rows - height, chosen - Math.floor(height / 2)))
