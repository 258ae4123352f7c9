import { useMemo } from 'react'
import { useTheme } from '../context.ts'
import { usePanel } from '../hooks/use-panel.ts'
import type { Rect } from '../layout.ts'
import { panelRows, panelTitle } from './live-panel.tsx'
import { TextPage } from './text-page.tsx'

/** The live panel on a page of its own, with all that it has to show. */
export function PanelPage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const live = usePanel()
  const rows = useMemo(() => panelRows(live, rect.width, Number.POSITIVE_INFINITY, theme), [live, rect.width, theme])
  const legend = live.reading?.legend ?? ''
  return <TextPage rect={rect} title={`${panelTitle(live)}${legend && `  (${legend})`}`} rows={rows} />
}
