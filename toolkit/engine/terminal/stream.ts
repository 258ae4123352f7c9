// A terminal's other end as a stream of Node's, whose module for terminals costs milliseconds to load.
import tty from 'node:tty'

/** Reads and writes the terminal by epoll, no thread held. `onEnd` comes when no process has it open any more. */
export function openStream(fd: number, onEnd: () => void): tty.ReadStream {
  const stream = new tty.ReadStream(fd)
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EIO') throw error // EIO is how a pseudo-terminal says that its other side is closed
    onEnd()
  })
  stream.on('end', onEnd)
  return stream
}
