// What each command does.
import { readHost } from '../host.ts'
import { type Lesson, linesFor } from '../lesson.ts'
import type { Player } from '../player.ts'
import type { Line } from '../workshop/line.ts'
import { partsOf, type TextCommand } from './document.ts'
import type { Command } from './keys.ts'
import { MOUSE_OFF, MOUSE_ON } from './outer.ts'
import type { PanelWatch } from './panels/watch.ts'
import { lessonAfter, places } from './places.ts'
import type { Screen } from './screen.ts'
import type { ShellSession } from './session.ts'
import { answerWish } from './wishes.ts'

export interface CommandContext {
  readonly player: Player
  readonly screen: Screen
  readonly session: ShellSession
  readonly panels: PanelWatch
  readonly lessons: readonly Lesson[]
  /** To the workshop that this seat reports to. */
  readonly line: Line | undefined
  readonly progress: (lesson: Lesson) => readonly boolean[]
  /** The program that runs in the shell; undefined at the prompt. */
  running(): string | undefined
  leave(): void
  /** Writes to the learner's terminal, past the screen. */
  tell(sequence: string): void
  /** Writes the transcript to a new file; its path. */
  saveTranscript(): Promise<string>
}

/** `key` is the one that was pressed for it. */
export function run(command: Command, context: CommandContext, key: string): void {
  const { player, screen, session } = context
  const { focus, zoom, mouse } = screen.state()
  const { extent } = screen
  const page = Math.max(1, extent.height - 1)
  const actions: Record<Command, () => void> = {
    switch: () => screen.update({ focus: focus === 'shell' ? 'lesson' : 'shell' }),
    toShell: () => screen.update({ focus: 'shell' }),
    help: () => screen.openPage('help'),
    hint: () => showHint(context),
    zoom: () => screen.update({ zoom: !zoom }),
    check: () => player.check(),
    solution: () => putSolution(context),
    lessons: () => openLessons(context),
    reset: () => reset(context),
    next: () => goOn(context),
    previous: () => player.previous(),
    quit: () => quit(context),
    redraw: () => screen.update({ redraws: screen.state().redraws + 1 }),
    up: () => screen.scrollBy(-1),
    down: () => screen.scrollBy(1),
    pageUp: () => screen.scrollBy(-page),
    pageDown: () => screen.scrollBy(page),
    top: () => screen.scrollTo(0),
    end: () => screen.scrollTo(extent.rows),
    shellBack: () => session.model?.scroll(-5),
    shellForward: () => session.model?.scroll(5),
    choose: () => choose(context, Number(key) - 1),
    take: () => takeCommand(context),
    copy: () => copyCommand(context),
    module: () => screen.openPage('module'),
    nextPanel: () => {
      if (!context.panels.next()) screen.update({ notice: 'This lesson has one live panel. V shows all of it.' })
    },
    panel: () => screen.openPage('panel'),
    search: () => screen.find({ text: '', typing: true, from: extent.first, step: 0 }),
    nextMatch: () => screen.find({ step: screen.state().search!.step + 1 }),
    previousMatch: () => screen.find({ step: screen.state().search!.step - 1 }),
    endSearch: () => screen.endSearch(),
    answer: () => answerWish(context),
    transcript: () => void writeTranscript(context),
    mouse: () => {
      context.tell(mouse ? MOUSE_OFF : MOUSE_ON)
      const off = 'The mouse is your terminal’s again: it selects text.'
      screen.update({ mouse: !mouse, notice: mouse ? off : 'The wheel scrolls, a click goes there. M turns it off.' })
    },
  }
  actions[command]()
}

const ask = ({ screen }: CommandContext, text: string, yes: () => void) => screen.update({ question: { text, yes } })

function reset(context: CommandContext): void {
  const { player } = context
  const again = () => void player.reset()
  if (player.lab) ask(context, 'Throw the lab away and start a new one? Progress stays.', again)
  else if (player.state.phase !== 'starting') again() // there is none that could be lost
}

function showHint({ player, screen }: CommandContext): void {
  const { lesson, task, hints } = player.state
  if (hints < linesFor(lesson.tasks[task]!.hints, readHost()).length) {
    player.hint()
    screen.update({ scroll: undefined, search: undefined })
  } else screen.update({ scroll: undefined, notice: 'All hints are shown. F6 puts the solution at the prompt.' })
}

function putSolution(context: CommandContext): void {
  const { player, screen, session, running } = context
  const { lesson, task, offered } = player.state
  const lines = linesFor(lesson.tasks[task]!.solution, readHost()).length
  // later lines are for the programs that the first ones start
  const program = offered % lines === 0 ? running() : undefined
  const leave = `The solution begins at the lab's own prompt. Leave '${program}' first (exit), then F6.`
  const obstacle = noPrompt(context) ?? (program && leave)
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

/** Why nothing can be put at a prompt now. */
function noPrompt({ session }: CommandContext): string | undefined {
  if (!session.pid) return 'There is no shell now to put it into.'
  return session.model?.fullScreen ? 'A full-screen program has the shell. Leave it, then ask again.' : undefined
}

/** The first command on the screen; the one after the last that was taken, while that is on the screen. */
function nextCommand({ screen }: CommandContext): { index: number; command: TextCommand } | undefined {
  const { commands } = screen
  const { first, height } = screen.extents.lesson
  const { taken } = screen.state()
  const last = taken === undefined ? undefined : commands[taken]
  const seen = last && last.row >= first && last.row < first + height
  const index = seen ? taken! + 1 : commands.findIndex(({ row }) => row >= first)
  const command = commands[index]
  return command && { index, command }
}

const NO_COMMAND = 'No more commands in the text from here on. Scroll up to begin again.'

function takeCommand(context: CommandContext): void {
  const { screen, session } = context
  const next = nextCommand(context)
  const obstacle = next ? noPrompt(context) : NO_COMMAND
  if (!next || obstacle) {
    screen.update({ notice: obstacle })
    return
  }
  session.type(next.command.text)
  showCommand(context, next.command)
  screen.update({
    taken: next.index,
    focus: 'shell',
    notice: 'The command of the text is at the prompt. Enter runs it.',
  })
}

function copyCommand(context: CommandContext): void {
  const { screen } = context
  const next = nextCommand(context)
  if (next) {
    context.tell(`\x1b]52;c;${Buffer.from(next.command.text).toString('base64')}\x07`)
    showCommand(context, next.command)
  }
  const copied = next && `Sent to the clipboard, if your terminal takes it: ${next.command.text}`
  screen.update({ notice: copied ?? NO_COMMAND, ...(next && { taken: next.index }) })
}

/** It may stand below what is shown. */
function showCommand({ screen }: CommandContext, { row }: TextCommand): void {
  const { first, height } = screen.extents.lesson
  if (row >= first + height) screen.scrollTo(row - Math.floor(height / 2))
}

function choose({ player, screen }: CommandContext, option: number): void {
  const { lesson, task, done } = player.state
  const prediction = partsOf(lesson.text).sections[task]?.prediction
  if (!prediction) screen.update({ notice: 'The text of this task asks for no prediction.' })
  else if (done[task]) screen.update({ notice: 'The task is done, and the text has the answer.' })
  else if (option < prediction.options.length) {
    player.predict(option)
    screen.update({ notice: `You predict ${option + 1}: ${prediction.options[option]}` })
  }
}

async function writeTranscript({ screen, saveTranscript }: CommandContext): Promise<void> {
  try {
    screen.update({ notice: `All that the shell has shown is in ${await saveTranscript()}` })
  } catch (error) {
    screen.update({ notice: `The transcript cannot be written: ${(error as Error).message}` })
  }
}

function openLessons({ player, screen, lessons }: CommandContext): void {
  const { lesson, task } = player.state
  const cursor = places(lessons, lesson).findIndex(place => place.lesson.name === lesson.name && place.task === task)
  screen.digits = ''
  screen.openPage('lessons', Math.max(0, cursor))
}

function goOn(context: CommandContext): void {
  const { player, screen, progress } = context
  const { lesson, task, done, obstacles } = player.state
  const after = lessonAfter(player, context.lessons)
  const last = task === lesson.tasks.length - 1
  const move = () => {
    if (!last) player.next()
    else if (after) void player.open(after, Math.max(0, progress(after).indexOf(false)))
  }
  if (last && !after) {
    const open = done.includes(false) ? 'Some tasks are still open: F7 shows them.' : 'F7 goes back to any of them.'
    screen.update({ notice: `This is the last task of the course. ${open}` })
  } else if (done[task] || obstacles.length > 0) move()
  else ask(context, 'This task is not done yet. Go on without it?', move)
}

function quit(context: CommandContext): void {
  const program = context.running()
  if (program) ask(context, `'${program}' is still running in the shell. Leave anyway?`, () => context.leave())
  else context.leave()
}
