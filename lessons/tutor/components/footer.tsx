import { useTheme } from '../context.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { useScreen } from '../hooks/use-screen.ts'
import { type FooterEntry, footerEntries } from '../keys.ts'
import type { Theme } from '../theme.ts'
import { cut, fit, width } from '../wrap.ts'
import { Pane } from './pane.tsx'

/** The last row: a question, a notice, or the keys. */
export function Footer({ columns, rows }: { columns: number; rows: number }) {
  const theme = useTheme()
  const { question, notice, focus, zoom, page } = useScreen()
  const { phase } = usePlayer()
  const text = () => {
    if (question) return theme.question(fit(` ${cut(question.text, columns - 20)}  y: yes  n: no`, columns))
    if (notice) return theme.selected(fit(` ${cut(notice, columns - 2)}`, columns))
    if (page) return draw(PAGE_KEYS[page], theme)
    const mode = focus === 'lesson' ? 'lesson' : zoom ? 'zoomedShell' : 'shell'
    const passed = phase === 'passed'
    // what says so otherwise is not to be seen
    const done = zoom && passed ? ` ${theme.good('✔ Task done.')} ` : ''
    return done + draw(footerEntries(mode, columns - width(done)), theme, passed)
  }
  return <Pane rect={{ x: 0, y: rows - 1, width: columns, height: 1 }} rows={[text()]} />
}

const MOVE = { command: 'up', key: '↑↓', label: 'move' } as const
const CLOSE = { command: 'quit', key: 'Esc', label: 'close' } as const
const PAGE_KEYS: Record<'help' | 'lessons', readonly FooterEntry[]> = {
  help: [{ ...MOVE, label: 'scroll' }, CLOSE],
  lessons: [MOVE, { command: 'toShell', key: 'Enter', label: 'open' }, CLOSE],
}

/** The way on stands out once the task is done. */
function draw(entries: readonly FooterEntry[], theme: Theme, passed = false): string {
  return entries
    .map(({ command, key, label }) =>
      passed && command === 'next' ? theme.selected(` ${key} ${label} `) : ` ${theme.key(key)} ${label} `,
    )
    .join('')
}
