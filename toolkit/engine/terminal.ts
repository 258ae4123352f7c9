// The engine's end of a container's terminal. pts(4), ioctl_tty(2), pidfd_getfd(2).
import tty from 'node:tty'
import { invoke } from '../kernel/call.ts'
import { TERMINAL_FD } from '../primitives/terminal.ts'

/** Takes the terminal's other end from a process that waits at TERMINAL_GATE. */
export function takeTerminal(pidfd: number): number {
  return invoke('pidfd_getfd', [pidfd, TERMINAL_FD, 0])
}

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
