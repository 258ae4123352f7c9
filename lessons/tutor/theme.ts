// The look by meaning. Components ask for a token, never for a colour; `plain` shows that nothing is said by colour
// alone. Styles are closed by the code that undoes them, so that they can be nested.

export type Style = (text: string) => string
export type ThemeName = 'dark' | 'light' | 'neutral' | 'sixteen' | 'plain'
export type Token =
  | 'bar' // the title row
  | 'accent' // what has the keys
  | 'rule' // lines between panes
  | 'muted' // secondary text, still readable
  | 'good'
  | 'open' // not yet right
  | 'bad'
  | 'changed' // a value that changed a moment ago
  | 'key' // a key of the keyboard
  | 'question' // waits for an answer
  | 'selected'
  | 'match' // what a search has found
  | 'current' // … and stands at
  | 'heading'
  | 'strong'
  | 'emphasis'
  | 'code'
  | 'link'
  | 'keyword'
  | 'string'
  | 'comment'
  | 'number'

export type Theme = { readonly name: ThemeName } & Readonly<Record<Token, Style>>

const OFF: Record<string, string> = { '1': '22', '2': '22', '3': '23', '4': '24', '7': '27' }

/** A style from SGR parameters, given one by one: `sgr('1', '38;5;44')`. */
export function sgr(...codes: string[]): Style {
  if (codes.length === 0) return text => text
  const on = codes.map(code => `\x1b[${code}m`).join('')
  const closing = codes.map(code => OFF[code] ?? (/^(4|10)/.test(code) ? '49' : '39'))
  const off = [...new Set(closing)].map(code => `\x1b[${code}m`).join('')
  return text => (text === '' ? '' : on + text + off)
}

const fg = (colour: number) => `38;5;${colour}`
const bg = (colour: number) => `48;5;${colour}`

type Codes = Record<Token, string[]>

const plain: Codes = {
  bar: ['7'],
  accent: ['1'],
  rule: [],
  muted: [],
  good: ['1'],
  open: [],
  bad: ['1'],
  changed: ['7'],
  key: ['1'],
  question: ['7'],
  selected: ['7'],
  match: ['4'],
  current: ['7'],
  heading: ['1'],
  strong: ['1'],
  emphasis: ['3'],
  code: [],
  link: ['4'],
  keyword: ['1'],
  string: [],
  comment: [],
  number: [],
}

const dark: Codes = {
  ...plain,
  bar: [fg(255), bg(24)],
  accent: ['1', fg(80)],
  rule: [fg(240)],
  muted: [fg(248)],
  good: ['1', fg(114)],
  open: [fg(221)],
  bad: ['1', fg(210)],
  changed: ['1', fg(221)],
  key: ['1', fg(80)],
  question: ['1', fg(232), bg(221)],
  selected: [fg(255), bg(24)],
  heading: ['1', fg(80)],
  code: [fg(222)],
  link: ['4', fg(111)],
  keyword: [fg(111)],
  string: [fg(150)],
  comment: [fg(246)],
  number: [fg(216)],
}

const light: Codes = {
  ...plain,
  bar: [fg(231), bg(24)],
  accent: ['1', fg(24)],
  rule: [fg(250)],
  muted: [fg(240)],
  good: ['1', fg(22)],
  open: [fg(94)],
  bad: ['1', fg(124)],
  changed: ['1', fg(130)],
  key: ['1', fg(24)],
  question: ['1', fg(232), bg(221)],
  selected: [fg(231), bg(24)],
  heading: ['1', fg(24)],
  code: [fg(88)],
  link: ['4', fg(19)],
  keyword: [fg(19)],
  string: [fg(22)],
  comment: [fg(241)],
  number: [fg(90)],
}

// The background is not known: mid tones that stand out from black and from white.
const neutral: Codes = {
  ...plain,
  bar: [fg(231), bg(24)],
  accent: ['1', fg(31)],
  rule: [fg(244)],
  muted: [fg(243)],
  good: ['1', fg(28)],
  open: [fg(136)],
  bad: ['1', fg(160)],
  changed: ['1', fg(136)],
  key: ['1', fg(31)],
  question: ['1', fg(232), bg(221)],
  selected: [fg(231), bg(24)],
  heading: ['1', fg(31)],
  code: [fg(130)],
  link: ['4', fg(32)],
  keyword: [fg(32)],
  string: [fg(28)],
  comment: [fg(243)],
  number: [fg(133)],
}

// A terminal of 16 colours, whose background is not known: of those, the few that can be read on black and on white.
const sixteen: Codes = {
  ...plain,
  accent: ['1', '35'],
  good: ['1', '32'],
  open: ['35'],
  bad: ['1', '31'],
  key: ['1', '35'],
  heading: ['1', '35'],
  code: ['35'],
  string: ['32'],
  number: ['31'],
}

const make = (name: ThemeName, codes: Codes): Theme => {
  const styles = Object.fromEntries(Object.entries(codes).map(([token, list]) => [token, sgr(...list)]))
  return { name, ...(styles as Record<Token, Style>) }
}

export const themes: Readonly<Record<ThemeName, Theme>> = {
  dark: make('dark', dark),
  light: make('light', light),
  neutral: make('neutral', neutral),
  sixteen: make('sixteen', sixteen),
  plain: make('plain', plain),
}

/** What the environment says; `undefined` when the terminal has to be asked. */
export function themeOfEnvironment(env: NodeJS.ProcessEnv): ThemeName | undefined {
  const { TERM = '', COLORTERM } = env
  if (env.NO_COLOR || /^(dumb|vt\d.*)$/.test(TERM)) return 'plain'
  const wish = env.TOOLKIT_THEME
  if (wish && Object.hasOwn(themes, wish)) return wish as ThemeName
  if (!COLORTERM && /^(linux|ansi|screen|rxvt|cons25|.*-(16)?color)$/.test(TERM)) return 'sixteen'
  const background = env.COLORFGBG?.split(';').at(-1)
  if (background && /^\d+$/.test(background))
    return Number(background) === 7 || Number(background) >= 9 ? 'light' : 'dark'
  return undefined
}

/** Asks the terminal for its background colour; the answer comes as input. */
export const ASK_BACKGROUND = '\x1b]11;?\x07'

/** Reads that answer: `ESC ] 11 ; rgb:1e1e/1e1e/1e1e BEL`. */
export function themeOfBackground(answer: string): ThemeName | undefined {
  const found = /\]11;rgba?:([\da-f]+)\/([\da-f]+)\/([\da-f]+)/i.exec(answer)
  if (!found) return undefined
  const [red, green, blue] = found.slice(1, 4).map(part => Number.parseInt(part, 16) / (16 ** part.length - 1))
  return 0.299 * red! + 0.587 * green! + 0.114 * blue! > 0.5 ? 'light' : 'dark'
}
