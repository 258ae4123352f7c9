// The flags about what is kept of a container's output. Docker's words; its drivers for other machines are not there.
import { DRIVERS, type LogWish, parseSize } from '../../engine/log/limit.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  'log-driver': {
    value: 'json-file|local|none',
    help: 'what is kept of its output; none: toolkit logs shows nothing (default: two parts of 50 MiB; the first two are the same)',
    blank: true,
  },
  'log-opt': {
    value: 'KEY=VALUE',
    many: true,
    help: 'max-size=10m, max-file=3: so much in all, the product, as two parts of at least 4 KiB',
  },
} satisfies Record<string, Flag>

const OPTIONS: Readonly<Record<string, (value: string) => string | undefined>> = {
  'max-size': value => ((parseSize(value) ?? 0) > 0 ? undefined : 'give a size of at least one byte, such as 10m'),
  'max-file': value => (/^[1-9]\d{0,5}$/.test(value) ? undefined : 'give a whole number of at least 1'),
  compress: value => (/^(true|false)$/.test(value) ? undefined : 'give true or false; nothing is compressed here'),
}

/** Reads the flags. Undefined where none of them is given. Throws a UsageError that says what is allowed. */
export function log(given: Parsed['flags']): LogWish | undefined {
  const { 'log-driver': name = 'json-file', 'log-opt': words = [] } = given as {
    'log-driver'?: string
    'log-opt'?: readonly string[]
  }
  if (given['log-driver'] === undefined && words.length === 0) return undefined
  const driver = DRIVERS.find(driver => driver === name)
  if (!driver)
    throw refuseValue(
      'log-driver',
      name,
      `allowed: ${DRIVERS.join(', ')}; for others, pass on what 'toolkit logs -f' prints`,
    )
  const options: Record<string, string> = {}
  for (const word of words) {
    const [, key = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(word) ?? []
    if (driver === 'none') throw refuseValue('log-opt', word, 'with --log-driver none there is nothing to set')
    if (!Object.hasOwn(OPTIONS, key))
      throw refuseValue('log-opt', word, `no such option; allowed: ${Object.keys(OPTIONS).join(', ')}`)
    const why = OPTIONS[key]!(value)
    if (why) throw refuseValue('log-opt', word, why)
    options[key] = value
  }
  return { driver, options }
}
