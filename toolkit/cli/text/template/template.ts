// --format: Go's templates, https://pkg.go.dev/text/template, with docker's functions. Here a tree of nodes and a value
// become text. \t and \n outside of {{ }} mean what they do in Go's strings, as docker has it.
import { UsageError } from '../../../kernel/usage-error.ts'
import { type Functions, functions, headFunctions } from './functions.ts'
import { refuse } from './lex.ts'
import { type Asking, type Expression, type Node, parse } from './parse.ts'
import { entriesOf, isFreeMap, isMap, isNil, isTrue, kindOf, NO_VALUE, namesOf, Slip, text } from './values.ts'

interface Scope {
  /** What {{.}} is. */
  readonly dot: unknown
  /** By $name; $ itself is what the template was given. Boxes, so that an inner block can change an outer one's. */
  readonly variables: ReadonlyMap<string, { value: unknown }>
}

interface World {
  readonly functions: Functions
  readonly field: (value: unknown, name: string, written: string) => unknown
  /** Of a field that takes arguments. */
  readonly method: (found: unknown, args: readonly unknown[], written: string) => unknown
  /** What {{range}} goes through. */
  readonly items: (value: unknown) => readonly (readonly [key: unknown, item: unknown])[]
}

/** Thrown by {{break}} and {{continue}}, with what was written before them. */
class Jump extends Error {
  readonly kind: 'break' | 'continue'
  written = ''

  constructor(kind: 'break' | 'continue') {
    super(kind)
    this.kind = kind
  }
}

function fieldOf(value: unknown, name: string, written: string): unknown {
  const of = written.slice(0, -name.length - 1)
  const place = of === '' ? '' : ` in ${of}`
  if (!isMap(value)) throw new Slip(`there is no field ${name}${place}, which is ${kindOf(value)}${help(value)}`)
  if (isFreeMap(value)) return Object.hasOwn(value, name) ? value[name] : NO_VALUE
  if (!Object.hasOwn(value, name)) throw new Slip(`there is no field ${name}${place}; ${namesOf(value)}`)
  return value[name]
}

const help = (value: unknown): string => (Array.isArray(value) ? ': take it with range or index' : '')

function variable({ variables }: Scope, name: string): { value: unknown } {
  const found = variables.get(name)
  if (!found) throw new Slip(`there is no ${name}; there are ${[...variables.keys()].join(', ')}`)
  return found
}

class Evaluation {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** `asks`: only whether there is something. A field that is not there, as .State.Health without a health check, is nothing. */
  value(expression: Expression, scope: Scope, asks = false): unknown {
    switch (expression.kind) {
      case 'literal':
        return expression.value
      case 'dot':
        return scope.dot
      case 'variable':
        return variable(scope, expression.name).value
      case 'field': {
        const of = this.value(expression.of, scope, asks)
        if (asks && (isNil(of) || (isMap(of) && !Object.hasOwn(of, expression.name)))) return undefined
        const found = this.#world.field(of, expression.name, expression.written)
        return typeof found === 'function' ? found() : found
      }
      case 'method': {
        const { of, args } = expression
        if (of.kind !== 'field') throw new Slip('only fields and functions take arguments')
        const found = this.#world.field(this.value(of.of, scope), of.name, of.written)
        const given = args.map(arg => this.value(arg, scope))
        return this.#world.method(found, given, of.written)
      }
      default:
        return this.#call(expression.name, expression.args, scope, asks)
    }
  }

  #call(name: string, args: readonly Expression[], scope: Scope, asks: boolean): unknown {
    const call = this.#world.functions[name]!
    if (name !== 'and' && name !== 'or') return call(...args.map(arg => this.value(arg, scope, asks && name === 'not')))
    const values: unknown[] = []
    for (const arg of args) {
      values.push(this.value(arg, scope, asks))
      if (isTrue(values.at(-1)) === (name === 'or')) break // what follows may not hold: and .A .A.B
    }
    return call(...values)
  }

  fill(nodes: readonly Node[], scope: Scope): string {
    let written = ''
    let inner = scope
    for (const node of nodes) {
      try {
        if (node.kind === 'text') written += node.text
        else if (node.kind === 'jump') throw new Jump(node.to)
        else if (node.kind === 'print') {
          const value = this.value(node.expression, inner)
          if (node.names) inner = assign(node, inner, [value])
          else written += text(value)
        } else if (node.kind === 'range') written += this.#range(node, inner)
        else {
          const value = this.value(node.expression, inner, true)
          const named = node.names ? assign(node, inner, [value]) : inner
          const dot = node.kind === 'with' ? value : named.dot
          written += isTrue(value) ? this.fill(node.body, { ...named, dot }) : this.fill(node.otherwise, named)
        }
      } catch (error) {
        if (error instanceof Jump) error.written = written + error.written
        if (error instanceof Slip) throw refuse((node as Asking).source, error.message)
        throw error
      }
    }
    return written
  }

  #range(node: Extract<Node, { body: Node[] }>, scope: Scope): string {
    const items = this.#world.items(this.value(node.expression, scope))
    if (items.length === 0) return this.fill(node.otherwise, scope)
    let written = ''
    for (const [key, item] of items) {
      const names = node.names?.names.length === 1 ? [item] : [key, item]
      const named = node.names ? assign(node, scope, names) : scope
      try {
        written += this.fill(node.body, { ...named, dot: item })
      } catch (error) {
        if (!(error instanceof Jump)) throw error
        written += error.written
        if (error.kind === 'break') break
      }
    }
    return written
  }
}

/** A scope in which the names that an action declares have their values. */
function assign({ names }: Asking, scope: Scope, values: readonly unknown[]): Scope {
  if (!names!.isNew) {
    for (const [i, name] of names!.names.entries()) variable(scope, name).value = values[i]
    return scope
  }
  const boxes = names!.names.map((name, i) => [name, { value: values[i] }] as const)
  return { ...scope, variables: new Map([...scope.variables, ...boxes]) }
}

function itemsOf(value: unknown): (readonly [key: unknown, item: unknown])[] {
  if (isNil(value)) return []
  if (Array.isArray(value)) return value.map((item, i) => [i, item] as const)
  if (isMap(value)) return entriesOf(value)
  if (Number.isInteger(value)) return Array.from({ length: Math.max(0, value as number) }, (_, i) => [i, i] as const)
  throw new Slip(`range takes a list, a map or a number, and that is ${kindOf(value)}`)
}

function methodOf(found: unknown, args: readonly unknown[], written: string): unknown {
  if (typeof found !== 'function') throw new Slip(`${written} takes no arguments`)
  return found(...args)
}

const scopeOf = (value: unknown): Scope => ({ dot: value, variables: new Map([['$', { value }]]) })

/** docker's exit code for what is no template, but of lists; there it is 1. */
export const NO_TEMPLATE = 64

function parsed(source: string, exitCode: number): readonly Node[] {
  try {
    return parse(source, Object.keys(functions))
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message, exitCode) : error
  }
}

/**
 * Makes text of a value. Throws a UsageError: with this exit code for what is no template, with 1 where it asks for what the
 * value has not.
 */
export function template(source: string, exitCode = NO_TEMPLATE): (value: unknown) => string {
  const nodes = parsed(source, exitCode)
  const evaluation = new Evaluation({ functions, field: fieldOf, method: methodOf, items: itemsOf })
  return value => evaluation.fill(nodes, scopeOf(value))
}

/**
 * The head of a table: the template itself, in which each field is its title. Where `titles` has none, that is its name
 * in capitals.
 */
export function headOf(source: string, titles: Readonly<Record<string, string>>): string {
  const head = new Evaluation({
    functions: headFunctions,
    field: (_, name) => titles[name] ?? name.toUpperCase(),
    method: (found, [name]) => (typeof name === 'string' ? name : found), // .Label "tier": tier
    items: value => [['', value]],
  })
  return head.fill(parse(source, Object.keys(functions)), scopeOf(''))
}
