// A template in Go's words, as pieces: text, and what stands in {{ }} as tokens. https://pkg.go.dev/text/template
import { UsageError } from '../../../kernel/usage-error.ts'

export interface Token {
  readonly kind: 'string' | 'number' | 'variable' | 'field' | 'dot' | 'word' | 'sign'
  /** As it is written. */
  readonly text: string
  /** Of a string or number what it means. */
  readonly value?: string | number
  /** It stands at the end of the token before it: .A.B is one thing, .A .B are two. */
  readonly joined: boolean
}

export interface Action {
  readonly tokens: readonly Token[]
  /** As it is written, for errors. */
  readonly source: string
}

export type Piece = { readonly text: string } | Action

/** Something is wrong with an action: {{…}}. */
export const refuse = (source: string, why: string): UsageError =>
  new UsageError(`--format: ${source.length > 60 ? `${source.slice(0, 59)}…` : source}: ${why}`, 1)

const TOKENS = [
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['number', /[+-]?(?:0x[\da-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/iy],
  ['variable', /\$\w*/y],
  ['field', /\.[A-Za-z_]\w*/y],
  ['dot', /\./y],
  ['word', /[A-Za-z_]\w*/y],
  ['sign', /:=|[=|(),]/y],
] as const

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' },
}
const ESCAPE = /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([0-7]{3})|(.))/gi

function meaning(text: string, kind: Token['kind']): string | number {
  if (kind === 'number') return text.startsWith('-') ? -Number(text.slice(1)) : Number(text)
  if (text.startsWith('`')) return text.slice(1, -1)
  return text.slice(1, -1).replace(ESCAPE, (_, two, four, eight, octal, one) => {
    const code = two ?? four ?? eight
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
    return octal === undefined ? (ESCAPES[one] ?? one) : String.fromCharCode(Number.parseInt(octal, 8))
  })
}

const SPACE = /\s*/y
const COMMENT = /\/\*.*?\*\//sy
const END = /(?:\s+-|\s*)\}\}/y

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** The tokens from `at` on, where an action has begun, and where its }} ends. */
function lexAction(template: string, begin: number, at: number): Action & { end: number; trims: boolean } {
  const tokens: Token[] = []
  let end = at + (matchAt(COMMENT, template, at)?.length ?? 0)
  for (;;) {
    const closing = matchAt(END, template, end)
    if (closing !== undefined) {
      const after = end + closing.length
      return { tokens, source: template.slice(begin, after), end: after, trims: closing.includes('-') }
    }
    const space = matchAt(SPACE, template, end)!
    const place = end + space.length
    const [kind, text] = TOKENS.map(([kind, pattern]) => [kind, matchAt(pattern, template, place)] as const).find(
      ([, text]) => text !== undefined,
    ) ?? [undefined, undefined]
    if (kind === undefined || text === undefined) {
      const rest = template.slice(begin)
      if (place === template.length || !rest.includes('}}')) throw refuse(rest, 'has no }}')
      const why = template[place] === '"' ? 'a " has no other' : `${template[place]} is not understood`
      throw refuse(
        rest.slice(0, rest.indexOf('}}') + 2),
        template[place] === "'" ? 'text stands in double quotes' : why,
      )
    }
    tokens.push({
      ...{ kind, text, joined: space === '' && tokens.length > 0 },
      ...((kind === 'string' || kind === 'number') && { value: meaning(text, kind) }),
    })
    end = place + text.length
  }
}

/** Cuts a template into pieces. Throws a UsageError (exit code 1). */
export function lex(template: string): Piece[] {
  const pieces: Piece[] = []
  let trims = false // the action before this text ends in -}}
  for (let at = 0; ; ) {
    const begin = template.indexOf('{{', at)
    const trimsBefore = begin >= 0 && /^\{\{-\s/.test(template.slice(begin, begin + 4))
    let text = template.slice(at, begin < 0 ? undefined : begin)
    if (trims) text = text.trimStart()
    if (trimsBefore) text = text.trimEnd()
    if (text !== '') pieces.push({ text: text.replaceAll('\\t', '\t').replaceAll('\\n', '\n') })
    if (begin < 0) return pieces
    const space = begin + (trimsBefore ? 3 : 2)
    const action = lexAction(template, begin, space + matchAt(SPACE, template, space)!.length)
    const isComment = action.tokens.length === 0 && action.source.includes('/*')
    if (!isComment) pieces.push({ tokens: action.tokens, source: action.source })
    ;({ end: at, trims } = action)
  }
}
