// The text of a lesson as the lesson pane shows it: the introduction, the section of the current task with its
// prediction, the hints asked for, and what comes after the task once it is done. See lessons/README.md for how the
// text is written.
import { readHost } from '../host.ts'
import { fill, type LessonText, type Prediction, parseLesson } from '../parse.ts'
import { outcome } from '../prediction.ts'
import { type MarkdownRow, renderMarkdown } from './markdown.ts'
import type { Theme } from './theme.ts'

const parsed = new Map<string, LessonText>()

/** The parts of a lesson's text, as it is read on this machine. */
export function partsOf(text: string): LessonText {
  let parts = parsed.get(text)
  if (!parts) {
    parts = parseLesson(text, readHost())
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
  /** The chosen option of the prediction. */
  readonly chosen: number | undefined
  /** Why the lesson cannot be done here; then what comes after a task can be read all the same. */
  readonly obstacles: readonly string[]
  /** Why the task cannot be done without root, where we have none. */
  readonly rootWanted?: string | undefined
  readonly values: Readonly<Record<string, string>>
}

/** A command of the text. */
export interface TextCommand {
  readonly row: number
  readonly text: string
}

export interface Document {
  readonly rows: readonly string[]
  /** The row where the section of the task begins; 0 for the first task, which is read from the introduction on. */
  readonly section: number
  /** Where the newest hint, or else what comes after the task, begins. */
  readonly newest: number
  readonly commands: readonly TextCommand[]
}

const cache = new Map<string, MarkdownRow[]>()

/** `columns` is the width of the pane: text keeps a cell off both its sides, code begins in the first. */
function cached(source: string, columns: number, theme: Theme): MarkdownRow[] {
  const key = `${theme.name} ${columns} ${source}`
  let rows = cache.get(key)
  if (!rows) {
    if (cache.size > 100) cache.clear() // a window that is dragged larger passes through many widths
    rows = renderMarkdown(source, columns - 2, theme, columns - 1)
    cache.set(key, rows)
  }
  return rows
}

export function lessonDocument(input: DocumentInput, columns: number, theme: Theme): Document {
  const { intro, sections, recap } = partsOf(input.text)
  const { task, obstacles, chosen, hints } = input
  const section = sections[task]
  const rows: string[] = []
  const commands: TextCommand[] = []
  const gap = () => rows.length > 0 && rows.at(-1) !== '' && rows.push('')
  const draw = (source: string, width = columns) => cached(fill(source, input.values), width, theme)
  const add = (source: string) => {
    if (source === '') return
    gap()
    for (const { text, code, command } of draw(source)) {
      if (command !== undefined) commands.push({ row: rows.length, text: command })
      rows.push(code || text === '' ? text : ` ${text}`)
    }
  }
  /** Set off by a bar. */
  const aside = (source: string, style: Theme['open']) => {
    for (const { text } of draw(source, columns - 2)) rows.push(` ${style('▌')} ${text}`)
  }

  if (obstacles.length > 0) {
    aside(`**This lesson cannot be done on this machine.** You can read it.\n\n${bullets(obstacles)}`, theme.bad)
  }
  add(intro.text)
  gap()
  const start = rows.length
  if (input.rootWanted) aside(`**This task needs root**: ${input.rootWanted}`, theme.bad)
  if (section) add(`## ${section.title}\n\n${section.before.text}`)
  const prediction = section?.prediction
  const revealed = input.done || (obstacles.length > 0 && (!prediction || chosen !== undefined))
  if (prediction) {
    gap()
    aside(question(prediction, chosen, revealed), theme.heading)
  }
  let newest = start
  hints.slice(0, input.shown).forEach((hint, index) => {
    gap()
    newest = rows.length
    aside(`**Hint ${index + 1} of ${hints.length}**\n\n${hint}`, theme.open)
  })
  if (section && revealed) {
    gap()
    newest = rows.length
    if (prediction) {
      add(outcome(prediction, chosen))
      gap()
    }
    rows.push(` ${theme.good(input.done ? '✔ Done. What happened:' : 'What happens:')}`)
    add(section.after.text)
    if (task === sections.length - 1 && recap) add(`## To keep\n\n${recap.text}`)
  }
  return { rows, section: task === 0 ? 0 : start, newest, commands }
}

const bullets = (lines: readonly string[]) =>
  lines.map(line => `- ${line.replace(/^[a-z]/, letter => letter.toUpperCase())}`).join('\n')

/** The question and its options. The chosen one is marked; which one is right is not said here. */
function question({ question, options }: Prediction, chosen: number | undefined, over: boolean): string {
  const list = options.map((option, index) => `${index + 1}. ${option}${index === chosen ? ' ◂ your choice' : ''}`)
  const keys = options.length === 2 ? '1 or 2' : `1 to ${options.length}`
  const how = chosen === undefined ? `Key ${keys} chooses.` : `Key ${keys} changes it. The answer comes after the task.`
  return [`**Predict.** ${question}`, list.join('\n'), ...(over ? [] : [how])].join('\n\n')
}
