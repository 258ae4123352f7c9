import { useMemo } from 'react'
import type { LineState } from '../../workshop/line.ts'
import { useTheme } from '../context.ts'
import { useLine } from '../hooks/use-line.ts'
import { bindings, showKeys } from '../keys.ts'
import type { Rect } from '../layout.ts'
import type { Theme } from '../theme.ts'
import { wrap, wrapLine } from '../wrap.ts'
import { TextPage } from './text-page.tsx'

/** Every key, from the table. */
export function HelpPage({ rect }: { rect: Rect }) {
  const theme = useTheme()
  const line = useLine()
  const rows = useMemo(
    () => helpRows(Math.min(90, rect.width - 2), theme, line).map(row => ` ${row}`),
    [rect.width, theme, line],
  )
  return <TextPage rect={rect} title="Help" rows={rows} />
}

const ANYWHERE = 16
const READING = 17

/** One row a binding; those without a help of their own stand in the row before. */
function keyRows(columns: number, theme: Theme): string[] {
  const lines: { anywhere: string[]; reading: string[]; help: string }[] = []
  for (const { anywhere, reading, searching, help } of bindings) {
    if (help !== '') lines.push({ anywhere: [], reading: [], help })
    lines.at(-1)!.anywhere.push(...anywhere)
    lines.at(-1)!.reading.push(...reading, ...searching)
  }
  return lines.flatMap(({ anywhere, reading, help }) => {
    const keys = showKeys(anywhere).padEnd(ANYWHERE) + showKeys(reading).padEnd(READING)
    return wrapLine(`${theme.key(keys)}${help}`, columns, ' '.repeat(ANYWHERE + READING))
  })
}

function helpRows(columns: number, theme: Theme, line: LineState | undefined): string[] {
  const reports = line && [
    '',
    `This seat reports to the workshop at ${line.to}${line.name === '' ? '' : `, as ${line.name}`}: lesson and task, tasks done, hints shown, how long ago you pressed a key. Nothing that you type or see. ‘toolkit workshop leave’, in another terminal, ends that.`,
  ]
  const about = [
    ...(reports ?? []),
    '',
    'Without function keys: Ctrl-] goes from the shell to the lesson, where a key of the second column does the rest; Enter goes back to the shell.',
    '',
    'You type real commands in a real shell. It runs in a lab, a machine of its own inside yours: nothing you do there changes your computer.',
    '',
    'Commands of the text begin in the first column, so that your terminal can copy them; F4 takes away what is beside them. y puts the next one at the prompt: the first that is on the screen, then the one after it.',
    '',
    'The live panel above the shell shows what the kernel says; what changes stands out for four seconds, with a * before it. v goes to the next panel of the lesson, V shows all of it on a page; from the shell, Ctrl-] v. There are namespaces, processes, mounts, cgroups, layers and network: a lesson has those that it is about.',
    '',
    'It follows the program that runs in your shell, and compares it with the host, which is the lab: = the same, ≠ its own.',
    '',
    'While the shell is zoomed the function keys go to it. Ctrl-] always brings the keys back to the lesson.',
    '',
    'Colours: TOOLKIT_THEME=dark, light, sixteen or plain; NO_COLOR=1 for none. The same course without a screen: toolkit lessons --help',
  ]
  const head = theme.muted(`${'anywhere'.padEnd(ANYWHERE)}${'in the lesson'.padEnd(READING)}`)
  return [head, ...keyRows(columns, theme), ...about.flatMap(text => wrap(text, columns))]
}
