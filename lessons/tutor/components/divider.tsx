import { useTheme } from '../context.ts'
import type { Layout } from '../layout.ts'
import { Pane } from './pane.tsx'

type Line = 'none' | 'light' | 'heavy'

// by what meets it from the left, then from the right
const JOINTS: Record<Line, Record<Line, string>> = {
  none: { none: '│', light: '├', heavy: '┝' },
  light: { none: '┤', light: '┼', heavy: '┾' },
  heavy: { none: '┥', light: '┽', heavy: '┿' },
}
const TOP_JOINTS: Record<Line, Record<Line, string>> = {
  none: { none: '│', light: '┌', heavy: '┍' },
  light: { none: '┐', light: '┬', heavy: '┮' },
  heavy: { none: '┑', light: '┭', heavy: '┯' },
}

interface Props {
  readonly layout: Layout
  readonly left: readonly { readonly y: number; readonly active: boolean }[]
  readonly right: readonly { readonly y: number; readonly active: boolean }[]
}

/** The line between the columns; the rules of the panes run into it. */
export function Divider({ layout, left, right }: Props) {
  const theme = useTheme()
  const at = (rules: Props['left'], y: number): Line => {
    const found = rules.find(rule => rule.y === y)
    return found ? (found.active ? 'heavy' : 'light') : 'none'
  }
  const { y: top, height } = layout.page
  const rows = Array.from({ length: height }, (_, index) => {
    const joints = index === 0 ? TOP_JOINTS : JOINTS
    return theme.rule(joints[at(left, top + index)][at(right, top + index)])
  })
  return <Pane rect={{ x: layout.divider!, y: top, width: 1, height }} rows={rows} />
}
