// The steps by which a monitor keeps what its container writes: from the pipes to the log, a record of each piece to the
// index, and a new part where one is full. What lies where: monitor.ts.
import { CLOCK, O, SPLICE_F } from '../../kernel/constants.ts'
import { all, pieces } from '../../kernel/iovec.ts'
import type { Jump, Step, Struct } from '../../kernel/step.ts'
import { NOT_RUN } from '../../kernel/table.ts'
import { MOST } from '../log/limit.ts'
import {
  call,
  DIRECTORY,
  FREE,
  go,
  INDEX,
  jump,
  LOG,
  limitPart,
  MIB,
  NULL,
  number,
  PACE,
  PIDFD,
  PIPES,
  pollfd,
} from './monitor-steps.ts'
import { fill } from './monitor-terminal.ts'

/** Bytes of a record of the index. */
export const INDEX_RECORD = 32
/** In a record of the index: which stream; LOST is added where a full disk did not take the bytes. */
export const STREAM = { stdout: 1, stderr: 2 } as const
export const LOST = 0x100
const REST = 4 * MIB // bytes: more than the pipes of a container that has ended hold

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

/**
 * The log is full: it becomes the older part, and a new one begins, as soon as whoever shows it has come so far. Where the
 * container has ended by then, nobody waits: this part becomes a little longer, by what is left in the pipes.
 */
export function rotate(most?: number): (Step | Jump)[] {
  const why = 'two parts of a log are kept, and no more'
  const ifEnded = (to: string) => [jump('ask', 'ask', NOT_RUN - 1), jump(to, 'ask', 0)]
  const on = [...ifEnded(taking('stdout', 'last')), go('poll')]
  const look = (what: Struct, label: string) =>
    call('ppoll', [what, 1, { bytes: new Uint8Array(16), text: '{0}' }, null, 0], 'which of them?', label)
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
    call('dup3', [PACE, FREE, O.CLOEXEC], 'under a number that one can write down', 'rotate'),
    jump('pace', 'longer', 0), // not run so far
    ...ifEnded('write'), //       that is full, too
    go('ask'),
    call('ppoll', [pollfd('[pace, pidfd]', FREE, PIDFD), 2, null, null, 0], 'until one of them is ready', 'pace'),
    look(pollfd('[pace]', FREE), 'paced'),
    jump('renew', 'paced', 0),
    look(pollfd('[pidfd]', PIDFD), 'no more'),
    jump('longer', 'no more', 0),
    go('pace'),
    call('read', [PACE, { bytes: new Uint8Array(1), text: 'byte' }, 1], 'whoever shows it has come so far', 'renew'),
    call('close_range', [FREE, FREE, 0], why),
    ...renew('log', LOG),
    ...renew('log.index', INDEX),
    ...on,
    { ...limitPart((most ?? MOST) + REST), label: 'longer' },
    ...on,
  ]
}

/** What has come goes to the log; then on to 'ask'. */
export const takeAll = (terminal: boolean): (Step | Jump)[] =>
  terminal
    ? [...fill(taking('stdout', 'each')), ...take('stdout', 'each', 'ask')]
    : [...take('stdout', 'each', taking('stderr', 'each')), ...take('stderr', 'each', 'ask')]
