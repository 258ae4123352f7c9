// The course as plain text: list, show, solve. No lab, no root.

import { readHost } from '../host.ts'
import { lessons } from '../index.ts'
import { type Lesson, linesFor } from '../lesson.ts'
import { fill, parseLesson } from '../parse.ts'
import { planText } from '../plan-text.ts'
import { openProgress } from '../progress.ts'
import { findLesson, findTask, parse, print, printJson, taskAt } from './options.ts'

const JSON_FLAG = { json: { type: 'boolean' } } as const

export async function list(argv: readonly string[]): Promise<number> {
  const { flags } = parse('lessons list', argv, JSON_FLAG, 0)
  const progress = openProgress()
  if (progress.warning) process.stderr.write(`toolkit: ${progress.warning}\n`)
  const rows = lessons.map(({ name, title, tasks }) => ({
    name,
    title,
    tasks: tasks.map(({ id, title }) => ({ id, title, done: progress.isDone(name, id) })),
  }))
  if (flags.json) printJson(rows)
  else
    for (const { name, title, tasks } of rows) {
      print(`${name}  ${title}  ${tasks.filter(({ done }) => done).length} of ${tasks.length} done`)
      tasks.forEach(({ id, title, done }, i) => {
        print(`  ${i + 1} ${id.padEnd(12)} ${done ? 'done' : 'open'}  ${title}`)
      })
    }
  return 0
}

export async function show(argv: readonly string[]): Promise<number> {
  const options = { ...JSON_FLAG, hints: { type: 'boolean' }, after: { type: 'boolean' } } as const
  const { flags, words } = parse('lessons show', argv, options, 2)
  const lesson = findLesson(words[0], 'lessons show')
  const only = words[1] === undefined ? undefined : findTask(lesson, words[1], 'lessons show')
  const host = readHost()
  const { title, intro, sections, recap } = parseLesson(lesson.text, host)
  const progress = openProgress()
  const shown = lesson.tasks.map((task, index) => {
    const done = progress.isDone(lesson.name, task.id)
    const { before, prediction, after } = sections[index]!
    const shown = done || flags.after
    return {
      number: index + 1,
      id: task.id,
      title: task.title,
      done,
      text: before.text,
      ...(prediction && {
        predict: { question: prediction.question, options: prediction.options },
        ...(shown && { answer: prediction.answer + 1 }),
      }),
      ...(shown && { after: after.text }),
      ...(flags.hints && { hints: linesFor(task.hints, host) }),
    }
  })
  const tasks = shown.filter((_, index) => only === undefined || index === only)
  if (flags.json) {
    printJson({ name: lesson.name, title, ...(only === undefined && { text: intro.text, recap: recap?.text }), tasks })
    return 0
  }
  const placeholders = placeholdersOf(lesson)
  const parts = tasks.flatMap(({ number, id, title, done, text, predict, answer, after, hints = [] }) => [
    `Task ${number} of ${lesson.tasks.length}: ${title} (${id}, ${done ? 'done' : 'open'})`,
    plain(text),
    ...(predict ? [`Predict. ${plain(predict.question)}\n${predict.options.map(option).join('\n')}`] : []),
    ...hints.map((hint, i) => `Hint ${i + 1}: ${plain(hint)}`),
    ...(answer ? [`The right prediction was ${answer}.`] : []),
    ...(after ? ['Afterwards:', plain(after)] : []),
  ])
  const [first, last] = only === undefined ? [plain(intro.text), plain(recap?.text ?? '')] : ['', '']
  print(fill([first, ...parts, last].filter(Boolean).join('\n\n'), placeholders))
  return 0
}

const option = (text: string, index: number): string => `  ${index + 1}. ${plain(text)}`

/** Without a lab there are no values: their names stand for them, `<hostname>`. */
function placeholdersOf(lesson: Lesson): Record<string, string> {
  const names = Object.keys(lesson.values?.(readHost()) ?? {})
  const values = Object.fromEntries(names.map(name => [name, `<${name}>`]))
  return { ...values, plan: plain(planText(lesson, values)) }
}

/** Markdown for ears and pipes: code is indented, headings and stress lose their signs. */
export function plain(markdown: string): string {
  return markdown
    .concat('\n')
    .split(/^```.*\n/m)
    .map((part, i) => (i % 2 === 1 ? part.replace(/^(?=.)/gm, '    ') : withoutSigns(part)))
    .join('')
    .trimEnd()
}

const withoutSigns = (text: string): string =>
  text
    .replace(/^#+ /gm, '')
    .replace(/\*\*([^*]+)\*\*/g, '$1')
    .replace(/(?<=^|\s)_([^_`]+)_(?=$|\W)/gm, '$1')

/** `lessons solve` without `--run`. */
export function printSolution(lesson: Lesson, index: number, json: boolean): void {
  const { id, solution } = taskAt(lesson, index)
  const lines = linesFor(solution, readHost()).map(line => fill(line, placeholdersOf(lesson)))
  if (json) printJson({ lesson: lesson.name, task: id, solution: lines })
  else print(lines.join('\n'))
}
