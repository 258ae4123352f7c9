// How much is kept of what a container writes: docker's log drivers and their options, as our two parts of a log are able
// to keep them (monitor.ts).

/** Bytes of each of the two parts of a log, at most, unless another limit is asked for. */
export const MOST = 50 * 1024 * 1024

export const DRIVERS = ['json-file', 'local', 'none'] as const

export interface LogWish {
  /** Their names are docker's; the log is the same for the first two. `none`: nobody may read it. */
  readonly driver: (typeof DRIVERS)[number]
  /** As they were given: max-size in bytes with a unit, max-file, compress. */
  readonly options: Readonly<Record<string, string>>
}

const UNITS = ['', 'k', 'm', 'g', 't']

/** docker's FromHumanSize: 10m, 1.5g, 10MB; k is 1000. Undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]?)i?b?$/.exec(text.toLowerCase()) ?? []
  const bytes = Math.floor(Number(number) * 1000 ** UNITS.indexOf(unit))
  return number !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined
}

const LEAST = 4096 // bytes
const RECORD = 32 // a part of the index ends with a whole one
const UNREAD = 1 << 20 // bytes: attach, start -a and run --restart show what comes by way of the log

/** Bytes of each of the two parts; together they hold docker's max-file files of max-size. */
export function partLimit(wish: LogWish | undefined): number {
  if (wish?.driver === 'none') return UNREAD
  const { 'max-size': size, 'max-file': files } = wish?.options ?? {}
  const local = wish?.driver === 'local'
  if (size === undefined && !(local && files !== undefined)) return MOST // of local that is docker's own limit
  const all = parseSize(size ?? '20m')! * Number(files ?? (local ? 5 : 1))
  return Math.max(LEAST, Math.floor(all / 2 / RECORD) * RECORD)
}
