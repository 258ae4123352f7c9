import { useTheme } from '../context.ts'
import { usePanel } from '../hooks/use-panel.ts'
import type { Rect } from '../layout.ts'
import { isAscii, paint } from '../panels/paint.ts'
import { PANEL_TITLES } from '../panels/panel.ts'
import type { LivePanel as Live } from '../panels/watch.ts'
import type { Theme } from '../theme.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

const ascii = isAscii(process.env)

/** What the kernel says, in the panel that the lesson asks for or the learner has chosen. */
export function LivePanel({ rect, stacked }: { rect: Rect; stacked: boolean }) {
  const theme = useTheme()
  const live = usePanel()
  if (stacked) return <Pane rect={rect} rows={panelRows(live, rect.width, 1, theme)} />
  const which = live.of > 1 ? `${live.index + 1}/${live.of} ` : ''
  const head = rule(
    `${which}${panelTitle(live)}`,
    live.reading?.legend || (live.of > 1 ? 'v: next panel' : ''),
    rect.width,
    false,
    theme,
  )
  const room = rect.height - 1
  return <Pane rect={rect} rows={[head, ...panelRows(live, rect.width, room, theme)]} />
}

export const panelTitle = ({ name, reading }: Live): string =>
  reading ? `${PANEL_TITLES[name]}: ${reading.title}` : PANEL_TITLES[name]

/** One column stays free at the end. */
export function panelRows({ reading, changed }: Live, columns: number, rows: number, theme: Theme): string[] {
  if (!reading) return [` ${theme.muted(rows === 1 ? 'no shell' : 'Nothing runs yet.')}`]
  return paint(reading.draw({ columns: columns - 2, rows, ascii }), changed, columns - 1, theme)
}
