// One row of the shell's terminal as one string with styles.
import type { IBufferCell, IBufferLine } from '@xterm/headless'
import stringWidth from 'string-width'

/** Terminals disagree about how wide these make a character; only the base character is drawn. */
const RISKY = /\uFE0F|\u200D|[\u{1F3FB}-\u{1F3FF}]/u

/** Cells after the last one that shows something are left out. */
export function rowToAnsi(line: IBufferLine, columns: number, cell: IBufferCell): string {
  let text = ''
  let blank = '' // plain spaces that matter only if something follows
  let open = false
  let foreground = 0
  let background = 0
  for (let x = 0; x < Math.min(columns, line.length); x++) {
    line.getCell(x, cell)
    const cells = cell.getWidth()
    if (cells === 0) continue // the second half of a wide character
    // not in the types: xterm keeps all attributes in these two numbers, which are cheap to compare
    const { fg, bg } = cell as IBufferCell & { fg: number; bg: number }
    if (fg !== foreground || bg !== background) {
      foreground = fg
      background = bg
      const codes = sgrCodes(cell)
      text += blank
      blank = ''
      if (open) text += '\x1b[0m'
      open = codes !== ''
      if (open) text += `\x1b[${codes}m`
    }
    const character = safe(cell.isInvisible() ? ' ' : cell.getChars() || ' ', cells)
    if (character === ' ' && !open) blank += ' '
    else {
      text += blank + character
      blank = ''
    }
  }
  return open ? `${text}\x1b[0m` : text
}

function safe(character: string, cells: number): string {
  if (cells !== 2 || character.length === 1 || !RISKY.test(character)) return character
  const base = String.fromCodePoint(character.codePointAt(0)!)
  return stringWidth(base) === 2 ? base : `${base} `
}

function sgrCodes(cell: IBufferCell): string {
  const codes: (number | string)[] = []
  if (cell.isBold()) codes.push(1)
  if (cell.isDim()) codes.push(2)
  if (cell.isItalic()) codes.push(3)
  if (cell.isUnderline()) codes.push(4)
  if (cell.isInverse()) codes.push(7)
  if (cell.isStrikethrough()) codes.push(9)
  if (cell.isFgRGB()) codes.push(`38;2;${rgb(cell.getFgColor())}`)
  else if (cell.isFgPalette()) codes.push(palette(cell.getFgColor(), 30))
  if (cell.isBgRGB()) codes.push(`48;2;${rgb(cell.getBgColor())}`)
  else if (cell.isBgPalette()) codes.push(palette(cell.getBgColor(), 40))
  return codes.join(';')
}

const rgb = (colour: number) => `${colour >> 16};${(colour >> 8) & 255};${colour & 255}`

function palette(colour: number, base: number): number | string {
  if (colour < 8) return base + colour
  return colour < 16 ? base + 52 + colour : `${base + 8};5;${colour}`
}
