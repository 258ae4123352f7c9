import { readHost } from '../../host.ts'
import { type Lesson, linesFor } from '../../lesson.ts'
import type { PlayerState } from '../../player.ts'
import { useTheme, useTutor } from '../context.ts'
import { partsOf } from '../document.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { firstTask, type Rect, TASK_ROWS } from '../layout.ts'
import { lessonAfter } from '../places.ts'
import type { Theme } from '../theme.ts'
import { cut, wrap } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

interface Props {
  readonly rect: Rect
  readonly stacked: boolean
  readonly focus: 'lesson' | 'shell'
}

/** The tasks, what the check of the current one sees, and what to do next. */
export function TaskPane({ rect, stacked, focus }: Props) {
  const tutor = useTutor()
  const theme = useTheme()
  const state = usePlayer()
  const columns = rect.width - 2
  const verdict = verdictRows(state, columns, stacked ? 2 : 3, theme)
  const next = cut(nextStep(state, lessonAfter(tutor.player, tutor.lessons), focus, theme), columns)
  const head = stacked ? stackedHead(state, rect.width, theme) : splitHead(state, rect, theme)
  return <Pane rect={rect} rows={[...head, ...[...verdict, next].map(row => ` ${row}`)]} />
}

const mark = (state: PlayerState, index: number) => (state.done[index] ? '✔' : index === state.task ? '▸' : '·')

function stackedHead(state: PlayerState, columns: number, theme: Theme): string[] {
  const { tasks } = state.lesson
  const ticks = tasks.map((_, index) => mark(state, index)).join('')
  return [rule(`Task ${state.task + 1}: ${tasks[state.task]!.title}`, ticks, columns, false, theme)]
}

function splitHead(state: PlayerState, rect: Rect, theme: Theme): string[] {
  const { tasks } = state.lesson
  const room = rect.height - TASK_ROWS
  const first = firstTask(rect, tasks.length, state.task)
  const rows = tasks.slice(first, first + room).map((task, offset) => {
    const index = first + offset
    const sign = state.done[index] ? theme.good('✔') : index === state.task ? theme.key('▸') : theme.muted('·')
    const title = cut(task.title, rect.width - 4)
    return ` ${sign} ${index === state.task ? theme.strong(title) : theme.muted(title)}`
  })
  const done = state.done.filter(Boolean).length
  return [rule('Tasks', `${done} of ${tasks.length} done`, rect.width, false, theme), ...rows, '']
}

/** Exactly `height` rows, so that what comes below stays where it is. */
function verdictRows(state: PlayerState, columns: number, height: number, theme: Theme): string[] {
  const [sign, text, style] = verdict(state, theme)
  const rows = wrap(text, columns - 2)
  const shown = rows.slice(0, height)
  if (rows.length > height) shown[height - 1] = cut(`${shown[height - 1]} …`, columns - 2)
  return Array.from({ length: height }, (_, index) => {
    if (index >= shown.length) return ''
    return (index === 0 ? `${style(sign)} ` : '  ') + shown[index]
  })
}

function verdict(state: PlayerState, theme: Theme): [string, string, (text: string) => string] {
  if (state.phase === 'starting') return ['…', 'Starting the lab, a small machine of your own.', theme.open]
  if (state.phase === 'checking') return ['…', 'Checking', theme.open]
  if (state.error) return ['✘', `The lab could not be started: ${state.error}`, theme.bad]
  const [obstacle] = state.obstacles
  if (obstacle) return ['✘', `This lesson cannot be done here: ${obstacle}.`, theme.bad]
  const saw = state.saw && ` ${sentence(state.saw)}`
  if (state.phase === 'passed') return ['✔', `${theme.good('Done.')}${saw}`, theme.good]
  return ['○', `${theme.open('Not yet.')}${saw}`, theme.open]
}

/** A diagnosis as a sentence. */
function sentence(text: string): string {
  const begun = text.replace(/^[a-z]/, letter => letter.toUpperCase())
  return /[.!?)\]]$/.test(begun) ? begun : `${begun}.`
}

function nextStep(state: PlayerState, after: Lesson | undefined, focus: 'lesson' | 'shell', theme: Theme): string {
  const key = (name: string) => theme.key(name)
  const { phase, error, lesson, task } = state
  const either = (inShell: string, reading: string) => key(focus === 'shell' ? inShell : reading)
  const [again, all, forward] = [either('F8', 'r'), either('F7', 'l'), either('F9', 'n')]
  if (error) return `${again} tries again.`
  if (state.obstacles.length > 0) {
    const last = task === lesson.tasks.length - 1
    const on = last ? (after ? `${forward}: the next lesson` : `${all} shows all lessons`) : `${forward}: next task`
    return `It can be read. ${on}. ${again} looks again.`
  }
  if (phase === 'starting') return theme.muted('You can read on meanwhile.')
  if (phase === 'checking') return ''
  if (phase === 'passed') {
    if (task < lesson.tasks.length - 1) return `Read on above, then ${forward} goes to the next task.`
    if (after) return `Lesson finished. ${forward} begins the next: ${after.title}`
    return `Lesson finished, the last one. ${all} shows them all.`
  }
  const current = lesson.tasks[task]!
  const [solution, hints] = [linesFor(current.solution, readHost()), linesFor(current.hints, readHost())]
  const { offered } = state
  if (offered > 0 && offered < solution.length)
    return `${either('F6', 's')} puts line ${offered + 1} of ${solution.length} of the solution at the prompt.`
  const total = hints.length
  const more = state.hints === 0 ? 'for a hint' : `for hint ${state.hints + 1} of ${total}`
  const hint = (name: string) => (state.hints < total ? `${key(name)} ${more}` : 'no more hints')
  const prediction = partsOf(lesson.text).sections[task]?.prediction
  if (focus === 'lesson' && prediction && state.prediction === undefined)
    return `${key(`1–${prediction.options.length}`)} to predict, ${key('Enter')} to try it, ${hint('h')}`
  if (focus === 'lesson') return `${key('Enter')} to try it in the shell, ${hint('h')}`
  return `${key('F2')} back to the text, ${hint('F3')}`
}
