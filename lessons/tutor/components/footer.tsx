import { useTheme } from '../context.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { useScreen } from '../hooks/use-screen.ts'
import { type FooterEntry, footerEntries } from '../keys.ts'
import type { ScreenState } from '../screen.ts'
import type { Theme } from '../theme.ts'
import { cut, fit, width } from '../wrap.ts'
import { Pane } from './pane.tsx'

/** The last row: a question, a search, a notice, or the keys. */
export function Footer({ columns, rows }: { columns: number; rows: number }) {
  const theme = useTheme()
  const screen = useScreen()
  const { phase } = usePlayer()
  return <Pane rect={{ x: 0, y: rows - 1, width: columns, height: 1 }} rows={[text()]} />

  function text(): string {
    const { question, notice, search, focus, zoom, page } = screen
    if (question) return theme.question(fit(` ${cut(question.text, columns - 20)}  y: yes  n: no`, columns))
    if (search?.typing) return prompt(screen, columns, theme)
    if (notice) return theme.selected(fit(` ${cut(notice, columns - 2)}`, columns))
    if (search && (page || focus === 'lesson')) {
      const what = ` ${theme.strong(`/${cut(search.text, 20)}`)} ${screen.found} `
      return what + draw(footerEntries('searching', columns - width(what)), theme)
    }
    if (page === 'lessons') return draw(LIST_KEYS, theme)
    if (page) return draw([...footerEntries('textPage', columns), CLOSE], theme)
    const mode = focus === 'lesson' ? 'lesson' : zoom ? 'zoomedShell' : 'shell'
    const passed = phase === 'passed'
    // what says so otherwise is not to be seen
    const done = zoom && passed ? ` ${theme.good('✔ Task done.')} ` : ''
    return done + draw(footerEntries(mode, columns - width(done)), theme, passed)
  }
}

/** What is typed, with a cursor of its own. */
function prompt({ search, found }: ScreenState, columns: number, theme: Theme): string {
  const end = '  Enter: keep  Esc: end '
  const state = search!.text === '' ? '' : `  ${found}`
  const room = columns - width(end) - width(state) - 3
  const typed = search!.text
  const shown = width(typed) > room ? `…${[...typed].slice(-Math.floor(room / 2)).join('')}` : typed
  return fit(` ${theme.strong(`/${shown}`)}${theme.current(' ')}${state}`, columns - width(end)) + theme.muted(end)
}

const LIST_KEYS: readonly FooterEntry[] = [
  { command: 'up', key: '↑↓', label: 'move' },
  { command: 'top', key: '1 2 …', label: 'lesson' },
  { command: 'toShell', key: 'Enter', label: 'open' },
  { command: 'quit', key: 'Esc', label: 'close' },
]
const CLOSE = LIST_KEYS.at(-1)!

/** The way on stands out once the task is done. */
function draw(entries: readonly FooterEntry[], theme: Theme, passed = false): string {
  return entries
    .map(({ command, key, label }) =>
      passed && command === 'next' ? theme.selected(` ${key} ${label} `) : ` ${theme.key(key)} ${label} `,
    )
    .join('')
}
