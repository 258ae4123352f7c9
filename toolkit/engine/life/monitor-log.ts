// The steps by which a monitor keeps what its container writes: from the pipes to the log, a record of each piece to the
// index, and a new part where one is full. What lies where: monitor.ts.
import { CLOCK, O, SPLICE_F } from '../../kernel/constants.ts'
import { all, pieces } from '../../kernel/iovec.ts'
import type { Jump, Step } from '../../kernel/step.ts'
import { call, DIRECTORY, FREE, go, INDEX, jump, LOG, MIB, NULL, number, PACE, PIPES } from './monitor-steps.ts'
import { fill } from './monitor-terminal.ts'

/** Bytes of a record of the index. */
export const INDEX_RECORD = 32
/** In a record of the index: which stream; LOST is added where a full disk did not take the bytes. */
export const STREAM = { stdout: 1, stderr: 2 } as const
export const LOST = 0x100

/** The label of the first step for a stream, in each round or in the last. */
export const taking = (stream: keyof typeof STREAM, round: 'each' | 'last') => `${round} ${stream}`

/** The steps for one stream: what is in the pipe goes to the log, then a record to the index. `then`: where to go on. */
export function take(stream: keyof typeof STREAM, round: 'each' | 'last', then: string): (Step | Jump)[] {
  const moved = taking(stream, round)
  const [stamp, dropped, noted] = ['stamp', 'dropped', 'noted'].map(word => `${word}, ${moved}`) as [
    string,
    string,
    string,
  ]
  const time = Buffer.alloc(16)
  const from = PIPES[stream]
  const record = (of: string, kind: number) => pieces(`{time, ${of}, ${stream}}`, all(time), { of }, all(number(kind)))
  const splice = (to: { descriptor: string }, why: string, label: string) =>
    call('splice', [from, null, to, null, MIB, SPLICE_F.MOVE + SPLICE_F.NONBLOCK], why, label)
  return [
    splice(LOG, `what the container has written to ${stream} goes to the log, without a stop on the way`, moved),
    jump(stamp, moved, 0),
    jump(then, moved, -1), //     0: nothing there
    jump(then, moved, -5), //     EINTR
    jump(dropped, moved, -11), // EIO and the like: the log cannot be written
    jump(then, moved, -12), //    EAGAIN: nothing there
    jump(dropped, moved, -27), // EINVAL and the like: this file system knows no splice
    jump('rotate', moved, -28), // EFBIG: it is as long as it may become
    splice(NULL, 'a disk that is full must not stop the container', dropped),
    call('clock_gettime', [CLOCK.REALTIME, time], 'when that was'),
    call('writev', [INDEX, record(dropped, STREAM[stream] + LOST), 3], 'how much is missing'),
    go(then),
    { ...call('clock_gettime', [CLOCK.REALTIME, time], 'when it came'), label: stamp },
    call('writev', [INDEX, record(moved, STREAM[stream]), 3], 'how much it was, and from where', noted),
    jump(then, noted, 0),
    go('rotate'),
  ]
}

/** The log is full: it becomes the older part, and a new one begins. */
export function rotate(): (Step | Jump)[] {
  const why = 'two parts of a log are kept, and no more'
  const renew = (name: string, to: { descriptor: string }): (Step | Jump)[] => [
    call('renameat2', [DIRECTORY, name, DIRECTORY, `${name}.1`, 0], why),
    call('close_range', [FREE, FREE, 0], 'makes 6 the lowest free descriptor, so that openat returns it'),
    call('openat', [DIRECTORY, name, O.CREAT + O.TRUNC + O.WRONLY + O.CLOEXEC, 0o600], why, `new ${name}`),
    jump(`${name} is new`, `new ${name}`, -1),
    call('lseek', [to, 0, 0], 'no file can be made: what is there is written over'),
    call('ftruncate', [to, 0], 'from its start'),
    go(`${name} is done`),
    { ...call('dup3', [FREE, to, O.CLOEXEC], 'takes the place of the full one'), label: `${name} is new` },
    { ...call('close_range', [FREE, FREE, 0], 'it has its number now'), label: `${name} is done` },
  ]
  return [
    call(
      'read',
      [PACE, { bytes: new Uint8Array(1), text: 'byte' }, 1],
      'until whoever shows it has come so far',
      'rotate',
    ),
    call('close_range', [FREE, FREE, 0], why),
    ...renew('log', LOG),
    ...renew('log.index', INDEX),
    jump(taking('stdout', 'last'), 'ask', 0),
    go('poll'),
  ]
}

/** What has come goes to the log; then on to 'ask'. */
export const takeAll = (terminal: boolean): (Step | Jump)[] =>
  terminal
    ? [...fill(taking('stdout', 'each')), ...take('stdout', 'each', 'ask')]
    : [...take('stdout', 'each', taking('stderr', 'each')), ...take('stderr', 'each', 'ask')]
