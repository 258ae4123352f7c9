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
    if (question) return theme.question(fit(` ${cut(question.text, columns - 22)}   y: yes   n: no`, columns))
    if (notice) return theme.selected(fit(` ${notice}`, columns))
    if (page) return keys([...PAGE_KEYS], columns, theme)
    const mode = focus === 'lesson' ? 'lesson' : zoom ? 'zoomedShell' : 'shell'
    return keys(footerEntries(mode), columns, theme, phase === 'passed')
  }
  return <Pane rect={{ x: 0, y: rows - 1, width: columns, height: 1 }} rows={[text()]} />
}

const PAGE_KEYS: readonly FooterEntry[] = [
  { command: 'up', key: '↑↓', label: 'move' },
  { command: 'toShell', key: 'Enter', label: 'choose' },
  { command: 'quit', key: 'Esc', label: 'close' },
]

/** As many entries as fit; the way on stands out once the task is done. */
function keys(entries: readonly FooterEntry[], columns: number, theme: Theme, passed = false): string {
  let row = ''
  let cells = 0
  for (const { command, key, label } of entries) {
    const plain = ` ${key} ${label} `
    if (cells + width(plain) > columns) break
    row += passed && command === 'next' ? theme.selected(plain) : ` ${theme.key(key)} ${label} `
    cells += width(plain)
  }
  return row
}
