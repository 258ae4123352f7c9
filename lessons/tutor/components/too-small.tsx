import { Box } from 'ink'
import { useTheme } from '../context.ts'
import { MIN_COLUMNS, MIN_ROWS } from '../layout.ts'
import { fit, wrap } from '../wrap.ts'
import { Pane } from './pane.tsx'

/** Shown instead of everything where the lesson and the shell do not fit. */
export function TooSmall({ columns, rows }: { columns: number; rows: number }) {
  const theme = useTheme()
  const text = [
    theme.strong('Terminal too small'),
    `It has ${columns}×${rows}, the course needs ${MIN_COLUMNS}×${MIN_ROWS}.`,
    'Make the window larger and the course goes on.',
    `${theme.key('q')} leaves.`,
  ].flatMap(line => wrap(line, Math.max(1, columns)))
  // to the last cell, so that nothing of the screen before remains
  const filled = Array.from({ length: rows }, (_, index) => fit(text[index] ?? '', columns))
  return (
    <Box width={columns} height={rows}>
      <Pane rect={{ x: 0, y: 0, width: columns, height: rows }} rows={filled} />
    </Box>
  )
}
