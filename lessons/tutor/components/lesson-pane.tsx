import { useTheme } from '../context.ts'
import { useLessonRows } from '../hooks/use-lesson-rows.ts'
import type { Rect } from '../layout.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

const WIDEST = 86 // longer lines are hard to read

/** The lesson's text, scrolled. */
export function LessonPane({ rect, active }: { rect: Rect; active: boolean }) {
  const theme = useTheme()
  const { rows, above, below } = useLessonRows(Math.min(WIDEST, rect.width), rect.height - 1)
  const key = active ? 'Space' : 'Alt-PgDn'
  const info = below > 0 ? `↓ ${below} more ${below === 1 ? 'row' : 'rows'}: ${key}` : above > 0 ? 'end' : ''
  return <Pane rect={rect} rows={[rule('Lesson', info, rect.width, active, theme), ...rows]} />
}
