// The room: who sits where in the course, and what the instructor wants of whom. Knows no network and no file.
import { type Lesson, numberOf } from '../lesson.ts'
import type { Answer, Order, Report, Wish } from './protocol.ts'

/** More seats than any room has; they are all kept. */
const MAX_SEATS = 200
/** A seat between two of its requests is still there. */
const GRACE_MS = 10_000

/** Times are milliseconds since 1970, by this server's clock. */
export interface StoredSeat {
  readonly id: string
  readonly number: number
  name: string
  lesson: string
  task: string
  /** When this task was begun. */
  since: number
  hints: number
  done: Record<string, string[]>
  /** When a key was pressed last. */
  activeAt: number
  /** When it was heard of last. */
  seenAt: number
  answered: number
  /** No tutor is open there, as it has said itself. */
  closed: boolean
  /** It has left the workshop. */
  left: boolean
  reset?: { id: number; now: boolean; at: number } | undefined
}

export interface StoredRoom {
  /** Number of the last wish, and of the last seat. */
  wishes: number
  numbers: number
  /** Where everybody is wanted. */
  call?: { id: number; lesson: string; at: number } | undefined
  seats: StoredSeat[]
}

export const emptyRoom = (): StoredRoom => ({ wishes: 0, numbers: 0, seats: [] })

/** A seat as the instructor sees it; ages in seconds. */
export interface SeatView {
  readonly number: number
  readonly name: string
  /** Index in the course, and of the task in the lesson; -1 where this course has no such one. */
  readonly lesson: number
  readonly task: number
  /** The task that is shown is done. */
  readonly passed: boolean
  /** How many tasks are done, by lesson. */
  readonly done: readonly number[]
  readonly hints: number
  readonly onTask: number
  readonly idle: number
  /** How long it was not heard of; 0 where it is there. */
  readonly away: number
  readonly left: boolean
  /** What it was asked for and has not answered. */
  readonly asked: readonly ('goto' | 'reset')[]
}

export interface RoomView {
  readonly course: readonly { number: number; name: string; title: string; tasks: readonly string[] }[]
  /** Index of the lesson to which everybody is called. */
  readonly call: number | null
  readonly seats: readonly SeatView[]
}

export class Room {
  readonly #course: readonly Lesson[]
  readonly #clock: () => number
  readonly #held = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  readonly stored: StoredRoom

  constructor(course: readonly Lesson[], stored: StoredRoom = emptyRoom(), clock: () => number = Date.now) {
    this.#course = course
    this.stored = stored
    this.#clock = clock
  }

  /** Calls back after every change; returns how to stop that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  knows(id: string): boolean {
    return this.stored.seats.some(seat => seat.id === id)
  }

  get full(): boolean {
    return this.stored.seats.length >= MAX_SEATS
  }

  /** Takes what a seat says; a new one gets a number. */
  report(report: Report): Answer {
    const now = this.#clock()
    const { lesson, task, hints, idle, end } = report
    let seat = this.stored.seats.find(({ id }) => id === report.seat)
    if (!seat) {
      const number = ++this.stored.numbers
      const fresh = { name: '', lesson: '', task: '', since: now, hints: 0, done: {}, closed: true, left: false }
      seat = { ...fresh, id: report.seat, number, activeAt: now, seenAt: now, answered: 0 }
      this.stored.seats.push(seat)
    } else if (end === 'asks') {
      Object.assign(seat, { name: report.name, left: false })
      this.#changed()
      return this.answerTo(report)
    }
    if (seat.lesson !== lesson || seat.task !== task) seat.since = now
    const activeAt = Math.max(0, now - idle * 1000)
    // Of what it says is kept only what this course has.
    const done: Record<string, string[]> = {}
    for (const { name, tasks } of this.#course) {
      const said = Object.hasOwn(report.done, name) ? report.done[name]! : []
      const ids = tasks.map(({ id }) => id).filter(id => said.includes(id))
      if (ids.length > 0) done[name] = ids
    }
    const answered = Math.min(report.answered, this.stored.wishes)
    const [closed, left] = [end !== undefined, end === 'left']
    Object.assign(seat, { name: report.name, lesson, task, hints, done, activeAt, seenAt: now, answered, closed, left })
    this.#changed()
    return this.answerTo(report)
  }

  /** What the seat has not heard yet. */
  answerTo({ seat: id, received, answered, uptime }: Report): Answer {
    const seat = this.stored.seats.find(seat => seat.id === id)
    if (!seat) return { number: 0, wishes: [] }
    const heard = Math.max(received, answered)
    const wishes: Wish[] = []
    const { call } = this.stored
    if (call && call.id > heard) wishes.push({ id: call.id, kind: 'goto', lesson: call.lesson })
    const { reset } = seat
    // A lab lives no longer than its tutor: what was wanted of an earlier one is done.
    const stale = reset && this.#clock() - reset.at > (uptime + 2) * 1000
    if (reset && reset.id > heard && !stale) wishes.push({ id: reset.id, kind: 'reset', now: reset.now })
    return { number: seat.number, wishes: wishes.sort((a, b) => a.id - b.id) }
  }

  /** The seat is on the line, from now until the returned function is called. */
  hold(id: string): () => void {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1)
    return () => {
      const count = (this.#held.get(id) ?? 1) - 1
      if (count > 0) this.#held.set(id, count)
      else this.#held.delete(id)
      const seat = this.stored.seats.find(seat => seat.id === id)
      if (seat) seat.seenAt = Math.max(seat.seenAt, this.#clock())
    }
  }

  /** Does what the instructor says; undefined, or why not. */
  obey(order: Order): string | undefined {
    const { stored } = this
    const at = this.#clock()
    if (order.do === 'goto') {
      const { lesson } = order
      if (lesson !== null && !this.#course.some(({ name }) => name === lesson)) return `no lesson ${lesson}`
      stored.call = lesson === null ? undefined : { id: ++stored.wishes, lesson, at }
    } else {
      const seat = stored.seats.find(({ number }) => number === order.seat)
      if (!seat) return `no seat ${order.seat}`
      if (order.do === 'forget') stored.seats.splice(stored.seats.indexOf(seat), 1)
      else if (this.#away(seat) > 0) return `seat ${seat.number} is not connected; its lab is gone when it comes back`
      else seat.reset = { id: ++stored.wishes, now: order.now, at }
    }
    this.#changed()
    return undefined
  }

  #away(seat: StoredSeat): number {
    if (this.#held.has(seat.id)) return 0
    const silent = this.#clock() - seat.seenAt
    return silent < GRACE_MS && !seat.closed ? 0 : Math.max(1, Math.round(silent / 1000))
  }

  view(): RoomView {
    const { call } = this.stored
    const at = (name: string) => this.#course.findIndex(lesson => lesson.name === name)
    return {
      course: this.#course.map(lesson => {
        const tasks = lesson.tasks.map(({ title }) => title)
        return { number: numberOf(lesson), name: lesson.name, title: lesson.title, tasks }
      }),
      call: call ? at(call.lesson) : null,
      seats: this.stored.seats.map(seat => this.#viewOf(seat, at(seat.lesson))),
    }
  }

  #viewOf(seat: StoredSeat, lesson: number): SeatView {
    const now = this.#clock()
    const seconds = (since: number) => Math.max(0, Math.round((now - since) / 1000))
    const { call } = this.stored
    const asked: ('goto' | 'reset')[] = []
    if (call && seat.answered < call.id && seat.lesson !== call.lesson) asked.push('goto')
    if (seat.reset && seat.answered < seat.reset.id) asked.push('reset')
    const { number, name, hints, left } = seat
    return {
      number,
      name,
      lesson,
      task: this.#course[lesson]?.tasks.findIndex(({ id }) => id === seat.task) ?? -1,
      passed: seat.done[seat.lesson]?.includes(seat.task) ?? false,
      done: this.#course.map(({ name }) => seat.done[name]?.length ?? 0),
      hints,
      onTask: seconds(seat.since),
      idle: seconds(seat.activeAt),
      away: this.#away(seat),
      left,
      asked,
    }
  }
}
