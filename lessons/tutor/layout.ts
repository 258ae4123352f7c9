// Where everything stands on the screen, as one pure function of its size. The panes, the size of the shell's terminal
// and the tests all ask it.

export interface Rect {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export type PaneName = 'lesson' | 'tasks' | 'panel' | 'shell'

export interface Layout {
  /** `split`: two columns. `stacked`: one above the other. `zoom`: one pane alone. `small`: too small to work in. */
  readonly kind: 'split' | 'stacked' | 'zoom' | 'small'
  readonly columns: number
  readonly rows: number
  /** A pane's first row is its rule with the title; only a stacked live panel has none. */
  readonly panes: Readonly<Partial<Record<PaneName, Rect>>>
  /** Help and the list of lessons cover this. */
  readonly page: Rect
  /** Column of the line between the two columns. */
  readonly divider: number | undefined
  /** Size of the shell's terminal; it stays when the lesson is zoomed. */
  readonly terminal: { readonly columns: number; readonly rows: number }
}

export const MIN_COLUMNS = 60
export const MIN_ROWS = 18
const SPLIT_COLUMNS = 100

/** `tasks` is how many the lesson has; `zoom` is the pane that is shown alone. */
export function layout(columns: number, rows: number, tasks: number, zoom?: 'lesson' | 'shell'): Layout {
  const body: Rect = { x: 0, y: 1, width: columns, height: rows - 2 }
  if (columns < MIN_COLUMNS || rows < MIN_ROWS) {
    const terminal = { columns: Math.max(20, columns), rows: Math.max(5, rows - 2) }
    return { kind: 'small', columns, rows, panes: {}, page: body, divider: undefined, terminal }
  }
  const plain = columns < SPLIT_COLUMNS ? stacked(body) : split(body, tasks)
  if (!zoom) return { ...plain, columns, rows }
  const terminal = zoom === 'shell' ? inside(body, 0) : plain.terminal
  return { kind: 'zoom', columns, rows, panes: { [zoom]: body }, page: body, divider: undefined, terminal }
}

/** Beside the divider the shell stands one column off; elsewhere it has the full width that 80-column programs want. */
export const shellMargin = (kind: Layout['kind']) => (kind === 'split' ? 1 : 0)

const inside = (shell: Rect, margin: number) => ({ columns: shell.width - margin, rows: shell.height - 1 })

type Plain = Omit<Layout, 'columns' | 'rows'>

function stacked(body: Rect): Plain {
  const { width } = body
  const tasks = 4 // its rule, two rows for what the check sees, one for what to do next
  const panel = 1
  const rest = body.height - tasks - panel
  const lesson = Math.ceil(rest / 2)
  const panes = {
    lesson: { x: 0, y: 1, width, height: lesson },
    tasks: { x: 0, y: 1 + lesson, width, height: tasks },
    panel: { x: 0, y: 1 + lesson + tasks, width, height: panel },
    shell: { x: 0, y: 1 + lesson + tasks + panel, width, height: rest - lesson },
  }
  return {
    kind: 'stacked',
    panes,
    page: body,
    divider: undefined,
    terminal: inside(panes.shell, shellMargin('stacked')),
  }
}

/** Rows of the task pane that are not its list: the rule, a blank one, three for the check, one for what to do next. */
export const TASK_ROWS = 6

/** The task that is shown first, so that the current one is in the middle of the list. */
export function firstTask(pane: Rect, tasks: number, current: number): number {
  const room = pane.height - TASK_ROWS
  return Math.max(0, Math.min(tasks - room, current - Math.floor(room / 2)))
}

function split(body: Rect, taskCount: number): Plain {
  // from 160 columns on the shell has 80 and more; text wider than 90 columns is tiring to read
  const left = Math.min(90, Math.max(48, Math.floor(body.width * 0.45)))
  const right = body.width - left - 1
  const list = Math.max(1, Math.min(taskCount, Math.floor(body.height / 4)))
  const tasks = list + TASK_ROWS
  const panel = body.height >= 44 ? 13 : body.height >= 28 ? 9 : body.height >= 20 ? 5 : 2
  const panes = {
    lesson: { x: 0, y: 1, width: left, height: body.height - tasks },
    tasks: { x: 0, y: 1 + body.height - tasks, width: left, height: tasks },
    panel: { x: left + 1, y: 1, width: right, height: panel },
    shell: { x: left + 1, y: 1 + panel, width: right, height: body.height - panel },
  }
  return { kind: 'split', panes, page: body, divider: left, terminal: inside(panes.shell, shellMargin('split')) }
}
