// The progress of all seats as one file: JSON for programs, CSV for a spreadsheet, and a table for the terminal.
import type { RoomView, SeatView } from './room.ts'

/** One row a seat, in plain words; ages in seconds. */
export function rowsOf({ course, seats }: RoomView) {
  return seats.map(seat => {
    const lesson = course[seat.lesson]
    return {
      seat: seat.number,
      name: seat.name,
      lesson: lesson?.name ?? '',
      task: seat.task + 1,
      title: lesson?.tasks[seat.task] ?? '',
      passed: seat.passed,
      hints: seat.hints,
      on_task_s: seat.onTask,
      idle_s: seat.idle,
      state: stateOf(seat),
      done: seat.done.reduce((sum, count) => sum + count, 0),
      tasks: course.reduce((sum, { tasks }) => sum + tasks.length, 0),
      lessons: Object.fromEntries(course.map(({ name, tasks }, i) => [name, `${seat.done[i]}/${tasks.length}`])),
    }
  })
}

const stateOf = ({ left, away }: SeatView) => (left ? 'left' : away > 0 ? 'away' : 'here')

export function toJson(view: RoomView): string {
  const called = view.call === null ? null : view.course[view.call]!.name
  return `${JSON.stringify({ called, seats: rowsOf(view) }, null, 2)}\n`
}

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe; `3/5` would become a date, so done tasks are numbers. */
export function toCsv(view: RoomView): string {
  const rows = rowsOf(view).map(({ lessons, ...row }) => {
    const counts = Object.entries(lessons).map(([name, done]) => [name, Number.parseInt(done, 10)])
    return { ...row, ...Object.fromEntries(counts) }
  })
  const columns = [
    ...['seat', 'name', 'lesson', 'task', 'title', 'passed', 'hints', 'on_task_s', 'idle_s', 'state', 'done', 'tasks'],
    ...view.course.map(({ name }) => name),
  ]
  const cell = (value: unknown) => {
    const text = String(value ?? '')
    const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
    return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
  }
  const lines = [columns, ...rows.map(row => columns.map(column => row[column]))]
  return lines.map(line => `${line.map(cell).join(',')}\r\n`).join('')
}

/** `3 min`, `1 h 20 min`. */
export function age(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A row a seat, for a terminal of any width from 60 on. Stuck: on an open task for `stuck` minutes. */
export function toText(view: RoomView, stuck: number): string {
  const { course, seats, call } = view
  if (seats.length === 0) return 'No seat has joined yet.'
  const total = course.reduce((sum, { tasks }) => sum + tasks.length, 0)
  const lines = seats.map(seat => {
    const lesson = course[seat.lesson]
    const place = lesson ? `${lesson.number}.${seat.task + 1}` : '?'
    const done = `${seat.done.reduce((sum, count) => sum + count, 0)}/${total}`
    const notes = [
      seat.left ? 'has left' : seat.away > 0 ? `away for ${age(seat.away)}` : '',
      isStuck(seat, stuck) ? `stuck for ${age(seat.onTask)}, ${seat.hints} hints` : seat.passed ? 'task done' : '',
      ...seat.asked.map(what => `asked: ${what}`),
    ]
    const words = notes.filter(note => note !== '').join('; ')
    return `${String(seat.number).padStart(4)}  ${seat.name.padEnd(20)} ${place.padStart(5)} ${done.padStart(8)}  ${age(seat.idle).padEnd(11)} ${words}`.trimEnd()
  })
  const called = call === null ? [] : [`Everybody is called to lesson ${course[call]!.number}, ${course[call]!.title}.`]
  return ['seat  name                 place     done  last key', ...lines, ...called].join('\n')
}

export const isStuck = ({ passed, onTask, away, left }: SeatView, minutes: number): boolean =>
  !passed && !left && away === 0 && onTask >= minutes * 60
