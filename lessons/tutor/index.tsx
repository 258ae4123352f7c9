// The tutor: the player's state on a screen. Resolves when the learner leaves; the terminal is as before then, whatever
// happened.
import { PassThrough } from 'node:stream'
import { render } from 'ink'
import { useSyncExternalStore } from 'react'
import type { Lesson } from '../lesson.ts'
import type { Player } from '../player.ts'
import { App } from './app.tsx'
import { type CommandContext, pressKey } from './commands.ts'
import { ThemeContext, type Tutor, TutorContext } from './context.ts'
import { layout } from './layout.ts'
import { type Input, OuterTerminal, type Output } from './outer.ts'
import { type Observe, readPanel } from './panels/panel.ts'
import { InputRouter } from './router.ts'
import { Screen } from './screen.ts'
import { ShellSession } from './session.ts'
import { type ThemeName, themeOfBackground, themeOfEnvironment, themes } from './theme.ts'

export interface TutorOptions {
  /** The course's name, in the title row. */
  readonly course: string
  readonly lessons: readonly Lesson[]
  /** Which tasks of a lesson are done. */
  progress(lesson: Lesson): readonly boolean[]
  /** Said in the last row until a key is pressed. */
  readonly notice?: string | undefined
  /** Reads the live panel. */
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
  const session = new ShellSession(player, size)
  player.resize(size.columns, size.rows)
  const observe = options.observe ?? readPanel
  const chosen = options.theme ?? themeOfEnvironment(process.env)
  const theme = store(chosen ?? 'neutral')

  let leave = () => {}
  const context: CommandContext = {
    player,
    screen,
    session,
    lessons: options.lessons,
    progress: options.progress,
    running() {
      const panel = session.pid && player.lab ? observe(session.pid, player.lab.pid) : undefined
      return panel && !panel.atPrompt ? panel.program : undefined
    },
    leave: () => leave(),
  }
  const router = new InputRouter({
    shellHasKeys: () => screen.shellHasKeys,
    shellHasFunctionKeys: () => screen.shellHasKeys && screen.state().zoom,
    shellWantsPasteMarks: () => session.model?.bracketedPaste ?? false,
    shell(data) {
      screen.update({ notice: undefined })
      session.write(data)
    },
    key: name => pressKey(name, context),
    colours(answer) {
      const found = chosen ? undefined : themeOfBackground(answer)
      if (found) theme.set(found)
    },
  })

  const held = holdErrors()
  const stopFollowing = follow(player, screen, session)
  session.follow()
  outer.open(router.feed, chosen === undefined)
  const { course, lessons, progress } = options
  const tutor: Tutor = { course, lessons, progress, observe, player, screen, session }
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

type ThemeStore = ReturnType<typeof store>

function store(name: ThemeName) {
  let current = name
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    set(next: ThemeName) {
      current = next
      for (const listener of listeners) listener()
    },
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function Root({ tutor, theme }: { tutor: Tutor; theme: ThemeStore }) {
  const name = useSyncExternalStore(theme.subscribe, theme.get)
  return (
    <ThemeContext value={themes[name]}>
      <TutorContext value={tutor}>
        <App />
      </TutorContext>
    </ThemeContext>
  )
}

/** Takes up what the player does: another shell, and new text, which is to come into view. */
function follow(player: Player, screen: Screen, session: ShellSession): () => void {
  const newsOf = () => {
    const { lesson, task, done, hints } = player.state
    return `${lesson.name} ${task} ${done[task]} ${hints}`
  }
  let news = newsOf()
  return player.subscribe(() => {
    session.follow()
    const now = newsOf()
    if (now !== news) screen.update({ scroll: undefined })
    news = now
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

/** Warnings of node and others would be written across the screen: they wait until it is restored. */
function holdErrors(): { release(): void } {
  if (!process.stderr.isTTY) return { release() {} }
  const { write } = process.stderr
  const held: (string | Uint8Array)[] = []
  process.stderr.write = ((chunk: string | Uint8Array) => held.push(chunk) > 0) as typeof write
  return {
    release() {
      process.stderr.write = write
      for (const chunk of held) process.stderr.write(chunk)
    },
  }
}
