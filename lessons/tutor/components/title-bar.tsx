import { numberOf } from '../../lesson.ts'
import type { LineState } from '../../workshop/line.ts'
import { useTheme, useTutor } from '../context.ts'
import { useLine } from '../hooks/use-line.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { useScreen } from '../hooks/use-screen.ts'
import { wishText } from '../wishes.ts'
import { cut, fit, width } from '../wrap.ts'
import { Pane } from './pane.tsx'

const BAR = 10
const WIDE = 100 // columns, where there is room for whom this seat reports to

/** The course, the lesson, how far the learner has come in it, and who is told; what the instructor wants, as long as that is open. */
export function TitleBar({ columns }: { columns: number }) {
  const { course, lessons } = useTutor()
  const line = useLine()
  const screen = useScreen()
  const { lesson, task, done } = usePlayer()
  const theme = useTheme()
  const finished = done.filter(Boolean).length
  const filled = Math.round((finished / Math.max(1, done.length)) * BAR)
  const progress = `${'━'.repeat(filled)}${'─'.repeat(BAR - filled)} ${finished}/${done.length} done`
  const rect = { x: 0, y: 0, width: columns, height: 1 }
  if (line?.wish)
    return (
      <Pane
        rect={rect}
        rows={[theme.question(fit(` ${cut(wishText(line.wish, lessons, screen), columns - 2)}`, columns))]}
      />
    )
  const right = `${line ? reporting(line, columns) : ''}task ${task + 1} of ${lesson.tasks.length}  ${progress} `
  const left = cut(` ${course} · lesson ${numberOf(lesson)}: ${lesson.title}`, columns - width(right) - 1)
  const gap = ' '.repeat(Math.max(1, columns - width(left) - width(right)))
  return <Pane rect={rect} rows={[theme.bar(left + gap + right)]} />
}

/** Words where there is room, else a sign. */
function reporting({ status, to }: LineState, columns: number): string {
  if (status === 'left') return ''
  const [words, sign] =
    status === 'reporting' || status === 'connecting' ? [`reports to ${to}`, '⇄'] : [`cannot report to ${to}`, '⇎']
  return `${columns >= WIDE ? words : sign}  `
}
