import { useTheme } from '../context.ts'
import { useScreen } from '../hooks/use-screen.ts'
import { bindings, showKey } from '../keys.ts'
import type { Rect } from '../layout.ts'
import type { Theme } from '../theme.ts'
import { wrap } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

/** Every key, from the table. */
export function HelpPage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const { cursor } = useScreen()
  const rows = helpRows(rect.width - 2, theme)
  const height = rect.height - 1
  const first = Math.max(0, Math.min(cursor, rows.length - height))
  const more = rows.length - first - height
  const head = rule('Help', more > 0 ? `↓ ${more} more rows` : 'Esc closes', rect.width, true, theme)
  return <Pane rect={rect} rows={[head, ...rows.slice(first, first + height).map(row => ` ${row}`)]} />
}

const KEYS_ANYWHERE = 14
const KEYS_READING = 11

function helpRows(columns: number, theme: Theme): string[] {
  const table = bindings.map(({ anywhere, reading, help }) => {
    const left = anywhere.map(showKey).join(' ').padEnd(KEYS_ANYWHERE)
    const right = reading.map(showKey).join(' ').padEnd(KEYS_READING)
    return `${theme.key(left)}${theme.key(right)}${help}`
  })
  const about = [
    '',
    'You type real commands in a real shell. It runs in a lab, a machine of its own inside yours: nothing you do there changes your computer.',
    '',
    'The live panel compares the program that runs in your shell with the host, which is the lab: = the same, ≠ its own.',
    '',
    'While the shell is zoomed the function keys go to it. Ctrl-] always brings the keys back to the lesson.',
  ]
  const head = theme.muted(`${'anywhere'.padEnd(KEYS_ANYWHERE)}${'in lesson'.padEnd(KEYS_READING)}`)
  return [head, ...table, ...about.flatMap(text => wrap(text, columns))]
}
