// What each key does.
import { readHost } from '../host.ts'
import { type Lesson, linesFor } from '../lesson.ts'
import type { Player } from '../player.ts'
import { bindings, type Command, commandOf } from './keys.ts'
import type { Screen } from './screen.ts'
import type { ShellSession } from './session.ts'

export interface CommandContext {
  readonly player: Player
  readonly screen: Screen
  readonly session: ShellSession
  readonly lessons: readonly Lesson[]
  readonly progress: (lesson: Lesson) => readonly boolean[]
  /** The program that runs in the shell; undefined at the prompt. */
  running(): string | undefined
  leave(): void
}

/** A row of the page with the lessons: a lesson, or a task of the current one. */
export interface Place {
  readonly lesson: Lesson
  readonly task: number | undefined
}

export const places = (lessons: readonly Lesson[], current: Lesson): Place[] =>
  lessons.flatMap(lesson => [
    { lesson, task: undefined },
    ...(lesson.name === current.name ? lesson.tasks.map((_, task) => ({ lesson, task })) : []),
  ])

/** The lesson after the current one, when its last task is on the screen. */
export function lessonAfter({ player, lessons }: Pick<CommandContext, 'player' | 'lessons'>): Lesson | undefined {
  const { lesson, task } = player.state
  if (task < lesson.tasks.length - 1) return undefined
  return lessons[lessons.findIndex(({ name }) => name === lesson.name) + 1]
}

export function pressKey(key: string, context: CommandContext): void {
  const { screen } = context
  const { question, page, tooSmall, focus } = screen.state()
  screen.update({ notice: undefined })
  if (tooSmall) {
    if (key === 'q' || key === 'f10' || key === 'ctrl-c') context.leave()
  } else if (question) {
    if (key === 'y' || key === 'Y') {
      screen.update({ question: undefined })
      question.yes()
    } else if (key === 'n' || key === 'N' || key === 'escape' || key === 'ctrl-c')
      screen.update({ question: undefined })
  } else if (page && pressOnPage(key, context)) {
    // the page took it
  } else if (key === 'ctrl-c') {
    screen.update({ notice: 'Ctrl-C belongs to the shell. To leave the course press q or F10.' })
  } else if (key === 'paste') {
    screen.update({ notice: 'The lesson has the keys, nothing was pasted. F2 goes to the shell.' })
  } else {
    const command = commandOf(key, page ? 'lesson' : focus)
    if (command) run(command, context)
  }
}

/** Keys of an open page; true where the page has taken the key. */
function pressOnPage(key: string, { screen, player, lessons, progress }: CommandContext): boolean {
  const { page, cursor } = screen.state()
  const list = places(lessons, player.state.lesson)
  const last = page === 'lessons' ? list.length - 1 : bindings.length
  const steps: Record<string, number> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10, ' ': 10 }
  const by = steps[key]
  if (by !== undefined) {
    screen.update({ cursor: Math.max(0, Math.min(last, cursor + by)) })
    return true
  }
  const toggles = page === 'help' ? ['f1', '?'] : ['f7', 'l']
  if (['escape', 'q', 'enter', 'f2', 'ctrl-]', ...toggles].includes(key)) {
    screen.update({ page: undefined, cursor: 0 })
    const place = list[cursor]
    if (page === 'lessons' && key === 'enter' && place) {
      const undone = progress(place.lesson).indexOf(false)
      void player.open(place.lesson, place.task ?? Math.max(0, undone))
    }
    return true
  }
  // everything else closes the page and does what it does everywhere
  if (commandOf(key, 'lesson')) screen.update({ page: undefined, cursor: 0 })
  return false
}

export function run(command: Command, context: CommandContext): void {
  const { player, screen, session } = context
  const { focus, zoom, extent } = { ...screen.state(), extent: screen.extent }
  const page = Math.max(1, extent.height - 1)
  const actions: Record<Command, () => void> = {
    switch: () => screen.update({ focus: focus === 'shell' ? 'lesson' : 'shell' }),
    toShell: () => screen.update({ focus: 'shell' }),
    help: () => screen.update({ page: 'help', cursor: 0 }),
    hint: () => showHint(context),
    zoom: () => screen.update({ zoom: !zoom }),
    check: () => player.check(),
    solution: () => putSolution(context),
    lessons: () => openLessons(context),
    reset: () => ask(context, 'Throw the lab away and start a new one? Progress stays.', () => void player.reset()),
    next: () => goOn(context),
    previous: () => player.previous(),
    quit: () => quit(context),
    redraw: () => screen.update({ redraws: screen.state().redraws + 1 }),
    up: () => screen.scrollBy(-1),
    down: () => screen.scrollBy(1),
    pageUp: () => screen.scrollBy(-page),
    pageDown: () => screen.scrollBy(page),
    top: () => screen.scrollBy(-extent.rows),
    end: () => screen.scrollBy(extent.rows),
    shellBack: () => session.model?.scroll(-5),
    shellForward: () => session.model?.scroll(5),
  }
  actions[command]()
}

const ask = ({ screen }: CommandContext, text: string, yes: () => void) => screen.update({ question: { text, yes } })

function showHint({ player, screen }: CommandContext): void {
  const { lesson, task, hints } = player.state
  if (hints < linesFor(lesson.tasks[task]!.hints, readHost()).length) {
    player.hint()
    screen.update({ scroll: undefined })
  } else screen.update({ scroll: undefined, notice: 'All hints are shown. F6 puts the solution at the prompt.' })
}

function putSolution({ player, screen, session, running }: CommandContext): void {
  const { lesson, task, offered } = player.state
  const lines = linesFor(lesson.tasks[task]!.solution, readHost()).length
  // later lines are for the programs that the first ones start
  const program = offered % lines === 0 ? running() : undefined
  const obstacle = !session.pid
    ? 'There is no shell now to put the solution into.'
    : session.model?.fullScreen
      ? 'A full-screen program has the shell. Leave it, then ask for the solution.'
      : program && `The solution begins at the lab's own prompt. Leave '${program}' first (exit), then F6.`
  if (obstacle) {
    screen.update({ notice: obstacle })
    return
  }
  session.type(player.solution())
  const line = player.state.offered
  const what = lines === 1 ? 'The solution' : `Line ${line} of ${lines}`
  const after = line < lines ? `Enter runs it, then F6 gives line ${line + 1}.` : 'Enter runs it.'
  screen.update({ focus: 'shell', notice: `${what} is at the prompt. ${after}` })
}

function openLessons({ player, screen, lessons }: CommandContext): void {
  const { lesson, task } = player.state
  const cursor = places(lessons, lesson).findIndex(place => place.lesson.name === lesson.name && place.task === task)
  screen.update({ page: 'lessons', cursor: Math.max(0, cursor) })
}

function goOn(context: CommandContext): void {
  const { player, screen, progress } = context
  const { lesson, task, done } = player.state
  const after = lessonAfter(context)
  const last = task === lesson.tasks.length - 1
  const move = () => {
    if (!last) player.next()
    else if (after) void player.open(after, Math.max(0, progress(after).indexOf(false)))
  }
  if (last && !after) {
    const open = done.includes(false) ? 'Some tasks are still open: F7 shows them.' : 'F7 goes back to any of them.'
    screen.update({ notice: `This is the last task of the course. ${open}` })
  } else if (done[task]) move()
  else ask(context, 'This task is not done yet. Go on without it?', move)
}

function quit(context: CommandContext): void {
  const program = context.running()
  if (program) ask(context, `'${program}' is still running in the shell. Leave anyway?`, () => context.leave())
  else context.leave()
}
