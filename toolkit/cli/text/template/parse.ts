// The pieces of a template as a tree of blocks, and of values that are asked for.
import { type Action, lex, refuse, type Token } from './lex.ts'

/** What gives a value: .A.B, $, "text", (…), len .List. A pipe is a call whose last argument is what comes before it. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'field'; readonly of: Expression; readonly name: string; readonly written: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  /** A field that takes arguments: .Label "tier". */
  | { readonly kind: 'method'; readonly of: Expression; readonly args: readonly Expression[] }

/** $x := …, $x = …, $key, $value := … */
export interface Names {
  readonly names: readonly string[]
  readonly isNew: boolean
}

export interface Asking {
  readonly source: string
  readonly expression: Expression
  readonly names: Names | undefined
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'print' } & Asking)
  | ({ readonly kind: 'if' | 'with' | 'range'; readonly body: Node[]; readonly otherwise: Node[] } & Asking)
  | { readonly kind: 'jump'; readonly to: 'break' | 'continue' }

type Block = Extract<Node, { body: Node[] }>

const BLOCKS = ['if', 'with', 'range'] as const
const UNKNOWN = ['define', 'template', 'block']
const CONSTANTS: Readonly<Record<string, unknown>> = { true: true, false: false, nil: null }

/** Reads the tokens of one action from the left. */
class Reader {
  readonly #tokens: readonly Token[]
  readonly #functions: readonly string[]
  readonly source: string
  #at = 0

  constructor({ tokens, source }: Action, functions: readonly string[]) {
    this.#tokens = tokens
    this.#functions = functions
    this.source = source
  }

  refuse(why: string): Error {
    return refuse(this.source, why)
  }

  next(): Token | undefined {
    return this.#tokens[this.#at]
  }

  /** Takes the next one if it says this. */
  take(text: string): boolean {
    const { kind, text: found } = this.next() ?? {}
    if ((kind !== 'sign' && kind !== 'word') || found !== text) return false
    this.#at++
    return true
  }

  /** After the last there must not be another. */
  end(): void {
    const token = this.next()
    if (token) throw this.refuse(`${token.text} is too much`)
  }

  asking(): Asking {
    const names = this.#names()
    const expression = this.#pipe()
    this.end()
    return { source: this.source, expression, names }
  }

  #names(): Names | undefined {
    const start = this.#at
    const names: string[] = []
    do {
      const token = this.next()
      if (token?.kind !== 'variable') break
      names.push(token.text)
      this.#at++
    } while (this.take(','))
    const isNew = this.take(':=')
    if (names.length > 0 && (isNew || this.take('='))) return { names, isNew }
    this.#at = start
    return undefined
  }

  #pipe(): Expression {
    let expression = this.#command(undefined)
    while (this.take('|')) expression = this.#command(expression)
    return expression
  }

  /** A function with its arguments, or one value; `piped` is what the last | brings. */
  #command(piped: Expression | undefined): Expression {
    const first = this.next()
    const last = piped ? [piped] : []
    if (first?.kind === 'word' && !Object.hasOwn(CONSTANTS, first.text)) {
      this.#at++
      return { kind: 'call', name: this.#function(first.text), args: [...this.#operands(), ...last] }
    }
    const [value, ...args] = this.#operands()
    if (!value) throw this.refuse(first ? `${first.text} is no value` : 'a value is missing')
    const all = [...args, ...last]
    if (all.length === 0) return value
    if (value.kind !== 'field')
      throw this.refuse(`${first!.text} takes no arguments; functions are ${this.#functions.join(', ')}`)
    return { kind: 'method', of: value, args: all }
  }

  #function(name: string): string {
    if (this.#functions.includes(name)) return name
    throw this.refuse(`there is no function ${name}; there are ${this.#functions.join(', ')}; fields begin with a dot`)
  }

  #operands(): Expression[] {
    const found: Expression[] = []
    for (let value = this.#operand(); value; value = this.#operand()) found.push(value)
    return found
  }

  #operand(): Expression | undefined {
    const start = this.#at
    let value = this.#term()
    if (!value) return undefined
    for (let token = this.next(); token?.kind === 'field' && token.joined; token = this.next()) {
      this.#at++
      value = this.#field(value, token.text, start)
    }
    return value
  }

  #field(of: Expression, text: string, start: number): Expression {
    const written = this.#tokens.slice(start, this.#at).map(token => token.text)
    return { kind: 'field', of, name: text.slice(1), written: written.join('') }
  }

  #term(): Expression | undefined {
    const token = this.next()
    if (!token) return undefined
    const { kind, text, value } = token
    if (kind === 'sign') {
      if (text !== '(') return undefined
      this.#at++
      const inner = this.#pipe()
      if (!this.take(')')) throw this.refuse('a ( has no )')
      return inner
    }
    this.#at++
    if (kind === 'string' || kind === 'number') return { kind: 'literal', value }
    if (kind === 'variable') return { kind: 'variable', name: text }
    if (kind === 'dot') return { kind: 'dot' }
    if (kind === 'field') return this.#field({ kind: 'dot' }, text, this.#at - 1)
    if (Object.hasOwn(CONSTANTS, text)) return { kind: 'literal', value: CONSTANTS[text] }
    return { kind: 'call', name: this.#function(text), args: [] }
  }
}

/** Reads a template. `functions`: those that there are. Throws a UsageError (exit code 1) for what is none. */
export function parse(template: string, functions: readonly string[]): Node[] {
  const root: Node[] = []
  // An {{else if}} opens a block in the one before it, which the same {{end}} closes.
  const open: { block: Block; into: Node[]; inside: boolean; hasElse: boolean }[] = []
  let into = root
  const enter = (block: Block, inside: boolean): void => {
    into.push(block)
    open.push({ block, into, inside, hasElse: false })
    into = block.body
  }
  const blockOf = (kind: Block['kind'], reader: Reader): Block => ({
    ...{ kind, body: [], otherwise: [], ...reader.asking() },
  })
  for (const piece of lex(template)) {
    if ('text' in piece) {
      into.push({ kind: 'text', text: piece.text })
      continue
    }
    const reader = new Reader(piece, functions)
    const word = reader.next()?.text ?? ''
    const kind = BLOCKS.find(kind => reader.take(kind))
    if (kind) enter(blockOf(kind, reader), false)
    else if (reader.take('else')) {
      const last = open.at(-1)
      if (!last || last.hasElse) throw reader.refuse('there is no if, with or range that it belongs to')
      last.hasElse = true
      into = last.block.otherwise
      const next = (['if', 'with'] as const).find(kind => reader.take(kind))
      if (next) enter(blockOf(next, reader), true)
      else reader.end()
    } else if (reader.take('end')) {
      reader.end()
      if (open.length === 0) throw reader.refuse('ends nothing')
      for (let last = open.pop(); last; last = last.inside ? open.pop() : undefined) into = last.into
    } else if (reader.take('break') || reader.take('continue')) {
      if (!open.some(({ block }) => block.kind === 'range')) throw reader.refuse('is in no range')
      into.push({ kind: 'jump', to: word as 'break' | 'continue' })
    } else if (UNKNOWN.includes(word)) throw reader.refuse(`${word} is not supported`)
    else into.push({ kind: 'print', ...reader.asking() })
  }
  const left = open.find(({ inside }) => !inside)
  if (left) throw refuse(left.block.source, 'has no {{end}}')
  return root
}
