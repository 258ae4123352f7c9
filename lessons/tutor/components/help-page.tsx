import { useTheme } from '../context.ts'
import { useScreen } from '../hooks/use-screen.ts'
import { bindings, showKeys } from '../keys.ts'
import type { Rect } from '../layout.ts'
import type { Theme } from '../theme.ts'
import { wrap, wrapLine } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

/** Every key, from the table. */
export function HelpPage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const { cursor } = useScreen()
  const rows = helpRows(Math.min(90, rect.width - 2), theme)
  const height = rect.height - 1
  const first = Math.max(0, Math.min(cursor, rows.length - height))
  const more = rows.length - first - height
  const head = rule('Help', more > 0 ? `↓ ${more} more rows` : 'Esc closes', rect.width, true, theme)
  return <Pane rect={rect} rows={[head, ...rows.slice(first, first + height).map(row => ` ${row}`)]} />
}

const ANYWHERE = 16
const READING = 17

/** One row a binding; those without a help of their own stand in the row before. */
function keyRows(columns: number, theme: Theme): string[] {
  const lines: { anywhere: string[]; reading: string[]; help: string }[] = []
  for (const { anywhere, reading, help } of bindings) {
    if (help !== '') lines.push({ anywhere: [], reading: [], help })
    lines.at(-1)!.anywhere.push(...anywhere)
    lines.at(-1)!.reading.push(...reading)
  }
  return lines.flatMap(({ anywhere, reading, help }) => {
    const keys = showKeys(anywhere).padEnd(ANYWHERE) + showKeys(reading).padEnd(READING)
    return wrapLine(`${theme.key(keys)}${help}`, columns, ' '.repeat(ANYWHERE + READING))
  })
}

function helpRows(columns: number, theme: Theme): string[] {
  const about = [
    '',
    'You type real commands in a real shell. It runs in a lab, a machine of its own inside yours: nothing you do there changes your computer.',
    '',
    'The live panel compares the program that runs in your shell with the host, which is the lab: = the same, ≠ its own.',
    '',
    'While the shell is zoomed the function keys go to it. Ctrl-] always brings the keys back to the lesson.',
  ]
  const head = theme.muted(`${'anywhere'.padEnd(ANYWHERE)}${'in the lesson'.padEnd(READING)}`)
  return [head, ...keyRows(columns, theme), ...about.flatMap(text => wrap(text, columns))]
}
