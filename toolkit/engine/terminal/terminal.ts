// The engine's end of a container's terminal. pts(4), pidfd_getfd(2). Its stream: terminal-stream.ts.
import { invoke } from '../../kernel/call.ts'
import { TERMINAL_FD } from '../../primitives/terminal.ts'

/** Takes the terminal's other end from a process that waits at TERMINAL_GATE. */
export function takeTerminal(pidfd: number): number {
  return invoke('pidfd_getfd', [pidfd, TERMINAL_FD, 0])
}
