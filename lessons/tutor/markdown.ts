// Markdown to rows for a pane. marked-terminal does the inline styles; every block that must know the width of the pane
// is drawn here.
import { Marked, type Parser, type Token, type Tokens } from 'marked'
import { markedTerminal } from 'marked-terminal'
import { commandsOf } from '../parse.ts'
import { highlight } from './highlight.ts'
import type { Theme } from './theme.ts'
import { fit, width, wrapLine } from './wrap.ts'

const same = (text: string) => text
const HARD_BREAK = '\u2028'
const CODE = '\u2060' // marks a row of code; it takes no cell, and is gone at the end
const COMMAND = CODE + CODE // … in which a command begins
const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

/** The source is wrapped for its author: a line break there is a space here, and nothing between two wide characters. */
const join = (text: string) =>
  text.replace(/(.?)\n(.?)/gu, (_, before: string, after: string) =>
    width(before) > 1 && width(after) > 1 ? before + after : `${before} ${after}`,
  )
const decode = (text: string) => text.replace(/&(?:amp|lt|gt|quot|#39);/g, entity => ENTITIES[entity]!)
const block = (rows: string[]) => `\n${rows.join('\n')}\n\n`
const toRows = (text: string, columns: number) =>
  text
    .replaceAll(HARD_BREAK, '\n')
    .replace(/^\n+|\n+$/g, '')
    .replace(/\n{3,}/g, '\n\n')
    .split('\n')
    .flatMap(line => (line.startsWith(CODE) ? [line] : wrapLine(line, columns)))

export interface MarkdownRow {
  readonly text: string
  /** Code stands in its rows as it is, with nothing before or behind it, so that a terminal's mouse can copy it. */
  readonly code: boolean
  /** The whole command of a `sh` block that begins in this row. */
  readonly command?: string
}

/** Rows of `columns` cells at most, or of `codeColumns` where they are code, each with its own styles. */
export function renderMarkdown(source: string, columns: number, theme: Theme, codeColumns = columns): MarkdownRow[] {
  const commands: string[] = [] // in the order of their marks
  const marked = new Marked() // never the global one: options given to that stay
  marked.use(
    markedTerminal({
      firstHeading: theme.heading,
      heading: theme.heading,
      strong: theme.strong,
      em: theme.emphasis,
      codespan: theme.code,
      code: theme.code,
      link: same,
      href: theme.link,
      html: same,
      paragraph: same,
      listitem: same,
      text: same,
      showSectionPrefix: false,
      emoji: false,
      reflowText: false,
      width: columns,
    }),
  )
  const inner = (parser: Parser, tokens: Token[], cells: number) => toRows(parser.parse(tokens) as string, cells)
  marked.use({
    renderer: {
      text(token) {
        if ('tokens' in token && token.tokens) return this.parser.parseInline(token.tokens) as string
        return join(decode(token.text))
      },
      br: () => HARD_BREAK,
      codespan: token => theme.code(decode(token.text)),
      checkbox: () => '',
      paragraph(token) {
        return `${this.parser.parseInline(token.tokens)}\n\n`
      },
      code(token) {
        const [language = ''] = (token.lang ?? '').split(/\s/)
        const text = token.text.replaceAll('\t', '    ')
        const begun = language === 'sh' ? commandsOf(text.split('\n')) : []
        commands.push(...begun.map(command => command.text))
        const begins = new Set(begun.map(({ line }) => line))
        const lines = highlight(text, language, theme).split('\n')
        return block(
          lines.flatMap((line, index) =>
            wrapLine(line, codeColumns, '  ').map((row, at) => (at === 0 && begins.has(index) ? COMMAND : CODE) + row),
          ),
        )
      },
      blockquote(token) {
        return block(inner(this.parser as Parser, token.tokens, columns - 2).map(row => theme.open('▌ ') + row))
      },
      list(token) {
        return block(listRows(token, (tokens, taken) => inner(this.parser as Parser, tokens, columns - taken), theme))
      },
      table(token) {
        return block(tableRows(token, cell => this.parser.parseInline(cell.tokens) as string, columns, theme))
      },
      hr: () => block([theme.rule('─'.repeat(columns))]),
    },
  })
  return toRows(marked.parse(source) as string, columns).map(row => {
    const text = row.replaceAll(CODE, '')
    const command = row.includes(COMMAND) ? commands.shift() : undefined
    return { text, code: row.startsWith(CODE), ...(command !== undefined && { command }) }
  })
}

function listRows(list: Tokens.List, inner: (tokens: Token[], taken: number) => string[], theme: Theme): string[] {
  const rows: string[] = []
  list.items.forEach((item, index) => {
    const tick = item.checked ? theme.good('✔ ') : '· '
    const mark = item.task ? tick : list.ordered ? `${(Number(list.start) || 1) + index}. ` : '• '
    const taken = width(mark)
    const body = inner(item.tokens, taken).filter(row => list.loose || row !== '')
    rows.push(...body.map((row, at) => (at === 0 ? mark : ' '.repeat(taken)) + row))
    if (list.loose && index < list.items.length - 1) rows.push('')
  })
  return rows
}

function tableRows(table: Tokens.Table, text: (cell: Tokens.TableCell) => string, columns: number, theme: Theme) {
  const header = table.header.map(cell => theme.strong(text(cell)))
  const body = table.rows.map(row => row.map(text))
  const count = header.length
  const room = Math.max(count * 3, columns - 3 * (count - 1))
  const widths = header.map((_, column) => Math.max(...[header, ...body].map(row => width(row[column] ?? ''))))
  while (widths.reduce((sum, cells) => sum + cells, 0) > room) widths[widths.indexOf(Math.max(...widths))]!--
  const draw = (row: string[]) => {
    const cells = row.map((cell, column) => wrapLine(cell, widths[column]!))
    const height = Math.max(...cells.map(lines => lines.length))
    return Array.from({ length: height }, (_, line) =>
      cells.map((lines, column) => fit(lines[line] ?? '', widths[column]!)).join(theme.rule(' │ ')),
    )
  }
  const line = theme.rule(widths.map(cells => '─'.repeat(cells)).join('─┼─'))
  return [...draw(header), line, ...body.flatMap(draw)]
}
