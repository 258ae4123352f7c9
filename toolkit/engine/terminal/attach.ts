// Joins the user's terminal to a container's: keys in, output out, size along.
import process from 'node:process'
import { setSize } from '../../kernel/tty.ts'
import { DetachKeys } from './detach-keys.ts'
import { openStream } from './stream.ts'
import { takeTerminal } from './terminal.ts'
import { borrowTerminal } from './user-terminal.ts'

const DRAIN = 2000 // milliseconds without output after which the last of a container that has ended is not waited for

/** The terminal of a container, shown on the user's. */
export interface Attachment {
  /** From now on keys go to the container: there is a program that reads them. */
  open(): void
  /** Waits until the last output is written, then gives the user's terminal back as it was. */
  close(): Promise<void>
  /** Resolves when the user has typed the keys to detach. */
  readonly detached: Promise<'by keys'>
  /** Gives the user's terminal back at once. `keep` gets the container's, which is closed here. */
  leave(keep: (master: number) => void): void
}

export interface AttachWish {
  /** Keys go to the container. */
  readonly interactive: boolean
  /** Those by which the user leaves. */
  readonly keys?: Uint8Array | undefined
}

/** Takes the terminal of a process that waits at TERMINAL_GATE, and shows what is written to it. */
export function attachTerminal(pidfd: number, { interactive, keys }: AttachWish): Attachment {
  const { stdout } = process
  const master = takeTerminal(pidfd)
  let ended = () => {}
  const end = new Promise<void>(resolve => {
    ended = resolve
  })
  const stream = openStream(master, ended)
  const hangUp = () => {
    stream.destroy() // closes our end: the container's terminal hangs up, like the one its user sat at
    ended()
  }

  const shown = stdout.isTTY ? stdout : process.stderr // `toolkit run -it … >file` has a size all the same
  const resize = () => setSize(master, { columns: shown.columns || 80, rows: shown.rows || 24 })
  resize()
  shown.on('resize', resize)
  stdout.on('error', hangUp) // `toolkit run -t … | head` has seen enough, or the user's terminal is gone
  let written = 0
  stream.on('data', data => {
    written += data.length
    if (!stdout.write(data)) {
      stream.pause()
      stdout.once('drain', () => stream.resume())
    }
  })
  let detach = () => {}
  const detached = new Promise<'by keys'>(resolve => {
    detach = () => resolve('by keys')
  })
  const filter = keys && new DetachKeys(keys)
  const type = (data: Buffer) => {
    const { pass, complete } = filter?.take(data) ?? { pass: data, complete: false }
    if (pass.length > 0) stream.write(pass)
    if (complete) detach()
  }
  let restore = () => {}
  const part = () => {
    shown.off('resize', resize)
    stream.destroy()
    restore()
  }

  return {
    open() {
      if (interactive) restore = borrowTerminal(type, hangUp) // ^C is a key for the container, not a signal for us
    },
    async close() {
      let before = written
      const timeout = setInterval(() => {
        if (written === before && !stream.isPaused()) ended()
        before = written
      }, DRAIN)
      await end
      clearInterval(timeout)
      part()
    },
    detached,
    leave(keep) {
      keep(master)
      part()
    },
  }
}
