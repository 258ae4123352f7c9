import { Box, Text } from 'ink'
import { memo } from 'react'
import type { Rect } from '../layout.ts'

const Row = memo(function Row({ text }: { text: string }) {
  return <Text wrap="truncate">{text === '' ? ' ' : text}</Text>
})

/** Rows of styled text at a place of the screen; a row to each line, and no more than fit. */
export function Pane({ rect, rows }: { rect: Rect; rows: readonly string[] }) {
  return (
    <Box
      position="absolute"
      left={rect.x}
      top={rect.y}
      width={rect.width}
      height={rect.height}
      flexDirection="column"
      overflow="hidden"
    >
      {rows.slice(0, rect.height).map((text, index) => (
        <Row key={index} text={text} />
      ))}
    </Box>
  )
}
