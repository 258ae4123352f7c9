// How long a lesson takes in a room, from the lesson itself: its words, its tasks, the lines of their solutions.
import { type Host, type Lesson, linesFor, numberOf } from '../lesson.ts'
import { parseLesson } from '../parse.ts'

export interface Times {
  readonly number: number
  readonly title: string
  readonly tasks: number
  /** Minutes. */
  readonly reading: number
  readonly doing: number
  /** Both, as a multiple of five. */
  readonly all: number
}

/** Words a minute of technical prose in a foreign language, on a screen. */
export const WORDS = 130
/** Minutes to begin a task and to look at what came of it. */
export const TASK = 1.5
/** … to predict, and to type and understand a line. */
const [PREDICTION, LINE] = [0.5, 0.5]

export function timesOf(lesson: Lesson, host: Host): Times {
  const { sections } = parseLesson(lesson.text, host)
  const reading = lesson.text.split(/\s+/).filter(word => /\p{L}/u.test(word)).length / WORDS
  const doing = lesson.tasks.reduce((sum, { solution }, index) => {
    const lines = linesFor(solution, host).length
    return sum + TASK + (sections[index]?.prediction ? PREDICTION : 0) + lines * LINE
  }, 0)
  return {
    number: numberOf(lesson),
    title: lesson.title,
    tasks: lesson.tasks.length,
    reading: Math.round(reading),
    doing: Math.round(doing),
    all: Math.max(5, Math.round((reading + doing) / 5) * 5),
  }
}

export const clock = (minutes: number): string => `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`

/** Lessons in order, a list a day, so that no day has more minutes than that, unless one lesson has. */
export function days(times: readonly Times[], minutes: number): Times[][] {
  const found: Times[][] = []
  let left = 0
  for (const each of times) {
    if (found.length === 0 || each.all > left) {
      found.push([])
      left = minutes
    }
    found.at(-1)!.push(each)
    left -= each.all
  }
  return found
}

/** A row a lesson, and the days that come of it. */
export function timetable(lessons: readonly Lesson[], host: Host, hoursADay: number): string[] {
  const times = lessons.map(lesson => timesOf(lesson, host))
  const width = Math.max(...times.map(({ title }) => title.length))
  let sum = 0
  const rows = times.map(({ number, title, tasks, reading, doing, all }) => {
    sum += all
    const figures = [tasks, reading, doing, all].map(figure => String(figure).padStart(7)).join('')
    return `${String(number).padStart(6)}  ${title.padEnd(width)}${figures}${clock(sum).padStart(8)}`
  })
  const plan = days(times, hoursADay * 60).map((list, index) => {
    const minutes = list.reduce((sum, { all }) => sum + all, 0)
    const [first, last] = [list[0]!.number, list.at(-1)!.number]
    return `  day ${index + 1}: ${first === last ? `lesson ${first}` : `lessons ${first} to ${last}`}, ${clock(minutes)} hours`
  })
  const head = `lesson  ${''.padEnd(width)}  tasks   read     do    all   until`
  return [head, ...rows, '', `With ${hoursADay} hours of work a day:`, ...plan]
}
