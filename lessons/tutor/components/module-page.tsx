import { useMemo } from 'react'
import { moduleSource } from '../../module.ts'
import { planFor } from '../../placeholders.ts'
import { useTheme } from '../context.ts'
import { highlight } from '../highlight.ts'
import { usePlayer } from '../hooks/use-player.ts'
import type { Rect } from '../layout.ts'
import { renderMarkdown } from '../markdown.ts'
import type { Theme } from '../theme.ts'
import { wrapLine } from '../wrap.ts'
import { TextPage } from './text-page.tsx'

/** The module that the lesson is about: its steps for what is done by hand here, and its source. */
export function ModulePage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const { lesson, values } = usePlayer()
  const columns = rect.width - 2
  const rows = useMemo(() => {
    const steps = planFor(lesson, values)
    const plan = renderMarkdown(`${ABOUT}\n\n${steps}`, columns, theme).map(({ text }) => text)
    return ['', ...plan, '', ...sourceRows(moduleSource(lesson), columns, theme)].map(row => ` ${row}`)
  }, [lesson, values, columns, theme])
  return <TextPage rect={rect} title={`Module: ${lesson.module}`} rows={rows} />
}

const ABOUT =
  'Its steps for what you do by hand in this lesson, each with a command of the same effect. Below: its source.'

/** With the numbers of its lines. */
function sourceRows(source: string, columns: number, theme: Theme): string[] {
  const lines = highlight(source.trimEnd().replaceAll('\t', '    '), 'ts', theme, text => text).split('\n')
  const cells = String(lines.length).length
  return lines.flatMap((line, index) =>
    wrapLine(line, columns - cells - 2, '    ').map((row, at) => {
      const number = at === 0 ? String(index + 1) : ''
      return `${theme.muted(number.padStart(cells))}  ${row}`
    }),
  )
}
