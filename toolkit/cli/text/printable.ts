// Names, arguments and paths are whatever bytes somebody chose. Printed as they are, they could move the cursor, write
// over what stands above, or fill the clipboard of whoever looks.

// Control characters, and what makes a terminal show text in another order than it is written.
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escaped = (character: string): string => {
  const code = character.charCodeAt(0)
  return NAMED[character] ?? (code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`)
}

/** The text with what would steer a terminal as escapes: `\x1b[2J`. */
export const printable = (text: string): string => text.replace(HARMFUL, escaped)

/** The same for several lines, whose tabs stay, too. */
export const printableLines = (text: string): string =>
  text.replace(HARMFUL, character => (character === '\n' || character === '\t' ? character : escaped(character)))

/** Words as a shell would take them, those that need it in quotes. */
export const printableWords = (words: readonly string[]): string =>
  words.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : printable(JSON.stringify(word)))).join(' ')

/**
 * As JSON in which no character steers a terminal. What is undefined is null, so that no key is ever missing. `indent`:
 * a line each, with this many spaces a level.
 */
export function printableJson(value: unknown, indent = 0): string {
  const text = JSON.stringify(
    value,
    (_, field) => {
      if (field === undefined) return null
      return field === Number.POSITIVE_INFINITY ? 'unlimited' : field
    },
    indent,
  )
  return printableJsonText(text)
}

/** The same for JSON that is text already. */
export const printableJsonText = (json: string): string =>
  json.replace(HARMFUL, character =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
