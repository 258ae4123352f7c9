// What a seat tells the workshop, and what it is told: one request, `POST /api/seat`, answered at once or, with `wait`,
// as soon as there is something to say. A report is the whole state, not what has changed: what a seat could not send while the
// server was away is in the next one, and one that comes twice does no harm.

export const PORT = 7321
/** Bytes of a request's body; a report of the whole course has some 3000. */
export const MAX_BODY = 16 * 1024
/** How long the server holds a request that waits. A seat that has said nothing for longer is away. */
export const WAIT_MS = 25_000
const MAX_NAME = 32

export interface Report {
  /** Random and kept by the seat. Whoever knows it can speak for the seat, so nobody else is shown it. */
  readonly seat: string
  /** What the learner wants to be called here; may be empty. */
  readonly name: string
  /** Where the learner is, by name and id. */
  readonly lesson: string
  readonly task: string
  /** Which tasks are done, by lesson: their ids. */
  readonly done: Readonly<Record<string, readonly string[]>>
  /** Hints shown for this task. */
  readonly hints: number
  /** Seconds since the learner last pressed a key. */
  readonly idle: number
  /** Seconds since the tutor was opened. */
  readonly uptime: number
  /** The last wish that has come here, and the last that the learner has answered. */
  readonly received: number
  readonly answered: number
  /** Answer only when there is a new wish, or after WAIT_MS. */
  readonly wait: boolean
  /**
   * No tutor speaks: it is about to be closed, the learner has left the workshop, or the seat joins or asks for its number,
   * and where the learner is stays as it was.
   */
  readonly end?: 'closed' | 'left' | 'asks'
}

/** What the instructor wants of a seat. Numbers grow. */
export type Wish =
  | { readonly id: number; readonly kind: 'goto'; readonly lesson: string }
  /** `now`: without asking the learner. */
  | { readonly id: number; readonly kind: 'reset'; readonly now: boolean }

export interface Answer {
  /** The seat's number in this workshop. */
  readonly number: number
  readonly wishes: readonly Wish[]
}

/** What the instructor may send to `POST /api/commands`. Seats are named by their numbers. */
export type Order =
  | { readonly do: 'goto'; readonly lesson: string | null }
  | { readonly do: 'reset'; readonly seat: number; readonly now: boolean }
  | { readonly do: 'forget'; readonly seat: number }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isWord = (value: unknown): value is string => typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** A name as it may be shown: nothing that steers a terminal or turns the text around, no towers of accents. */
export function cleanName(name: string): string {
  const plain = name
    .normalize('NFC')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/(\p{M}{2})\p{M}+/gu, '$1')
    .replace(/\s+/g, ' ')
    .trim()
  return [...plain].slice(0, MAX_NAME).join('').trim()
}

/** Reads a report from a stranger; undefined where it is none. What else may be in it is not kept. */
export function decodeReport(value: unknown): Report | undefined {
  if (!isObject(value)) return undefined
  const { seat, name, lesson, task, done, hints, idle, uptime, received, answered, wait, end } = value
  if (typeof seat !== 'string' || !/^[\w-]{16,64}$/.test(seat)) return undefined
  if (typeof name !== 'string' || !isWord(lesson) || !isWord(task) || !isObject(done)) return undefined
  if (![hints, idle, uptime, received, answered].every(isCount) || typeof wait !== 'boolean') return undefined
  const lists = Object.entries(done)
  if (!lists.every(([key, ids]) => isWord(key) && Array.isArray(ids) && ids.every(isWord))) return undefined
  return {
    seat,
    name: cleanName(name),
    lesson,
    task,
    done: Object.fromEntries(lists) as Record<string, string[]>,
    hints: hints as number,
    idle: idle as number,
    uptime: uptime as number,
    received: received as number,
    answered: answered as number,
    wait,
    ...((end === 'closed' || end === 'left' || end === 'asks') && { end }),
  }
}

export function decodeOrder(value: unknown): Order | undefined {
  if (!isObject(value)) return undefined
  const { do: what, lesson, seat, now } = value
  if (what === 'goto' && (lesson === null || isWord(lesson))) return { do: 'goto', lesson }
  if (what === 'reset' && isCount(seat)) return { do: 'reset', seat, now: now === true }
  if (what === 'forget' && isCount(seat)) return { do: 'forget', seat }
  return undefined
}

/** Reads the server's answer; undefined where it is none. */
export function decodeAnswer(value: unknown): Answer | undefined {
  if (!isObject(value) || !isCount(value.number) || !Array.isArray(value.wishes)) return undefined
  const wishes = value.wishes.flatMap((wish): Wish[] => {
    if (!isObject(wish) || !isCount(wish.id)) return []
    if (wish.kind === 'goto' && isWord(wish.lesson)) return [{ id: wish.id, kind: 'goto', lesson: wish.lesson }]
    return wish.kind === 'reset' ? [{ id: wish.id, kind: 'reset', now: wish.now === true }] : []
  })
  return { number: value.number, wishes }
}
