import type { Theme } from '../theme.ts'
import { cut, width } from '../wrap.ts'

/**
 * The line at the top of a pane, with its title and, at its end, something about it. The pane that has the keys has a
 * heavy line and a mark.
 */
export function rule(title: string, info: string, columns: number, active: boolean, theme: Theme): string {
  const line = active ? '━' : '─'
  const style = active ? theme.accent : theme.rule
  const end = info === '' ? '' : ` ${cut(info, Math.floor(columns / 2))} `
  const name = cut(active ? `▸ ${title}` : title, columns - width(end) - 8)
  const rest = Math.max(0, columns - width(name) - width(end) - 5)
  const shown = active ? theme.accent(name) : name
  return `${style(line.repeat(2))} ${shown} ${style(line.repeat(rest))}${theme.muted(end)}${style(line)}`
}
