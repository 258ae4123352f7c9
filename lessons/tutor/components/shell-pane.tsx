import { useCursor } from 'ink'
import { useTheme } from '../context.ts'
import { usePlayer } from '../hooks/use-player.ts'
import { useSession } from '../hooks/use-session.ts'
import { type Layout, type Rect, shellMargin } from '../layout.ts'
import type { ShellSession } from '../session.ts'
import { fit, wrap } from '../wrap.ts'
import { Pane } from './pane.tsx'
import { rule } from './rule.ts'

/** The learner's shell, live. */
export function ShellPane({ rect, kind, active }: { rect: Rect; kind: Layout['kind']; active: boolean }) {
  const theme = useTheme()
  const { phase, error, obstacles } = usePlayer()
  const { model, ended } = useSession()
  const { setCursorPosition } = useCursor()
  const margin = shellMargin(kind)
  const height = rect.height - 1
  const cursor = active && !ended ? model?.cursor() : undefined
  const visible = cursor && cursor.y < height
  setCursorPosition(visible ? { x: rect.x + margin + cursor.x, y: rect.y + 1 + cursor.y } : undefined)

  const back = model?.scrolledBack ?? 0
  const info = back > 0 ? `${back} rows back, any key returns` : active ? 'your keys go here' : 'F2 goes here'
  const head = rule('Shell', info, rect.width, active, theme)
  let rows = model?.rows().slice(0, height) ?? []
  if (!model) {
    const unable = obstacles.length > 0 && 'No shell: this lesson can only be read on this machine.'
    const text = unable || (error ? 'No lab, no shell.' : phase === 'starting' ? 'Starting the lab…' : '')
    rows = wrap(text, rect.width - margin).map(row => theme.muted(row))
  }
  if (ended) rows = [...rows.slice(0, height - 1), theme.question(fit(endedText(ended, active), rect.width - margin))]
  return <Pane rect={rect} rows={[head, ...rows.map(row => ' '.repeat(margin) + row)]} />
}

function endedText({ code }: NonNullable<ShellSession['ended']>, active: boolean): string {
  const status = code === undefined ? '' : ` (exit ${code})`
  return ` The shell has ended${status}. ${active ? 'Enter' : 'F2 and Enter'} starts a new one.`
}
