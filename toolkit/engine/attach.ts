// Joins the user's terminal to a container's: keys in, output out, size along.
import process from 'node:process'
import { makeRaw, setSize } from '../kernel/tty.ts'
import { openStream, takeTerminal } from './terminal.ts'

const DRAIN = 2000 // milliseconds to wait for the last output of a container that has ended

/**
 * Takes the terminal of a process that waits at TERMINAL_GATE. Returns how to let go: waits until its output is
 * written, then gives the user's terminal back as it was.
 */
export function attachTerminal(pidfd: number, { interactive }: { interactive: boolean }): () => Promise<void> {
  const { stdin, stdout } = process
  const master = takeTerminal(pidfd)
  let ended = () => {}
  const end = new Promise<void>(resolve => {
    ended = resolve
  })
  const stream = openStream(master, ended)

  const resize = () => setSize(master, { columns: stdout.columns || 80, rows: stdout.rows || 24 })
  resize()
  stdout.on('resize', resize)
  stream.on('data', data => {
    if (!stdout.write(data)) {
      stream.pause()
      stdout.once('drain', () => stream.resume())
    }
  })
  const type = (data: Buffer) => void stream.write(data)
  const hangUp = () => {
    stream.destroy() // closes our end: the container's terminal hangs up, like the one its user sat at
    ended()
  }
  const restore = interactive ? makeRaw(stdin.fd) : () => {} // ^C is a key for the container, not a signal for us
  if (interactive) {
    stdin.on('data', type)
    stdin.on('end', hangUp)
    stdin.on('error', hangUp)
  }

  return async () => {
    const timeout = setTimeout(ended, DRAIN)
    await end
    clearTimeout(timeout)
    stdout.off('resize', resize)
    stream.destroy()
    restore()
    if (interactive) {
      stdin.off('data', type)
      stdin.off('end', hangUp)
      stdin.pause()
    }
  }
}
