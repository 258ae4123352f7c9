import { numberOf } from '../../lesson.ts'
import { useTheme, useTutor } from '../context.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { cut, width } from '../wrap.ts'
import { Pane } from './pane.tsx'

const BAR = 10

/** The course, the lesson, and how far the learner has come in it. */
export function TitleBar({ columns }: { columns: number }) {
  const { course } = useTutor()
  const { lesson, task, done } = usePlayer()
  const theme = useTheme()
  const finished = done.filter(Boolean).length
  const filled = Math.round((finished / Math.max(1, done.length)) * BAR)
  const progress = `${'━'.repeat(filled)}${'─'.repeat(BAR - filled)} ${finished}/${done.length} done`
  const right = `task ${task + 1} of ${lesson.tasks.length}  ${progress} `
  const left = cut(` ${course} · lesson ${numberOf(lesson)}: ${lesson.title}`, columns - width(right) - 1)
  const gap = ' '.repeat(Math.max(1, columns - width(left) - width(right)))
  return <Pane rect={{ x: 0, y: 0, width: columns, height: 1 }} rows={[theme.bar(left + gap + right)]} />
}
