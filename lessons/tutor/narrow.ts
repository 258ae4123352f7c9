// The width of what the tutor mostly shows: Latin letters, lines, arrows and signs of one cell each, and styles of none.
const STYLES = /\x1b\[[\d;]*m/g
// None of these is an emoji, a mark that goes onto the letter before it, or wide; so each is a cell, whatever its
// neighbours are.
const NARROW =
  /^[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u2193\u2200-\u22ff\u2500-\u25a9\u25b2-\u25b5\u25b7-\u25bf\u25c1-\u25fa\u2713-\u2718]*$/

/** Cells of a text of which nothing is wide, joined or invisible; undefined where that takes a closer look. */
export function narrowWidth(text: string): number | undefined {
  const plain = text.includes('\x1b') ? text.replace(STYLES, '') : text
  return NARROW.test(plain) ? plain.length : undefined
}
