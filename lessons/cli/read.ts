// The course as plain text: list, show, module, recap, solve. No lab, no root.
import { obstacles, readHost, rootWanted } from '../host.ts'
import { lessons } from '../index.ts'
import { type Lesson, linesFor } from '../lesson.ts'
import { moduleSource } from '../module.ts'
import { fill, parseLesson } from '../parse.ts'
import { namedSteps, placeholders } from '../placeholders.ts'
import { outcome } from '../prediction.ts'
import { openProgress } from '../progress.ts'
import { findLesson, findTask, parse, print, printJson, taskAt } from './options.ts'
import { plain } from './plain.ts'

const JSON_FLAG = { json: { type: 'boolean' } } as const

export async function list(argv: readonly string[]): Promise<number> {
  const { flags } = parse('lessons list', argv, JSON_FLAG, 0)
  const progress = openProgress()
  if (progress.warning) process.stderr.write(`toolkit: ${progress.warning}\n`)
  const rows = []
  for (const lesson of lessons) {
    const { name, title, tasks } = lesson
    const done = tasks.map(task => ({
      id: task.id,
      title: task.title,
      done: progress.isDone(name, task.id),
      ...(rootWanted(lesson, task) && { needsRoot: rootWanted(lesson, task) }),
    }))
    rows.push({ name, title, obstacles: await obstacles(lesson), tasks: done })
  }
  if (flags.json) printJson(rows)
  else
    for (const { name, title, obstacles, tasks } of rows) {
      print(`${name}  ${title}  ${tasks.filter(({ done }) => done).length} of ${tasks.length} done`)
      for (const obstacle of obstacles) print(`  cannot be done on this machine: ${obstacle}`)
      tasks.forEach(({ id, title, done, needsRoot }, i) => {
        print(`  ${i + 1} ${id.padEnd(12)} ${done ? 'done' : 'open'}  ${title}`)
        if (needsRoot) print(`                       needs root: ${needsRoot}`)
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
        ...(shown && { answer: outcome(prediction, undefined) }),
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
  const values = plainValues(lesson)
  const parts = tasks.flatMap(({ number, id, title, done, text, predict, answer, after, hints = [] }) => [
    `Task ${number} of ${lesson.tasks.length}: ${title} (${id}, ${done ? 'done' : 'open'})`,
    plain(text),
    ...(predict ? [`Predict. ${plain(predict.question)}\n${predict.options.map(option).join('\n')}`] : []),
    ...hints.map((hint, i) => `Hint ${i + 1}: ${plain(hint)}`),
    ...(answer ? [plain(answer)] : []),
    ...(after ? ['Afterwards:', plain(after)] : []),
  ])
  const [first, last] = only === undefined ? [plain(intro.text), plain(recap?.text ?? '')] : ['', '']
  print(fill([first, ...parts, last].filter(Boolean).join('\n\n'), values))
  return 0
}

const option = (text: string, index: number): string => `  ${index + 1}. ${plain(text)}`

const plainValues = (lesson: Lesson): Record<string, string> => {
  const values = placeholders(lesson)
  return { ...values, plan: plain(values.plan!) }
}

/** The module that a lesson is about: the steps, then the source with the numbers of its lines. */
export async function module(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse('lessons module', argv, JSON_FLAG, 1)
  const lesson = findLesson(words[0], 'lessons module')
  const source = moduleSource(lesson)
  if (flags.json) printJson({ lesson: lesson.name, module: lesson.module, steps: namedSteps(lesson), source })
  else
    print(
      `The steps, each with a command of the same effect:\n\n${plainValues(lesson).plan}\n\n${lesson.module}\n\n${source.trimEnd()}`,
    )
  return 0
}

/** What to keep of a lesson. */
export async function recap(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse('lessons recap', argv, JSON_FLAG, 1)
  const lesson = findLesson(words[0], 'lessons recap')
  const text = parseLesson(lesson.text, readHost()).recap?.text ?? ''
  if (flags.json) printJson({ lesson: lesson.name, recap: text })
  else print(plain(text))
  return 0
}

/** `lessons solve` without `--run`. */
export function printSolution(lesson: Lesson, index: number, json: boolean): void {
  const { id, solution } = taskAt(lesson, index)
  const lines = linesFor(solution, readHost()).map(line => fill(line, placeholders(lesson)))
  if (json) printJson({ lesson: lesson.name, task: id, solution: lines })
  else print(lines.join('\n'))
}
