import { useLayoutEffect, useMemo } from 'react'
import { readHost, rootWanted } from '../../host.ts'
import { linesFor } from '../../lesson.ts'
import { placeholders } from '../../placeholders.ts'
import { useTheme, useTutor } from '../context.ts'
import { lessonDocument } from '../document.ts'
import { usePlayer } from './use-player.ts'
import { useScreen } from './use-screen.ts'
import { useWindow, type Window } from './use-window.ts'

/** The visible part of the lesson's text. A new task begins at its section; a hint or an explanation comes into view. */
export function useLessonRows(columns: number, height: number): Window {
  const { screen } = useTutor()
  const theme = useTheme()
  const { lesson, task, done, hints, values, prediction, obstacles } = usePlayer()
  const { taken } = useScreen()
  const isDone = done[task] ?? false
  const current = lesson.tasks[task]!
  const names = useMemo(() => placeholders(lesson), [lesson])
  const document = useMemo(() => {
    const all = linesFor(current.hints, readHost())
    const known = { ...names, ...values } // before there is a lab, their names stand for the values
    const shown = { task, done: isDone, hints: all, shown: hints, chosen: prediction, obstacles, values: known }
    const wanted = rootWanted(lesson, current)
    return lessonDocument({ text: lesson.text, ...shown, rootWanted: wanted }, columns, theme)
  }, [lesson, task, isDone, current, hints, names, values, prediction, obstacles, columns, theme])
  const rows = useMemo(() => {
    const command = taken === undefined ? undefined : document.commands[taken]
    return command ? document.rows.with(command.row, theme.match(document.rows[command.row]!)) : document.rows
  }, [document, taken, theme])

  const place = `${lesson.name} ${task}`
  const news = `${isDone} ${hints}`
  const { seen } = screen
  const { first } = screen.extents.lesson
  let jump: number | undefined
  if (seen.place !== place) jump = document.section
  else if (seen.news !== news) jump = Math.min(document.newest, Math.max(first, document.rows.length - height))
  else if (seen.columns !== columns) {
    // the same text in rows of another length: as far into the section as before
    const share = (document.rows.length - document.section) / Math.max(1, seen.rows - seen.section)
    jump = document.section + Math.round((first - seen.section) * (first < seen.section ? 1 : share))
  }
  const window = useWindow('lesson', rows, height, jump)
  useLayoutEffect(() => {
    screen.seen = { place, news, columns, section: document.section, rows: document.rows.length }
    screen.commands = document.commands
  })
  return window
}
