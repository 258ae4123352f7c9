// Who gets a key that is not for the shell: a question, a search that is being typed, an open page, or the table of keys.
import { numberOf } from '../lesson.ts'
import { type CommandContext, run } from './commands.ts'
import { commandOf } from './keys.ts'
import { openPlace, places } from './places.ts'

export function pressKey(key: string, context: CommandContext): void {
  const { screen } = context
  const { question, page, search, tooSmall, focus } = screen.state()
  screen.update({ notice: undefined })
  if (tooSmall) {
    if (key === 'q' || key === 'f10' || key === 'ctrl-c') context.leave()
  } else if (question) {
    if (key === 'y' || key === 'Y') {
      screen.update({ question: undefined })
      question.yes()
    } else if (key === 'n' || key === 'N' || key === 'escape' || key === 'ctrl-c') {
      screen.update({ question: undefined })
      question.no?.()
    }
  } else if (search?.typing) pressInSearch(key, context)
  else if (page && pressOnPage(key, context)) {
    // the page took it
  } else if (key === 'ctrl-c') {
    screen.update({ notice: 'Ctrl-C belongs to the shell. To leave the course press q or F10.' })
  } else if (key === 'paste') {
    screen.update({ notice: 'The lesson has the keys, nothing was pasted. F2 goes to the shell.' })
  } else {
    const command = commandOf(key, page ? 'lesson' : focus, screen.searching)
    if (command) run(command, context, key)
  }
}

/** What is searched is found while it is typed. */
function pressInSearch(key: string, { screen }: CommandContext): void {
  const { text } = screen.state().search!
  if (key === 'enter' && text !== '') screen.find({ typing: false })
  else if (key === 'enter' || key === 'escape' || key === 'ctrl-c') screen.endSearch()
  else if (key === 'backspace' && text === '') screen.endSearch()
  else if (key === 'backspace') screen.find({ text: [...text].slice(0, -1).join('') })
  else if ([...key].length === 1) screen.find({ text: text + key })
}

const MOVES: Record<string, number> = { up: -1, k: -1, down: 1, j: 1, pageup: -10, pagedown: 10, ' ': 10 }
const TEXT_PAGE = new Set(['search', 'nextMatch', 'previousMatch', 'endSearch', 'redraw', 'mouse', 'nextPanel'])
const SCROLLS = new Set(['up', 'down', 'pageUp', 'pageDown', 'top', 'end'])

/** Keys of an open page; true where the page has taken the key. */
function pressOnPage(key: string, context: CommandContext): boolean {
  const { screen } = context
  const { page } = screen.state()
  const command = commandOf(key, 'lesson', screen.searching)
  if (page === 'lessons') {
    if (pressInList(key, context)) return true
  } else if (command && (TEXT_PAGE.has(command) || SCROLLS.has(command))) {
    run(command, context, key)
    return true
  }
  if (['escape', 'q', 'enter', 'f2', 'tab', 'ctrl-]'].includes(key) || command === page) {
    screen.closePage()
    return true
  }
  // everything else closes the page and does what it does everywhere
  if (command) screen.closePage()
  return false
}

function pressInList(key: string, context: CommandContext): boolean {
  const { screen, player, lessons } = context
  const { cursor } = screen.state()
  const list = places(lessons, player.state.lesson)
  const go = (row: number) => screen.update({ cursor: Math.max(0, Math.min(list.length - 1, row)) })
  const digits = screen.digits
  screen.digits = ''
  if (key in MOVES) go(cursor + MOVES[key]!)
  else if (key === 'g' || key === 'home') go(0)
  else if (key === 'G' || key === 'end') go(list.length)
  else if (/^\d$/.test(key)) {
    // `1` goes to lesson 1, and `1` `2` on to lesson 12
    const numbered = (number: string) => lessons.find(lesson => numberOf(lesson) === Number(number))
    screen.digits = numbered(digits + key) ? digits + key : key
    const lesson = numbered(screen.digits)
    if (lesson) go(list.findIndex(place => place.lesson === lesson))
  } else if (key === 'enter') {
    screen.closePage()
    openPlace(list[cursor]!, context)
  } else return key === '/' || key === 'm' // nothing of these is to be seen here
  return true
}
