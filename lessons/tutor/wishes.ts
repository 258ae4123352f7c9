// What the instructor of a workshop wants of this seat. It is said, and waits for a key: what the learner is typing is
// never cut short, and y never answers a question that came up under their fingers.
import { type Lesson, numberOf } from '../lesson.ts'
import type { Wish } from '../workshop/protocol.ts'
import type { CommandContext } from './commands.ts'
import { openPlace } from './places.ts'
import type { ScreenState } from './screen.ts'

/** One line, until it is answered, with the key for it. */
export function wishText(wish: Wish, lessons: readonly Lesson[], { focus, zoom }: ScreenState): string {
  const key = focus === 'lesson' ? 'i' : zoom ? 'Ctrl-] i' : 'F12'
  const lesson = wish.kind === 'goto' ? lessons.find(({ name }) => name === wish.lesson) : undefined
  const what = lesson ? `everybody to lesson ${numberOf(lesson)}, ${lesson.title}` : 'start this lab anew'
  return `Your instructor (${key} answers): ${what}`
}

/** The learner has a moment for it. */
export function answerWish(context: CommandContext): void {
  const { line, lessons, screen, player } = context
  const wish = line?.state().wish
  if (!line || !wish) {
    screen.update({ notice: line ? 'Your instructor asks for nothing.' : 'This seat reports to no workshop.' })
    return
  }
  const lesson = wish.kind === 'goto' ? lessons.find(({ name }) => name === wish.lesson) : undefined
  const program = context.running()
  const busy = program ? `'${program}' still runs. ` : ''
  const text = lesson
    ? `${busy}Go to lesson ${numberOf(lesson)}? This lab is thrown away, progress stays.`
    : `${busy}Throw the lab away and start a new one? Progress stays.`
  const yes = () => {
    line.answer()
    if (lesson) openPlace({ lesson, task: undefined }, context)
    else void player.reset()
  }
  screen.update({ question: { text, yes, no: () => line.answer() } })
}

/** Says what comes over the line; returns how to stop that. */
export function followLine({ line, lessons, screen, player }: CommandContext): () => void {
  if (!line) return () => {}
  const { to } = line.state()
  if (!screen.state().notice) screen.update({ notice: `This seat reports to the workshop at ${to}. F1 says what.` })
  let said: number | undefined
  let refused = false
  const tell = () => {
    const { wish, status } = line.state()
    if (status === 'refused' && !refused)
      screen.update({ notice: "The workshop does not take this seat's reports: toolkit workshop status" })
    if (status === 'left') screen.update({ notice: 'This seat reports to no workshop any more.' })
    refused = status === 'refused'
    if (!wish || wish.id === said) return
    said = wish.id
    if (wish.kind === 'reset' && wish.now) {
      line.answer()
      if (player.state.phase !== 'starting') void player.reset()
      screen.update({ notice: 'Your instructor has had the lab thrown away for a new one. Progress stays.' })
    } else screen.update({ notice: wishText(wish, lessons, screen.state()) })
  }
  tell()
  return line.subscribe(tell)
}
