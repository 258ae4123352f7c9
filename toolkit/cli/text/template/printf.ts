// Go's printf, as far as text, numbers and truth need it.
import { kindOf, Slip, text } from './values.ts'

const VERB = /%([-+# 0]*)(\d*)(?:\.(\d*))?(.?)/gsu
const VERBS = '%s %d %q %v %t %f %g %e %x %c %%'

const number = (verb: string, value: unknown): number => {
  if (typeof value !== 'number') throw new Slip(`printf: %${verb} takes a number, and that is ${kindOf(value)}`)
  return value
}

const whole = (verb: string, value: unknown): number => {
  if (!Number.isInteger(number(verb, value))) throw new Slip(`printf: %${verb} takes a whole number`)
  return value as number
}

/** Between quotes; each of a list. */
function quoted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(quoted).join(' ')}]`
  return JSON.stringify(typeof value === 'string' ? value : text(value))
}

const digitsOf = (precision: string | undefined): number => (precision === undefined ? 6 : Number(precision))

function one(verb: string, value: unknown, precision: string | undefined): string {
  switch (verb) {
    case 's':
    case 'v':
      return precision === undefined ? text(value) : [...text(value)].slice(0, Number(precision)).join('')
    case 'q':
      return quoted(value)
    case 'd':
      return String(whole(verb, value))
    case 't':
      if (typeof value !== 'boolean') throw new Slip(`printf: %t takes true or false, and that is ${kindOf(value)}`)
      return String(value)
    case 'f':
      return number(verb, value).toFixed(Math.min(100, digitsOf(precision)))
    case 'g':
      return String(number(verb, value))
    case 'e':
      return number(verb, value)
        .toExponential(Math.min(100, digitsOf(precision)))
        .replace(/e([+-])(\d)$/, 'e$10$2')
    case 'x':
      return typeof value === 'string' ? Buffer.from(value).toString('hex') : whole(verb, value).toString(16)
    case 'c':
      return String.fromCodePoint(whole(verb, value))
    default:
      throw new Slip(`printf: there is no %${verb}; there are ${VERBS}`)
  }
}

function padded(inner: string, flags: string, width: string, isNumber: boolean): string {
  const signed = isNumber && flags.includes('+') && !inner.startsWith('-') ? `+${inner}` : inner
  if (flags.includes('-')) return signed.padEnd(Number(width))
  if (!isNumber || !flags.includes('0')) return signed.padStart(Number(width))
  const [, sign = '', digits = ''] = /^([+-]?)(.*)$/s.exec(signed)!
  return sign + digits.padStart(Number(width) - sign.length, '0')
}

/** Text with values at its verbs. Throws a Slip for a verb that is none, and where there are too many or too few. */
export function sprintf(format: string, values: readonly unknown[]): string {
  let used = 0
  const filled = format.replace(
    VERB,
    (_, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%'
      if (verb === '') throw new Slip(`printf: a % has no verb; there are ${VERBS}`)
      if (used === values.length) throw new Slip(`printf: there is no value for %${verb}`)
      const value = values[used++]
      return padded(one(verb, value, precision), flags, width, typeof value === 'number')
    },
  )
  if (used < values.length) throw new Slip(`printf: there are ${values.length} values, and ${used} are asked for`)
  return filled
}
