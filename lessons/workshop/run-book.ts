// What an instructor needs on paper: `toolkit workshop`.
import { type Host, type Lesson, numberOf } from '../lesson.ts'
import { TASK, timetable, WORDS } from './timetable.ts'

/** Markdown that reads well as plain text. `hours`: of work a day, breaks not counted. */
export function runBook(lessons: readonly Lesson[], host: Host, hours: number): string {
  const tasks = lessons.reduce((sum, lesson) => sum + lesson.tasks.length, 0)
  const special = lessons.filter(({ needs = [] }) => needs.length > 0)
  const needs = special.map(lesson => `    lesson ${numberOf(lesson)}: ${lesson.needs!.join(', ')}`)
  const [first, last] = [numberOf(lessons[0]!), numberOf(lessons.at(-1)!)]
  return `# Run-book of a workshop

${lessons.length} lessons, ${tasks} tasks. Learners read, predict, try, and are checked by the kernel; nobody is talked to for hours.
You walk about, watch one page, and call the room together a few times.

## A week before

1. Every seat is a Linux machine or a virtual one where the learner may be root, x86-64 or arm64. Nothing a lab does
   touches the machine that it runs on.
2. Install toolkit on one seat as its README says, then look what that machine lacks, and what to type about it:

       toolkit doctor

   Most lessons need what every Linux has. These need more, and say why where it is missing; they can be read all the same:

${needs.join('\n')}

   A name in such a list is a line of \`toolkit doctor\`.
3. Try one lesson there as a learner would: \`toolkit learn 1\`. Where the room has no Internet, do the installation for
   all seats before; afterwards nothing is fetched.
4. A terminal has 120 columns and 36 rows or more, better than a small font: the text, the panel and the shell stand
   beside each other.

## In the room, before the learners come

1. All seats can reach your machine over the room's network. Guest networks often forbid that: try it.
2. On your machine, as an ordinary user:

       toolkit workshop serve                       # or --listen ADDRESS:PORT

   Seats only call it, so they may be virtual machines behind NAT. It may not, unless its host forwards the port: then
   say \`--as\` with the host's address, which is what seats are told.
   It prints a line to join, with the room's code, and the link to your page. The page is yours: it commands the
   seats. The line is for the wall. The page shows it large, too: "How to join".
3. On each seat, once. It is the learner's choice, and the course is the same without:

       toolkit workshop join http://ADDRESS:PORT/CODE --name Anna
       sudo toolkit learn

   A name is any word, or none: then the seat has only a number. On a seat without sudo, say both as root.
4. Look at the page: every seat stands there, in lesson ${first}.

What a seat tells: lesson, task, tasks done, hints shown, seconds since the last key, and the name. No command, no
screen, no address or user of the machine is kept, and nothing is sent anywhere but to your machine. The room's network can
read along: it is plain HTTP. Seats that are cut off go on; all they did is there when they come back.

## Time table

Minutes are an estimate, counted from the lessons: ${WORDS} words read a minute, ${TASK} minutes for each task, half a
minute for each prediction and each line to type. Learners differ much: plan with what your page shows. Breaks come on top.

${timetable(lessons, host, hours)
  .map(line => `    ${line}`.trimEnd())
  .join('\n')}

## In what order

1. Ten minutes together: what a container is not (lesson ${first}), the keys: F2 between text and shell, F3 a hint, F9 on, F1 all.
2. Then everybody at their own pace. Leave the first quarter of an hour alone.
3. When a third of the room is through a lesson, ask the others: what did you predict, and what came? Two minutes.
4. To begin a new part together:

       toolkit workshop goto 6                      # or on the page: "Everybody to …"

   Seats are asked, not moved: what somebody is typing stays. They press F12 (in the text, i) and say
   yes. Who comes late is asked, too. \`toolkit workshop goto --cancel\` takes it back.
5. Stop at the end of a lesson, never in the middle. Its recap is read when the course is left, too.

Who is ahead: lesson ${last} ends in an engine of one's own; every lesson has its module (m), to be read and changed.
Who is behind: a lesson can be begun anywhere. What earlier tasks leave is made for whoever jumps (F7).

## When something is stuck

- The page says "stuck" after ten minutes on one task (you choose how many), with the hints taken. No hint: say "F3".
  All hints: sit down there. F6 puts the solution at the prompt, and does not run it.
- The check says "Not yet" and the learner is sure: read aloud what the check sees. It looks at the kernel alone.
- The shell hangs, or the lab is broken: F8 makes a new lab in a second, and progress stays. You can ask for it or do
  it: \`toolkit workshop reset 7\`, with \`--now\` without asking; or "Reset…" on the page.
- The screen is torn: Ctrl-L in the text. The keys seem dead: Ctrl-] gives them to the text. No function keys: Ctrl-] and
  the letters of F1.
- The tutor was closed, or the machine started anew: \`toolkit learn\` goes on where it was. The seat is the same.
- A lesson "cannot be done here": it says what is missing; \`toolkit doctor\` says what to type.
- A seat is missing on the page: \`toolkit workshop status\` there. "It cannot be reached": network or firewall. "Not the
  room's code": join again with the line from the wall.
- The page is old, or the server was stopped: \`toolkit workshop serve\` again goes on with the same code and seats.

## Afterwards

    toolkit workshop progress --csv > progress.csv   # or --json; or on the page
    toolkit workshop leave                           # on each seat; then nothing is reported any more

Ctrl-C ends the server. All it knows is in one file, whose place \`serve\` has said; delete it, and nothing is left.
`
}
