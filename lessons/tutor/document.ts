// The text of a lesson as the lesson pane shows it: the introduction, the section of the current task, what comes after
// the task once it is done, and the hints asked for. See lessons/lesson.ts for how the text is written.
import { readHost } from '../host.ts'
import { fill, parseLesson } from '../parse.ts'
import { renderMarkdown } from './markdown.ts'
import type { Theme } from './theme.ts'

/** The parts of a lesson's text. */
interface Parts {
  readonly introduction: string
  readonly sections: readonly { readonly before: string; readonly after: string }[]
}

const parsed = new Map<string, Parts>()

function partsOf(text: string): Parts {
  let parts = parsed.get(text)
  if (!parts) {
    const { intro, sections } = parseLesson(text, readHost())
    parts = {
      introduction: intro.text,
      sections: sections.map(({ title, before, after }) => ({
        before: `## ${title}\n\n${before.text}`,
        after: after.text,
      })),
    }
    parsed.set(text, parts)
  }
  return parts
}

export interface DocumentInput {
  readonly text: string
  readonly task: number
  readonly done: boolean
  readonly hints: readonly string[]
  /** How many of the hints are shown. */
  readonly shown: number
  readonly values: Readonly<Record<string, string>>
}

export interface Document {
  readonly rows: readonly string[]
  /** The row where the section of the task begins; 0 for the first task, which is read from the introduction on. */
  readonly section: number
  /** Where the newest hint, or else what comes after the task, begins. */
  readonly newest: number
}

const cache = new Map<string, string[]>()

function cached(source: string, columns: number, theme: Theme): string[] {
  const key = `${theme.name} ${columns} ${source}`
  let rows = cache.get(key)
  if (!rows) {
    if (cache.size > 100) cache.clear() // a window that is dragged larger passes through many widths
    rows = renderMarkdown(source, columns, theme)
    cache.set(key, rows)
  }
  return rows
}

export function lessonDocument(input: DocumentInput, columns: number, theme: Theme): Document {
  const { introduction, sections } = partsOf(input.text)
  const section = sections[input.task]
  const rows: string[] = []
  const add = (source: string) => {
    if (source === '') return
    if (rows.length > 0) rows.push('')
    rows.push(...cached(fill(source, input.values), columns, theme))
  }
  add(introduction)
  const start = rows.length === 0 ? 0 : rows.length + 1
  add(section?.before ?? '')
  let newest = start
  input.hints.slice(0, input.shown).forEach((hint, index) => {
    newest = rows.length + 1
    rows.push('', theme.open(`▌ Hint ${index + 1} of ${input.hints.length}`))
    const hintRows = cached(fill(hint, input.values), columns - 2, theme)
    rows.push(...hintRows.map(row => theme.open('▌ ') + row))
  })
  if (input.done && section?.after) {
    newest = rows.length + 1
    rows.push('', theme.good('✔ Done. What happened:'), '')
    rows.push(...cached(fill(section.after, input.values), columns, theme))
  }
  return { rows, section: input.task === 0 ? 0 : start, newest }
}
