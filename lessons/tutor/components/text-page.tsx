import { useTheme } from '../context.ts'
import { useWindow } from '../hooks/use-window.ts'
import type { Rect } from '../layout.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

interface Props {
  readonly rect: Rect
  readonly title: string
  /** The same array as long as they are the same. */
  readonly rows: readonly string[]
}

/** A page of text that can be scrolled and searched. */
export function TextPage({ rect, title, rows }: Props) {
  const theme = useTheme()
  const { rows: shown, below } = useWindow('page', rows, rect.height - 1)
  const info = below > 0 ? `↓ ${below} more ${below === 1 ? 'row' : 'rows'}: Space` : 'Esc closes'
  return <Pane rect={rect} rows={[rule(title, info, rect.width, true, theme), ...shown]} />
}
