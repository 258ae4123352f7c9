import { useLayoutEffect, useMemo } from 'react'
import { readHost } from '../../host.ts'
import { linesFor } from '../../lesson.ts'
import { useTheme, useTutor } from '../context.ts'
import { lessonDocument } from '../document.ts'
import { usePlayer } from './use-player.ts'
import { useScreen } from './use-screen.ts'

export interface LessonRows {
  readonly rows: readonly string[]
  /** Rows above and below what is shown. */
  readonly above: number
  readonly below: number
}

/** The visible part of the lesson's text. A new task begins at its section; a hint or an explanation comes into view. */
export function useLessonRows(columns: number, height: number): LessonRows {
  const { screen } = useTutor()
  const theme = useTheme()
  const { lesson, task, done, hints, values } = usePlayer()
  const { scroll } = useScreen()
  const isDone = done[task] ?? false
  const current = lesson.tasks[task]!
  const document = useMemo(
    () =>
      lessonDocument(
        { text: lesson.text, task, done: isDone, hints: linesFor(current.hints, readHost()), shown: hints, values },
        columns,
        theme,
      ),
    [lesson, task, isDone, current, hints, values, columns, theme],
  )
  const place = `${lesson.name} ${task}`
  const news = `${isDone} ${hints}`
  const last = Math.max(0, document.rows.length - height)
  let { first } = screen.extent
  if (screen.seen.place !== place) first = document.section
  else if (screen.seen.news !== news) first = Math.min(document.newest, Math.max(first, last))
  else if (screen.seen.columns !== columns) {
    // the same text in rows of another length: as far into the section as before
    const { section, rows } = screen.seen
    const share = (document.rows.length - document.section) / Math.max(1, rows - section)
    first = document.section + Math.round((first - section) * (first < section ? 1 : share))
  } else if (scroll !== undefined) first = scroll
  first = Math.max(0, Math.min(last, first))
  useLayoutEffect(() => {
    screen.seen = { place, news, columns, section: document.section, rows: document.rows.length }
    screen.extent = { first, height, rows: document.rows.length }
    if (scroll !== undefined && scroll !== first) screen.update({ scroll: first })
  })
  const rows = document.rows.slice(first, first + height)
  return { rows, above: first, below: Math.max(0, document.rows.length - first - height) }
}
