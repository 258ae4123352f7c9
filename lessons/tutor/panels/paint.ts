// Rows of parts as styled text.
import type { Theme } from '../theme.ts'
import { cut } from '../wrap.ts'
import type { Row } from './panel.ts'

/** One column in front of each row: a mark where something in it changed a moment ago, for who sees no colours. */
export function paint(rows: readonly Row[], changed: ReadonlySet<string>, columns: number, theme: Theme): string[] {
  return rows.map(row => {
    const isNew = row.some(({ key }) => key !== undefined && changed.has(key))
    const text = row.map(({ text, style, key }) => {
      if (key !== undefined && changed.has(key)) return theme.changed(text)
      return style ? theme[style](text) : text
    })
    return (isNew ? theme.changed('*') : ' ') + cut(text.join(''), columns - 1)
  })
}

/** Whether the terminal says that it has no more than ASCII; one that says nothing shows what everything does now. */
export function isAscii(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG
  return locale !== undefined && locale !== '' && !/utf-?8/i.test(locale)
}
