// The tutor: the player's state on a screen. Resolves when the learner leaves; the terminal is as before then, whatever
// happened.
import { PassThrough } from 'node:stream'
import { render } from 'ink'
import { obstacles } from '../host.ts'
import type { Lesson } from '../lesson.ts'
import type { Player } from '../player.ts'
import type { Line } from '../workshop/line.ts'
import type { CommandContext } from './commands.ts'
import type { Tutor } from './context.ts'
import { holdErrors } from './hold-errors.ts'
import { layout } from './layout.ts'
import { pressMouse } from './mouse.ts'
import { type Input, MOUSE_ON, OuterTerminal, type Output } from './outer.ts'
import { kernel, type Observe } from './panels/index.ts'
import { PanelWatch } from './panels/watch.ts'
import { pressKey } from './press.ts'
import { Root, ThemeStore } from './root.tsx'
import { InputRouter } from './router.ts'
import { Screen } from './screen.ts'
import { ShellSession } from './session.ts'
import { type ThemeName, themeOfBackground, themeOfEnvironment } from './theme.ts'
import { Transcript } from './transcript.ts'
import { followLine } from './wishes.ts'

export interface TutorOptions {
  /** The course's name, in the title row. */
  readonly course: string
  readonly lessons: readonly Lesson[]
  /** Which tasks of a lesson are done. */
  progress(lesson: Lesson): readonly boolean[]
  /** Said in the last row until a key is pressed. */
  readonly notice?: string | undefined
  /** The wheel and clicks from the beginning. */
  readonly mouse?: boolean
  /** Takes what the shells show. */
  readonly transcript?: Transcript
  /** Writes a transcript to a new file; its path. */
  saveTranscript?(text: string): string
  /** Why a lesson cannot be done here; none where it can. */
  readonly obstacles?: (lesson: Lesson) => Promise<readonly string[]>
  /** To the workshop that this seat reports to. */
  readonly line?: Line | undefined
  /** Reads the live panels. */
  readonly observe?: Observe
  readonly theme?: ThemeName
  readonly stdin?: Input
  readonly stdout?: Output
  /** After each frame, with the milliseconds that drawing took. */
  readonly onFrame?: (milliseconds: number) => void
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/** The size of the shell for a terminal of this size: what the player is to start the first shell with. */
export const shellSize = (columns: number, rows: number, tasks: number) => layout(columns, rows, tasks).terminal

/**
 * Opens the tutor. A signal ends it too, with `process.exitCode` set as a shell would; so does an error, whose stack is
 * printed once the screen is restored. The caller closes the player.
 */
export async function openTutor(player: Player, options: TutorOptions): Promise<void> {
  const { stdin = process.stdin, stdout = process.stdout } = options
  const outer = new OuterTerminal(stdin, stdout)
  const screen = new Screen()
  const { notice } = options
  if (notice) screen.update({ notice: notice.replace(/^[a-z]/, letter => letter.toUpperCase()) })
  const size = shellSize(stdout.columns ?? 80, stdout.rows ?? 24, player.state.lesson.tasks.length)
  const transcript = options.transcript ?? new Transcript()
  const session = new ShellSession(player, size, transcript)
  player.resize(size.columns, size.rows)
  const observe = options.observe ?? kernel
  const panels = new PanelWatch({ player, session }, observe)
  const chosen = options.theme ?? themeOfEnvironment(process.env)
  const theme = new ThemeStore(chosen ?? 'neutral')

  let leave = () => {}
  const context: CommandContext = {
    player,
    screen,
    session,
    panels,
    lessons: options.lessons,
    line: options.line,
    progress: options.progress,
    running() {
      const program = session.pid && player.lab ? observe.program(session.pid) : undefined
      return program && program.pid !== session.pid ? program.comm : undefined
    },
    leave: () => leave(),
    tell: sequence => outer.write(sequence),
    async saveTranscript() {
      if (!options.saveTranscript) throw new Error('there is no place for it')
      return options.saveTranscript(await transcript.text())
    },
  }
  const router = new InputRouter({
    shellHasKeys: () => screen.shellHasKeys,
    shellHasFunctionKeys: () => screen.shellHasKeys && screen.state().zoom,
    shellWantsPasteMarks: () => session.model?.bracketedPaste ?? false,
    shell(data) {
      options.line?.active()
      screen.update({ notice: undefined })
      session.write(data)
    },
    key(name) {
      options.line?.active()
      pressKey(name, context)
    },
    mouse: event => pressMouse(event, context),
    colours(answer) {
      const found = chosen ? undefined : themeOfBackground(answer)
      if (found) theme.set(found)
    },
  })

  const held = holdErrors()
  const stopFollowing = follow(player, screen, session)
  session.follow()
  outer.open(router.feed, chosen === undefined)
  if (options.mouse) {
    outer.write(MOUSE_ON)
    screen.update({ mouse: true })
  }
  const stopTelling = followLine(context)
  const { course, lessons, progress, line } = options
  const why = options.obstacles ?? obstacles
  const tutor: Tutor = { course, lessons, progress, obstacles: why, line, panels, player, screen, session }
  const app = render(<Root tutor={tutor} theme={theme} />, {
    // ink never sees the keyboard: the router has it
    stdin: Object.assign(new PassThrough(), { isTTY: false }) as unknown as NodeJS.ReadStream,
    stdout: stdout as NodeJS.WriteStream,
    alternateScreen: true,
    incrementalRendering: true,
    interactive: true,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: 120, // the shell is held to 30 frames a second already; two clocks of 30 would make 15
    onRender({ renderTime }) {
      session.model?.drew(renderTime)
      options.onFrame?.(renderTime)
    },
  })
  leave = () => app.unmount()

  let crash: unknown
  const fail = (error: unknown) => {
    crash ??= error
    app.unmount()
  }
  const onSignal = (signal: keyof typeof SIGNALS) => {
    process.exitCode = 128 + SIGNALS[signal]
    app.unmount()
  }
  const signals = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]
  for (const signal of signals) process.on(signal, onSignal)
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  stdin.once('end', leave)
  const stopRedraws = onRedraw(screen, () => app.clear())
  try {
    await app.waitUntilExit()
  } catch (error) {
    crash ??= error
  } finally {
    stopRedraws()
    stopFollowing()
    stopTelling()
    router.stop()
    session.dispose()
    stdin.off('end', leave)
    outer.close()
    held.release()
    for (const signal of signals) process.off(signal, onSignal)
    process.off('uncaughtException', fail)
    process.off('unhandledRejection', fail)
  }
  if (crash !== undefined) {
    process.exitCode = 1
    process.stderr.write(`toolkit: the tutor failed, which is our mistake:\n${(crash as Error)?.stack ?? crash}\n`)
  }
}

/** Takes up what the player does: another shell, and new text, which is to come into view. */
function follow(player: Player, screen: Screen, session: ShellSession): () => void {
  const newsOf = () => {
    const { task, done, hints } = player.state
    return `${done[task]} ${hints}`
  }
  const placeOf = () => `${player.state.lesson.name} ${player.state.task}`
  let [place, news] = [placeOf(), newsOf()]
  return player.subscribe(() => {
    session.follow()
    const [placeNow, newsNow] = [placeOf(), newsOf()]
    if (placeNow !== place) screen.update({ scroll: undefined, search: undefined, taken: undefined })
    // what is typed for a search would become commands
    else if (newsNow !== news && !screen.state().search?.typing) screen.update({ scroll: undefined, search: undefined })
    place = placeNow
    news = newsNow
  })
}

function onRedraw(screen: Screen, redraw: () => void): () => void {
  let seen = screen.state().redraws
  return screen.subscribe(() => {
    if (screen.state().redraws === seen) return
    seen = screen.state().redraws
    redraw()
  })
}
