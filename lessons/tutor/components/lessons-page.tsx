import { type Place, places } from '../commands.ts'
import { useTheme, useTutor } from '../context.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { useScreen } from '../hooks/use-screen.ts'
import type { Rect } from '../layout.ts'
import { fit } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

/** All lessons with their progress, the current one with its tasks; the chosen row is marked. */
export function LessonsPage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const { lessons, progress } = useTutor()
  const { lesson: current, done } = usePlayer()
  const { cursor } = useScreen()
  const list = places(lessons, current)
  const height = rect.height - 1
  const first = Math.max(0, Math.min(list.length - height, cursor - Math.floor(height / 2)))
  const columns = rect.width

  const text = ({ lesson, task }: Place): string => {
    const ticks = lesson.name === current.name ? done : progress(lesson)
    if (task !== undefined) return `     ${ticks[task] ? '✔' : '·'} ${lesson.tasks[task]!.title}`
    const finished = ticks.filter(Boolean).length
    const number = String(lessons.indexOf(lesson) + 1).padStart(2)
    const sign = finished === lesson.tasks.length ? '✔' : lesson.name === current.name ? '▸' : '·'
    return (
      fit(`${sign} ${number} ${lesson.title}`, columns - 14) + `${finished}/${lesson.tasks.length} done`.padStart(10)
    )
  }
  const rows = list.slice(first, first + height).map((place, offset) => {
    const chosen = first + offset === cursor
    const row = fit(`${chosen ? '›' : ' '} ${text(place)}`, columns)
    return chosen ? theme.selected(row) : place.task === undefined ? theme.strong(row) : row
  })
  return <Pane rect={rect} rows={[rule('Lessons', 'Enter opens, Esc closes', columns, true, theme), ...rows]} />
}
