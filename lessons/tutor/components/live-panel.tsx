import { useTheme } from '../context.ts'
import { type LivePanel as Live, usePanel } from '../hooks/use-panel.ts'
import type { Rect } from '../layout.ts'
import type { PanelRow } from '../panels/panel.ts'
import type { Theme } from '../theme.ts'
import { cut, fit, width } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

/** What the kernel says about the program in the foreground of the shell, beside the host. */
export function LivePanel({ rect, stacked }: { rect: Rect; stacked: boolean }) {
  const theme = useTheme()
  const live = usePanel()
  if (stacked) return <Pane rect={rect} rows={[cut(` ${oneRow(live, theme)}`, rect.width)]} />
  const { panel } = live
  const title = panel ? `Live: ${panel.program}${panel.atPrompt ? '' : ', running in the shell'}` : 'Live'
  const head = rule(title, "= the host's  ≠ its own", rect.width, false, theme)
  const rows = rect.height - 1
  const body =
    rows >= 8 ? tall(live, rect.width - 2, theme) : rows >= 4 ? low(live, rect.width - 2, theme) : [oneRow(live, theme)]
  return <Pane rect={rect} rows={[head, ...body.map(row => cut(` ${row}`, rect.width))]} />
}

const sign = ({ shared }: PanelRow) => (shared === undefined ? ' ' : shared ? '=' : '≠')

function draw(row: PanelRow, text: string, { changed }: Live, theme: Theme): string {
  if (changed.has(row.name)) return theme.changed(text)
  return row.shared === false ? theme.strong(text) : row.shared ? theme.muted(text) : text
}

/** The whole panel in one row. */
function oneRow(live: Live, theme: Theme): string {
  const { panel } = live
  if (!panel) return theme.muted('no shell')
  const names = panel.namespaces.map(row => draw(row, `${row.name}${sign(row)}`, live, theme)).join(' ')
  const root = panel.places.find(({ name }) => name === 'root')!
  const pid = panel.places.find(({ name }) => name === 'process')!
  const place = draw(root, `root${sign(root)} ${cut(root.value, 18)}`, live, theme)
  return `${theme.strong(panel.program)} ${pid.value}  ${place}  ${names}`
}

/** Eight rows: a namespace each, and beside them the places. */
function tall(live: Live, columns: number, theme: Theme): string[] {
  const { panel } = live
  if (!panel) return [theme.muted('Nothing runs yet.')]
  const left = panel.namespaces.map(row => {
    const text = `${sign(row)} ${row.name.padEnd(6)} ${row.about.padEnd(11)} ${row.value.padEnd(10)}`
    return draw(row, text, live, theme)
  })
  const cells = Math.max(...left.map(width)) + 3
  const right = places(live, columns - cells, theme)
  return left.map((row, index) => fit(row, cells) + (right[index] ?? ''))
}

/** Four rows: two namespaces each. */
function low(live: Live, columns: number, theme: Theme): string[] {
  const { panel } = live
  if (!panel) return [theme.muted('Nothing runs yet.')]
  const half = Math.ceil(panel.namespaces.length / 2)
  const cell = (row: PanelRow | undefined) =>
    row ? draw(row, `${sign(row)} ${row.name.padEnd(6)} ${row.about.padEnd(11)}`, live, theme) : ''
  const right = places(live, columns - 43, theme)
  return panel.namespaces.slice(0, half).map((row, index) => {
    return `${fit(cell(row), 21)}${fit(cell(panel.namespaces[index + half]), 22)}${right[index] ?? ''}`
  })
}

const places = (live: Live, columns: number, theme: Theme): string[] =>
  live.panel!.places.map(row =>
    cut(
      `${theme.muted(row.about.padEnd(5))} ${draw(row, row.value, live, theme)}${row.shared === false ? ' ≠' : ''}`,
      columns,
    ),
  )
