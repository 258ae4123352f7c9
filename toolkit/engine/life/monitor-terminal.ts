// The steps of a monitor whose container has a terminal. What the container writes comes out at the terminal's other end,
// pts(4). From there splice(2) moves it into live/ID/stdout, and all further on goes as with a pipe that a container
// writes to: at every moment a byte is in the terminal, in the pipe or in the file. Terminal and pipe outlive a monitor
// that is killed: terminal-holder.ts has both.
import { F, MSG, O, SPLICE_F } from '../../kernel/constants.ts'
import { descriptorMessage } from '../../kernel/pass-descriptor.ts'
import type { Jump, Step } from '../../kernel/step.ts'
import { call, FREE, jump, MASTER, PIDFD, PIPES, place, pollfd } from './monitor-steps.ts'

/** The monitor's end of the socket by which the engine sends it the terminal. */
export const SOCKET = 'terminal socket'
const AGAIN = 100_000_000 // nanoseconds

/** Takes its places: a container's stdout and stderr, or the terminal, of the engine's descriptor `master`. */
export const takeStreams = (terminal: boolean): Step[] =>
  terminal
    ? [place('stdout', PIPES.stdout), place('master', MASTER), neverWait()]
    : [place('stdout', PIPES.stdout), place('stderr', PIPES.stderr)]

export const neverWait = (): Step =>
  call('fcntl', [MASTER, F.SETFL, O.RDWR + O.NONBLOCK], 'an empty terminal is no reason to stand still')

/** The same for a terminal that was not there yet when the monitor was made: it has come meanwhile, see monitored.ts. */
export const receiveTerminal = (): Step[] => [
  place('stdout', PIPES.stdout),
  call(
    'recvmsg',
    [{ descriptor: SOCKET }, descriptorMessage(), MSG.DONTWAIT + MSG.CMSG_CLOEXEC],
    `the terminal's other end; ${MASTER} is the lowest free descriptor`,
  ),
  call('close', [{ descriptor: SOCKET }], 'nothing else will come'),
  neverWait(),
]

const splice = (label: string): Step =>
  call(
    'splice',
    [MASTER, null, PIPES.stdout, null, 1 << 16, SPLICE_F.NONBLOCK],
    'what the container has written to its terminal goes into the pipe',
    label,
  )

/**
 * What has come, into the pipe; then on to `then`, which stands behind this. Where no process has the terminal open (EIO)
 * ppoll would return at once, again and again; so this looks again in a while, or at the container's end.
 */
export function fill(then: string): (Step | Jump)[] {
  const time = Buffer.alloc(16) // struct timespec
  time.writeUInt32LE(AGAIN, 8)
  return [
    splice('fill'),
    jump(then, 'fill', -5), //    something, or EINTR
    jump('pause', 'fill', -11),
    jump(then, 'fill', -12), //   EAGAIN: nothing there
    call('ppoll', [pollfd('[pidfd]', PIDFD), 1, { bytes: time, text: '{100 ms}' }, null, 0], 'nobody writes', 'pause'),
  ]
}

/** Once the container has ended: `take` is what moves a pipe's content on; again and again until nothing comes. */
export const fillLast = (take: (then: string) => (Step | Jump)[]): (Step | Jump)[] => [
  splice('rest'),
  ...take('rest taken'),
  call('close_range', [FREE, FREE, 0], 'makes 6 the lowest free descriptor', 'rest taken'),
  jump('rest', 'rest', 0),
]
