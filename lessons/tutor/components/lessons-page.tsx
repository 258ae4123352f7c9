import { numberOf } from '../../lesson.ts'
import { useTheme, useTutor } from '../context.ts'
import { useObstacles } from '../hooks/use-obstacles.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { useScreen } from '../hooks/use-screen.ts'
import type { Rect } from '../layout.ts'
import { firstPlace, type Place, places } from '../places.ts'
import { fit, wrap } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

const WIDE = 72 // columns, where there is room for the word by which `toolkit learn WORD` opens a lesson
const MOST_REASONS = 4 // rows

/** All lessons with their progress, the current one with its tasks; the chosen row is marked. */
export function LessonsPage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const { lessons, progress } = useTutor()
  const { lesson: current, done } = usePlayer()
  const { cursor } = useScreen()
  const obstacles = useObstacles()
  const list = places(lessons, current)
  const height = rect.height - 1
  const first = firstPlace(list.length, height, cursor)
  const columns = rect.width
  const ticksOf = (lesson: Place['lesson']) => (lesson.name === current.name ? done : progress(lesson))

  const text = ({ lesson, task }: Place): string => {
    const ticks = ticksOf(lesson)
    if (task !== undefined) return `     ${ticks[task] ? '✔' : '·'} ${lesson.tasks[task]!.title}`
    const finished = ticks.filter(Boolean).length
    const number = String(numberOf(lesson)).padStart(2)
    const sign = finished === lesson.tasks.length ? '✔' : lesson.name === current.name ? '▸' : '·'
    const state = obstacles.has(lesson) ? 'not on this machine' : `${finished}/${lesson.tasks.length} done`
    const word = columns < WIDE ? '' : lesson.name.slice(3).padEnd(14)
    return fit(`${sign} ${number} ${lesson.title}`, columns - 24 - word.length) + word + state.padStart(20)
  }
  const rows = list.slice(first, first + height).map((place, offset) => {
    const chosen = first + offset === cursor
    const row = fit(`${chosen ? '›' : ' '} ${text(place)}`, columns)
    return chosen ? theme.selected(row) : place.task === undefined ? theme.strong(row) : row
  })
  // why the chosen one cannot be done, over the last rows, or the first where it stands there itself
  const reasons = obstacles.get(list[cursor]!.lesson) ?? []
  const why = reasons.flatMap(reason => wrap(`✘ ${reason}`, columns - 2)).slice(0, MOST_REASONS)
  const at = cursor - first < height - why.length ? height - why.length : 0
  why.forEach((row, index) => {
    rows[at + index] = theme.bad(fit(` ${row}`, columns))
  })

  const finished = lessons.filter(lesson => ticksOf(lesson).filter(Boolean).length === lesson.tasks.length).length
  const title = `Lessons: ${finished} of ${lessons.length} finished`
  const more = list.length - first - height
  const info = more > 0 ? `↓ ${more} more` : 'Enter opens, Esc closes'
  return <Pane rect={rect} rows={[rule(title, info, columns, true, theme), ...Array.from(rows, row => row ?? '')]} />
}
