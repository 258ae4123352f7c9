// The steps of a lesson's module as the text shows them, beside the commands that were typed.
import { formatCall } from '../toolkit/kernel/format.ts'
import type { Lesson } from './lesson.ts'
import { MAX_CODE_COLUMNS } from './parse.ts'

/** Each call, as strace(1) prints it, and below it the command for the same effect: a Markdown block of code. */
export function planText({ plan }: Pick<Lesson, 'plan'>, values: Readonly<Record<string, string>>): string {
  const rows = plan(values).flatMap(row => [
    ...folded('text' in row ? row.text : formatCall(row.call, row.args)),
    ...(row.shell ? folded(`  $ ${row.shell}`) : []),
  ])
  return ['```text', ...rows, '```'].join('\n')
}

/** In rows that fit beside the tasks, broken after a space or between flags; the later ones are indented. */
function folded(text: string): string[] {
  if (text.length <= MAX_CODE_COLUMNS) return [text]
  const gap = Math.max(text.lastIndexOf(' ', MAX_CODE_COLUMNS), text.lastIndexOf('|', MAX_CODE_COLUMNS - 1) + 1)
  const at = gap > MAX_CODE_COLUMNS / 2 ? gap : MAX_CODE_COLUMNS
  return [text.slice(0, at).trimEnd(), ...folded(`      ${text.slice(at).trimStart()}`)]
}
