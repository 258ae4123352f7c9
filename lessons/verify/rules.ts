// What every lesson of the course has, beyond a right format: how it teaches. See lessons/README.md.
import type { Lesson } from '../lesson.ts'
import { LessonFormatError, type LessonText, parseLesson } from '../parse.ts'

const FEWEST_TASKS = 4
const MOST_TASKS = 8

/** The rules that a lesson breaks, a line each. */
export function ruleProblems(lesson: Lesson): string[] {
  let text: LessonText
  try {
    text = parseLesson(lesson.text, { cgroups: 'v2' })
  } catch (error) {
    if (error instanceof LessonFormatError) return [] // said by formatProblems
    throw error
  }
  const { sections, recap, files } = text
  const { tasks, control } = lesson
  const blocks = sections.flatMap(({ before, after }) => [...before.blocks, ...after.blocks])
  const broken: [boolean, string][] = [
    [tasks.length < FEWEST_TASKS || tasks.length > MOST_TASKS, `${FEWEST_TASKS} to ${MOST_TASKS} tasks`],
    [!sections.some(({ prediction }) => prediction), "at least one prediction: '### Predict' in a section"],
    [!blocks.some(({ fails }) => fails), 'at least one failure that is announced: a block ```sh fails'],
    [!tasks.some(({ id }) => id === control), `a task that shows both sides; there is no task '${control}'`],
    [tasks.at(-1)?.id !== 'module', "a last task 'module', in which the learner calls the module"],
    [files.length === 0, 'a file to complete: a block ```ts file NAME.ts'],
    [!lesson.text.includes('{{plan}}'), 'the steps of its module: {{plan}} in the text'],
    [recap === undefined, "a section '## Recap' at the end"],
  ]
  return broken.flatMap(([isBroken, rule]) => (isBroken ? [`${lesson.name}: a lesson has ${rule}`] : []))
}
