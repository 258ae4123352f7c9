// The mouse, where the learner has turned it on: the wheel scrolls what is under the pointer, a click gives a pane the
// keys, or chooses a row.
import type { CommandContext } from './commands.ts'
import { firstTask, type Layout, type PaneName, type Rect } from './layout.ts'
import { firstPlace, openPlace, places } from './places.ts'

/** As SGR mouse reports say it (DECSET 1006): cells count from 1. */
export interface MouseEvent {
  readonly button: number
  readonly x: number
  readonly y: number
  readonly pressed: boolean
}

const REPORT = /^\x1b\[<(\d+);(\d+);(\d+)([Mm])$/

export function mouseEvent(sequence: string): MouseEvent | undefined {
  const [, button, x, y, end] = REPORT.exec(sequence) ?? []
  return end === undefined ? undefined : { button: Number(button), x: Number(x), y: Number(y), pressed: end === 'M' }
}

const LEFT = 0
const WHEEL: Record<number, number> = { 64: -3, 65: 3 } // rows

const inside = ({ x, y, width, height }: Rect, column: number, row: number) =>
  column >= x && column < x + width && row >= y && row < y + height

function paneAt({ panes }: Layout, column: number, row: number): PaneName | undefined {
  return (Object.keys(panes) as PaneName[]).find(name => inside(panes[name]!, column, row))
}

export function pressMouse({ button, x, y, pressed }: MouseEvent, context: CommandContext): void {
  const { screen } = context
  const { page, question, tooSmall, search } = screen.state()
  const [column, row] = [x - 1, y - 1]
  const rows = WHEEL[button]
  if (!pressed || !screen.place || question || tooSmall || search?.typing) return
  if (rows === undefined && button !== LEFT) return
  if (page === 'lessons') onList(rows, row, context)
  else if (page) screen.scrollBy(rows ?? 0)
  else onPane(paneAt(screen.place, column, row), rows, row, context)
}

function onPane(pane: PaneName | undefined, rows: number | undefined, row: number, context: CommandContext): void {
  const { screen, session, player } = context
  if (rows !== undefined) {
    if (pane === 'shell') session.wheel(rows)
    else if (pane === 'lesson') screen.scrollBy(rows)
    return
  }
  screen.update({ notice: undefined })
  if (pane === 'lesson' || pane === 'shell') screen.update({ focus: pane })
  if (pane !== 'tasks' || screen.place?.kind !== 'split') return
  const { lesson, task } = player.state
  const rect = screen.place.panes.tasks!
  const index = firstTask(rect, lesson.tasks.length, task) + row - rect.y - 1
  // below the list stands what the check sees
  if (row > rect.y && row < rect.y + rect.height - 5 && index < lesson.tasks.length) void player.open(lesson, index)
}

/** A click chooses a row, a second one opens it. */
function onList(rows: number | undefined, row: number, context: CommandContext): void {
  const { screen, player, lessons } = context
  const { page } = screen.place!
  const list = places(lessons, player.state.lesson)
  const { cursor } = screen.state()
  const height = page.height - 1
  const clicked = firstPlace(list.length, height, cursor) + row - page.y - 1
  const to = rows === undefined ? clicked : cursor + rows
  if (rows === undefined && (row <= page.y || clicked >= list.length)) return
  if (rows === undefined && clicked === cursor) {
    screen.closePage()
    openPlace(list[cursor]!, context)
  } else screen.update({ cursor: Math.max(0, Math.min(list.length - 1, to)) })
}
