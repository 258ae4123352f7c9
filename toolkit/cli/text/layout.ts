// Text in columns for a person, on a terminal of any width.
import { isTerminal, sizeOf } from '../../kernel/tty.ts'

const NARROW = 80

/** Columns to fill: those of the terminal, 80 where stdout is none. */
export const width = (): number => Math.max(40, sizeOf(1)?.columns || NARROW)

/** Breaks at spaces; a word that is longer than a line stays whole, so that it can be copied. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** `  title   text`, and where the text goes on, below itself. */
export function row(title: string, text: string, { indent = 2, titles = 14 } = {}): string {
  const start = indent + titles + 1
  const lines = wrap(text, width() - start)
  const head = `${' '.repeat(indent)}${title.padEnd(titles)} `
  return lines
    .map((line, i) => (i === 0 ? head : ' '.repeat(start)) + line)
    .join('\n')
    .trimEnd()
}

/** A line that nobody copies, no longer than the terminal is wide; whole where stdout is none. */
export const fit = (line: string): string =>
  isTerminal(1) && line.length > width() ? `${line.slice(0, width() - 1)}…` : line

const isColoured = (): boolean => isTerminal(1) && !process.env.NO_COLOR && process.env.TERM !== 'dumb'

/** The text in one of the terminal's own 16 colours, so that it can be read on light and on dark. */
export const colour = (code: 1 | 2 | 31 | 32 | 33, text: string): string =>
  isColoured() ? `\x1b[${code}m${text}\x1b[0m` : text
