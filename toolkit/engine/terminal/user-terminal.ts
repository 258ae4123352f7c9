// The terminal that a user sits at, while its keys are another program's: raw, and given back as it was on every way out.
import process from 'node:process'
import { makeRaw, type Size, setSize, sizeOf } from '../../kernel/tty.ts'

/** Makes stdin raw until the function that is returned is called, or this process exits. */
export function borrowTerminal(): () => void {
  const { fd } = process.stdin
  const restore = makeRaw(fd)
  const again = () => void makeRaw(fd) // a shell that has stopped us and goes on with us has made it as it likes it
  const giveBack = () => {
    process.off('SIGCONT', again)
    process.off('exit', giveBack)
    restore()
  }
  process.on('SIGCONT', again)
  process.on('exit', giveBack)
  return giveBack
}

/** How large the user's screen is; `toolkit … >file` has a size all the same. Undefined without a terminal. */
const screenSize = (): Size | undefined => sizeOf(1) ?? sizeOf(2) ?? sizeOf(0)

/**
 * Gives a container's terminal the size of the user's, now and when that changes. `redraw`: its programs are to draw anew
 * though the size is the one that they know, because this screen is empty. Returns how to stop.
 */
export function keepSize(master: number, { redraw }: { redraw: boolean }): () => void {
  const resize = () => {
    const size = screenSize()
    if (size && size.columns > 0 && size.rows > 0) setSize(master, size)
  }
  const drawAnew = () => {
    const size = screenSize()
    const now = sizeOf(master)
    // The kernel tells programs of a size only when it is another than before.
    if (size && size.rows > 1 && size.rows === now?.rows && size.columns === now.columns)
      setSize(master, { columns: size.columns, rows: size.rows - 1 })
    resize()
  }
  if (redraw) drawAnew()
  else resize()
  process.on('SIGWINCH', resize).on('SIGCONT', drawAnew) // a shell that goes on with us has written to the screen
  return () => process.off('SIGWINCH', resize).off('SIGCONT', drawAnew)
}
