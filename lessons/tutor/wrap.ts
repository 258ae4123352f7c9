// Wraps styled text to a width, in any script. Every row stands alone: styles and links are closed at its end and opened
// again on the next, and no row is wider than asked. A row may break after a space and beside a wide character; not
// before closing punctuation, not after opening punctuation, and inside a Latin word only where it alone is too wide.
import stringWidth from 'string-width'

const NO_START = /^[、。，．：；？！）］｝〕〉》」』】〗’”…—·%),.:;?!\]}]/u
const NO_END = /[（［｛〔〈《「『【〖‘“([{]$/u
const ESCAPE = /(\x1b\[[\d;]*m|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\))/
const LINK_OFF = '\x1b]8;;\x07'
const segmenter = new Intl.Segmenter('zh', { granularity: 'grapheme' })

interface Piece {
  readonly text: string
  readonly width: number
  readonly escape: boolean
}

/** Cells that a string takes, escape sequences aside. */
export function width(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : stringWidth(text)
}

/** `text` with spaces up to `columns`, or cut to it with an ellipsis. */
export function fit(text: string, columns: number): string {
  const cells = width(text)
  if (cells <= columns) return text + ' '.repeat(columns - cells)
  return cut(text, columns)
}

/** `text`, if need be cut to `columns` with an ellipsis. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text
  if (columns < 1) return ''
  let row = ''
  let cells = 0
  let full = false
  for (const piece of pieces(text)) {
    if (piece.escape) row += piece.text
    else if (!full && cells + piece.width <= columns - 1) {
      row += piece.text
      cells += piece.width
    } else full = true
  }
  return `${row}…`
}

/** Wraps every line of `text`. */
export const wrap = (text: string, columns: number): string[] =>
  text.split('\n').flatMap(line => wrapLine(line, columns))

/** Wraps one line; rows after the first begin with `indent`. */
export function wrapLine(line: string, columns: number, indent = ''): string[] {
  const rows: string[] = []
  const margin = Math.min(width(indent), Math.max(0, columns - 2))
  let row = ''
  let cells = 0
  let styles = ''
  let link = ''
  const close = () => (styles ? '\x1b[0m' : '') + (link ? LINK_OFF : '')
  const breakRow = () => {
    rows.push(row.replace(/ +$/, '') + close())
    row = ' '.repeat(margin) + styles + link
    cells = margin
  }
  for (const chunk of chunks(pieces(line))) {
    const needed = chunk.reduce((sum, piece) => sum + piece.width, 0) - trailingSpaces(chunk)
    if (cells + needed > columns && cells > (rows.length ? margin : 0)) breakRow()
    for (const piece of chunk) {
      if (piece.escape) {
        row += piece.text
        if (piece.text.startsWith('\x1b]8')) link = piece.text.replace(/\x1b\\$/, '\x07') === LINK_OFF ? '' : piece.text
        else styles = openStyles(styles + piece.text)
      } else if (piece.text === ' ' && cells + 1 > columns) {
        // a space at the end of a full row
      } else {
        if (cells + piece.width > columns) breakRow()
        row += piece.text
        cells += piece.width
      }
    }
  }
  rows.push(row + close())
  return rows
}

function pieces(text: string): Piece[] {
  const found: Piece[] = []
  for (const part of text.split(ESCAPE)) {
    if (part === '') continue
    if (part.startsWith('\x1b')) {
      found.push({ text: part, width: 0, escape: true })
      continue
    }
    for (const { segment } of segmenter.segment(part)) {
      if (segment === '\t') found.push({ text: '    ', width: 4, escape: false })
      else found.push({ text: segment, width: width(segment), escape: false })
    }
  }
  return found
}

/** Groups pieces that stay together. */
function chunks(all: Piece[]): Piece[][] {
  const groups: Piece[][] = []
  let group: Piece[] = []
  let last: Piece | undefined
  for (const piece of all) {
    if (!piece.escape) {
      if (last && mayBreak(last, piece)) {
        groups.push(group)
        group = []
      }
      last = piece
    }
    group.push(piece)
  }
  if (group.length > 0) groups.push(group)
  return groups
}

function mayBreak(before: Piece, after: Piece): boolean {
  if (after.text === ' ' || NO_START.test(after.text) || NO_END.test(before.text)) return false
  return before.text === ' ' || before.width > 1 || after.width > 1
}

function trailingSpaces(chunk: Piece[]): number {
  let count = 0
  for (let index = chunk.length - 1; index >= 0; index--) {
    const piece = chunk[index]!
    if (piece.escape) continue
    if (piece.text !== ' ') break
    count++
  }
  return count
}

const CLOSES: Record<string, RegExp> = {
  '39': /^(3[0-7]|9[0-7]|38;.*)$/,
  '49': /^(4[0-7]|10[0-7]|48;.*)$/,
  '22': /^[12]$/,
  '23': /^3$/,
  '24': /^4$/,
  '27': /^7$/,
  '28': /^8$/,
  '29': /^9$/,
}

/** The styles that are still open after a run of SGR sequences. */
function openStyles(sequences: string): string {
  let open: string[] = []
  for (const [, code = ''] of sequences.matchAll(/\x1b\[([\d;]*)m/g)) {
    const closes = CLOSES[code]
    if (closes) open = open.filter(other => !closes.test(other))
    else if (code === '' || code === '0') open = []
    else open.push(code)
  }
  return open.map(code => `\x1b[${code}m`).join('')
}
