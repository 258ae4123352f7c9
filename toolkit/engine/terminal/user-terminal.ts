// The terminal that a user sits at, while its keys are another program's: raw, and given back as it was on every way out.
import process from 'node:process'
import { attempt } from '../../kernel/call.ts'
import { foregroundOf, makeRaw, type Size, setSize, sizeOf } from '../../kernel/tty.ts'

/** Whether a shell has started us with &, or timeout(1) has: then the terminal is another's. */
function isInBackground(fd: number): boolean {
  const foreground = foregroundOf(fd) ?? 0 // it may be of another pid namespace: then nobody knows
  return foreground !== 0 && foreground !== attempt('getpgid', [0])
}

/**
 * Makes stdin raw, and hands its keys on, until the function that is returned is called, or this process exits. `hangUp`:
 * there will be no more of them. In the background it stops, as at the kernel's own word, until it is in the foreground.
 * Not by that word: the kernel makes the call again after each signal that we catch, and stops us again, so that no SIGTERM
 * was ever heard.
 */
export function borrowTerminal(type: (keys: Buffer) => void, hangUp: () => void): () => void {
  const fd = 0
  let restore: (() => void) | undefined
  const take = () => {
    if (isInBackground(fd)) return
    const undo = makeRaw(fd) // after a stop, too: the shell has made it as it likes it
    if (restore) return
    restore = undo
    process.stdin.on('data', type).on('end', hangUp).on('error', hangUp)
  }
  const giveBack = () => {
    process.off('SIGCONT', take)
    process.off('exit', giveBack)
    if (!restore) return
    if (!isInBackground(fd)) restore()
    process.stdin.off('data', type).off('end', hangUp).pause()
  }
  process.on('SIGCONT', take)
  process.on('exit', giveBack)
  take()
  if (!restore) {
    process.kill(0, 'SIGTTOU') // comes back when somebody lets us go on
    take()
  }
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
