// What separates two processes, as text.
import type { LessonName } from '../../kernel/step.ts'
import type { Difference } from '../../observe/differences.ts'
import type { Xray } from '../../observe/xray.ts'
import { colour, row } from './layout.ts'
import { printable } from './printable.ts'
import { nameOf } from './xray-text.ts'

const lessonNumber = (lesson: LessonName): number => Number(lesson.slice(0, 2))

/** What separates two processes: each difference in a sentence, then how it is with the one and with the other. */
export function formatDifferences(found: readonly Difference[], first: Xray, second: Xray): string {
  const names = [first, second].map(({ identity }) => `${identity.pid}  ${nameOf(identity)}`)
  const titles = Math.max(...[first, second].map(({ identity }) => String(identity.pid).length))
  const side = (of: Xray, text: string) => row(String(of.identity.pid), printable(text), { indent: 2, titles })
  const unread = [...new Set([...first.unread, ...second.unread])]
  const parts = [
    names.join('\n'),
    ...found.map(({ what, meaning, lesson, ...values }) =>
      [
        `${colour(1, what)}: ${meaning.replace(/\.$/, '')} (lesson ${lessonNumber(lesson)})`,
        side(first, values.first),
        side(second, values.second),
      ].join('\n'),
    ),
    found.length === 0 ? 'Nothing separates them.' : undefined,
    unread.length > 0 ? `Not ours to compare: ${unread.join(', ')}.` : undefined,
  ]
  return parts.filter(part => part !== undefined).join('\n\n')
}
