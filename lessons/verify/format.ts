// What can be wrong with a lesson before anything is played.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { packageDir } from '../../toolkit/image/paths.ts'
import { type Host, type Lesson, linesFor, type Task } from '../lesson.ts'
import { LessonFormatError, parseLesson } from '../parse.ts'

const FEW_HINTS = 2

/** A lesson must be right on every kind of machine, also on those that we are not. */
const HOSTS: readonly Host[] = [{ cgroups: 'v1' }, { cgroups: 'v2' }]

/** All mistakes, each in a line. */
export const formatProblems = (lesson: Lesson): string[] => [
  ...new Set([...HOSTS.flatMap(host => problemsOn(host, lesson)), ...problemsOf(lesson)]),
]

function problemsOn(host: Host, lesson: Lesson): string[] {
  const file = `${lesson.name}/lesson.md`
  const problems: string[] = []
  try {
    const { title, sections } = parseLesson(lesson.text, host, file)
    if (title !== lesson.title) problems.push(`${file}:1: the title is '${title}', and in lesson.ts '${lesson.title}'`)
    for (let i = 0; i < Math.max(sections.length, lesson.tasks.length); i++) {
      const [section, task] = [sections[i], lesson.tasks[i]]
      if (!section) problems.push(`${file}: no section for the task '${task!.title}'`)
      else if (!task) problems.push(`${file}:${section.line}: no task for the section '${section.title}'`)
      else if (section.title !== task.title)
        problems.push(`${file}:${section.line}: the section is '${section.title}', the task '${task.title}'`)
    }
  } catch (error) {
    if (!(error instanceof LessonFormatError)) throw error
    problems.push(...error.problems)
  }
  return [...problems, ...unknownValues(lesson, host), ...lesson.tasks.flatMap(task => taskProblems(task, host))]
}

function problemsOf(lesson: Lesson): string[] {
  const problems: string[] = []
  const source = path.join(packageDir(), 'toolkit') // an installed package comes without
  if (existsSync(source) && !existsSync(path.join(packageDir(), lesson.module)))
    problems.push(`lesson.ts: there is no module ${lesson.module}`)
  const ids = lesson.tasks.map(({ id }) => id)
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i)))
    problems.push(`lesson.ts: two tasks have the id '${id}'`)
  return problems
}

function taskProblems({ id, hints, solution, otherWays, wrongWays }: Task, host: Host): string[] {
  const where = `lesson.ts, task '${id}'`
  return [
    ...(linesFor(hints, host).length < FEW_HINTS
      ? [`${where}: at least ${FEW_HINTS} hints, from a nudge to nearly the answer`]
      : []),
    ...(linesFor(solution, host).length === 0 ? [`${where}: no solution`] : []),
    ...(otherWays.length === 0 ? [`${where}: at least one other right way`] : []),
    ...(wrongWays.length < 2 ? [`${where}: at least two wrong ways, each with its own diagnosis`] : []),
  ]
}

/** `{{name}}` in the text, the hints and the commands stands for a value that there is. */
function unknownValues(lesson: Lesson, host: Host): string[] {
  const known: Record<string, string> = { plan: '', ...lesson.values?.(host) }
  const lines: [string, string][] = lesson.text
    .split('\n')
    .map((line, i) => [`${lesson.name}/lesson.md:${i + 1}`, line])
  for (const { id, hints, solution, leaves = [], otherWays, wrongWays } of lesson.tasks) {
    const typed = [hints, solution, leaves, ...[...otherWays, ...wrongWays].map(({ commands }) => commands)]
    for (const line of typed.flatMap(lines => linesFor(lines, host))) lines.push([`lesson.ts, task '${id}'`, line])
  }
  return lines.flatMap(([where, line]) =>
    [...line.matchAll(/\{\{(\w+)\}\}/g)]
      .filter(([, name]) => known[name!] === undefined)
      .map(([whole]) => `${where}: there is no value ${whole}`),
  )
}
