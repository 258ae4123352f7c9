// Search in rows of styled text. What is looked for may go on in the next row, as it would in the text before it was
// wrapped.
import { stripVTControlCharacters as strip } from 'node:util'
import type { Style } from './theme.ts'
import { width } from './wrap.ts'

/** A piece of a row: offsets into it without its styles. */
export interface Span {
  readonly row: number
  readonly from: number
  readonly to: number
}

/** Where `wanted` stands: its pieces, a row each. Capitals matter only where `wanted` has one. */
export function find(rows: readonly string[], wanted: string): Span[][] {
  const words = wanted.trim().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const pattern = new RegExp(words.map(literal).join('\\s+'), wanted === wanted.toLowerCase() ? 'giu' : 'gu')
  const plain = rows.map(row => strip(row))
  let text = ''
  const starts = plain.map((row, index) => {
    const begins = row.trimStart()
    // nothing was between two wide characters before the text was wrapped
    const joined = width(plain[index - 1]?.trimEnd().at(-1) ?? '') > 1 && width(begins.charAt(0)) > 1
    if (index > 0 && !joined) text += '\n'
    const start = text.length - (row.length - begins.length)
    text += begins.trimEnd()
    return start // where its first column would be
  })
  return [...text.matchAll(pattern)].map(({ index, 0: found }) => {
    const end = index + found.length
    let row = starts.findLastIndex((start, at) => start + (plain[at]!.length - plain[at]!.trimStart().length) <= index)
    const spans: Span[] = []
    for (; row < rows.length && starts[row]! < end; row++) {
      const from = Math.max(0, index - starts[row]!)
      const to = Math.min(plain[row]!.trimEnd().length, end - starts[row]!)
      const first = spans.length === 0 ? from : Math.max(from, plain[row]!.length - plain[row]!.trimStart().length)
      if (to > first) spans.push({ row, from: first, to })
    }
    return spans
  })
}

const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** The row with a style on these pieces of it, which its own styles go on below. */
export function mark(row: string, pieces: readonly (Span & { readonly style: Style })[]): string {
  if (pieces.length === 0) return row
  let marked = ''
  let at = 0
  for (const part of row.split(/(\x1b\[[\d;]*m|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\))/)) {
    if (part.startsWith('\x1b')) {
      marked += part
      continue
    }
    let done = 0
    for (const { from, to, style } of pieces) {
      const [begin, end] = [Math.max(from - at, done), Math.min(to - at, part.length)]
      if (end <= begin) continue
      marked += part.slice(done, begin) + style(part.slice(begin, end))
      done = end
    }
    marked += part.slice(done)
    at += part.length
  }
  return marked
}
