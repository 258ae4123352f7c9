// Who looks after a container when the command that started it has ended: a process in the plan runner
// (kernel/machine-code.ts), and so a list of system calls like all else, but one with loops. It keeps what the container
// writes, with the time; it learns how the container ended, and writes that down; and then it becomes `toolkit settle`.
//
//   live/ID/stdout stderr        pipes with a name (fifo(7)). The container has them open for reading, too: where the
//                                monitor is killed, nobody gets a SIGPIPE, and what was written waits for a reader
//   live/ID/log log.1            all that came, as it came; log.1 is the older part
//   live/ID/log.index …          32 bytes a piece of it: when (seconds, nanoseconds), how many bytes, from which stream
//   live/ID/exit                 28 bytes: when it ended (the same), its status as wait(2) has it, and whether that is known.
//                                Not synced: `settle` takes it into state.json, and that is. Where the power fails in
//                                between, the status is unknown. Its bytes are there from the start, as exit.new: a disk
//                                that is full by then has room for them.
//
// splice(2) moves bytes from the pipe to the file without a stop in between: at every moment a byte is in the one or in the
// other, so a monitor that is killed loses none. What has no entry in the index yet came later than the last that has.
import { CLOCK, F, IOCTL, O, PR, SPLICE_F, W } from '../kernel/constants.ts'
import { all, pieces, type Slice } from '../kernel/iovec.ts'
import { type Arg, type Descriptor, type Jump, type Monitor, type Step, type Struct, step } from '../kernel/step.ts'
import type { SyscallName } from '../kernel/syscalls.ts'
import * as rlimits from '../primitives/rlimits.ts'
import { KNOWN } from './exit-record.ts'

/** Bytes of a record of the index. */
export const INDEX_RECORD = 32
/** Bytes of each of the two parts of a log, at most. */
export const MOST = 50 * 1024 * 1024
/** In a record of the index: which stream; LOST is added where a full disk did not take the bytes. */
export const STREAM = { stdout: 1, stderr: 2 } as const
export const LOST = 0x100

// What the engine opens for it, see monitored.ts.
const [NULL, LOG, INDEX, DIRECTORY, LOCK] = ['null', 'log', 'log.index', 'container', 'lock'].map(descriptor => ({
  descriptor,
})) as [Descriptor, Descriptor, Descriptor, Descriptor, Descriptor]

const PIDFD = 3
const PIPES = { stdout: 4, stderr: 5 } as const
const POLLIN = 1
const MIB = 1 << 20
const SETMASK = 2
const FREE = 6 // after the pidfd and the two pipes, the lowest descriptor that is free in the monitor: what openat returns

export interface MonitorWish {
  /** The container has a pipe for stdin, into which others may write. */
  readonly stdin: boolean
  /** How many sockets hold the host's ports for it. */
  readonly ports: number
  /** What it becomes in the end: the words, the first of them a path. */
  readonly command: readonly string[]
  /** NAME=value. */
  readonly env: readonly string[]
}

const about = { lesson: '20-engine', shell: '' } as const
const call = (name: SyscallName, args: readonly Arg[], why: string, label?: string): Step =>
  step(name, args, { ...about, why, allow: 'any', ...(label !== undefined && { label }) })
const jump = (to: string, of: string, above: number): Jump => ({ to, of, above })
/** Whatever the result was. */
const go = (to: string): Jump => jump(to, 'poll', -4096)

const number = (value: number): Uint8Array => Buffer.from(BigInt64Array.of(BigInt(value)).buffer)

/** Waits for what is to be read, or for the end of the container's first process. */
function pollfds(): { struct: Struct; pidfdAt: number } {
  const bytes = Buffer.alloc(3 * 8)
  for (const [i, fd] of [PIPES.stdout, PIPES.stderr].entries()) bytes.writeInt32LE(fd, 8 * i)
  for (const i of [0, 1, 2]) bytes.writeInt16LE(POLLIN, 8 * i + 4)
  return { struct: { bytes, text: '[stdout, stderr, pidfd]' }, pidfdAt: 16 }
}

/** The label of the first step for a stream, in each round or in the last. */
const taking = (stream: keyof typeof STREAM, round: 'each' | 'last') => `${round} ${stream}`

/** The steps for one stream: what is in the pipe goes to the log, then a record to the index. `then`: where to go on. */
function take(stream: keyof typeof STREAM, round: 'each' | 'last', then: string): (Step | Jump)[] {
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
function rotate(): (Step | Jump)[] {
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
    { ...call('close_range', [FREE, FREE, 0], why), label: 'rotate' },
    ...renew('log', LOG),
    ...renew('log.index', INDEX),
    jump(taking('stdout', 'last'), 'ask', 0),
    go('poll'),
  ]
}

/** The container has ended: the rest of its output, and how it ended. `known`: 8 bytes, see exit-record.ts. */
function finish({ command, env }: MonitorWish, status: Slice, known: Slice): (Step | Jump)[] {
  const time = Buffer.alloc(16)
  const write = [FREE, pieces('{time, status, known}', all(time), status, known), 3]
  return [
    { ...call('clock_gettime', [CLOCK.REALTIME, time], 'when it ended'), label: 'ended' },
    ...take('stdout', 'last', taking('stderr', 'last')),
    ...take('stderr', 'last', 'write'),
    { ...call('close_range', [FREE, FREE, 0], 'makes 6 the lowest free descriptor'), label: 'write' },
    call('openat', [DIRECTORY, 'exit.new', O.CREAT + O.WRONLY + O.CLOEXEC, 0o600], 'its place on the disk is kept'),
    call('writev', write, 'when and how it ended'),
    call('renameat2', [DIRECTORY, 'exit.new', DIRECTORY, 'exit', 0], 'now it is known to all who ask'),
    rlimits.plan({ rlimits: [rlimits.current('RLIMIT_FSIZE')] })[0]!,
    call('rt_sigprocmask', [SETMASK, { bytes: new Uint8Array(8), text: '[]' }, null, 8], 'signals as usual'),
    call('execve', [command[0]!, command, env], 'what is left to do is for JavaScript: resources, --rm'),
    call('exit_group', [0], 'the next command does it'),
  ]
}

/** What every monitor does first, when it is one. */
const settleIn = (): Step[] => {
  const { hard } = rlimits.current('RLIMIT_FSIZE')
  return [
    ...(['stdout', 'stderr'] as const).map(name =>
      call('dup3', [{ descriptor: name }, PIPES[name], O.CLOEXEC], 'under a number that one can write down'),
    ),
    call('prctl', [PR.SET_NAME, 'toolkit-monitor', 0, 0, 0], 'its name in ps'),
    call('chdir', ['/'], 'no file system is kept busy by where the user was'),
    ...[0, 1, 2].map(fd => call('dup3', [NULL, fd, 0], 'it has nothing to say itself')),
    call('fcntl', [LOCK, F.SETFD, 1], 'held until this process ends: the container has somebody who looks after it'),
    call('rt_sigprocmask', [SETMASK, { bytes: new Uint8Array(8).fill(0xff), text: '~[]' }, null, 8], 'it ends last'),
    rlimits.plan({ rlimits: [{ type: 'RLIMIT_FSIZE', soft: hard < 0 ? MOST : Math.min(MOST, hard), hard }] })[0]!,
  ]
}

const ownSession = (): Step => step('setsid', [], { ...about, why: 'Ctrl-C at the terminal is not meant for it' })

/** The monitor of a container that is about to be made. Needs the descriptors of monitored.ts. */
export function planMonitor(wish: MonitorWish): Monitor {
  const { struct, pidfdAt } = pollfds()
  const status = Buffer.alloc(8)
  return {
    first: [
      ownSession(),
      ...[wish.stdin ? { descriptor: 'stdin' } : NULL, { descriptor: 'stdout' }, { descriptor: 'stderr' }].map(
        (from, fd) =>
          step('dup3', [from, fd, 0], { ...about, why: 'what the container reads and writes, and the monitor keeps' }),
      ),
    ],
    pidfd: { bytes: struct.bytes, at: pidfdAt },
    steps: [
      ...Array.from({ length: wish.ports }, (_, i) =>
        call('fcntl', [{ descriptor: `port ${i}` }, F.SETFD, 1], 'the port is the container’s as long as it lives'),
      ),
      ...settleIn(),
      call('ppoll', [struct, 3, null, null, 0], 'until there is something to do', 'poll'),
      ...take('stdout', 'each', taking('stderr', 'each')),
      ...take('stderr', 'each', 'ask'),
      call('wait4', [-1, status, W.NOHANG + W.ALL, null], 'whether it has ended, and how', 'ask'),
      jump('ended', 'ask', 0),
      go('poll'),
      ...rotate(),
      ...finish(wish, { bytes: status, from: 0, length: 4 }, { bytes: number(KNOWN), from: 0, length: 8 }),
    ],
  }
}

/**
 * The monitor of a container whose own was killed; needs its pidfd besides. It is not the container's parent, and the
 * kernel tells it the exit status only since Linux 6.15 (PIDFD_GET_INFO in ioctl_pidfd(2)), when somebody has reaped it.
 */
export function planAdoption(wish: MonitorWish): Monitor {
  const { struct, pidfdAt } = pollfds()
  struct.bytes[pidfdAt] = PIDFD
  const end = Buffer.alloc(8) // struct pollfd
  end.writeInt32LE(PIDFD, 0)
  end.writeInt16LE(POLLIN, 4)
  const now = Buffer.alloc(16)
  const moment = Buffer.alloc(16)
  moment.writeUInt32LE(500_000_000, 8) // nanoseconds
  const reaped = Buffer.alloc(8) // struct pollfd; no events asked for: only POLLHUP, when it has been reaped
  reaped.writeInt32LE(PIDFD, 0)
  const info = Buffer.alloc(64) // struct pidfd_info: mask … exit_code
  info.writeUInt32LE(KNOWN, 0)
  return {
    first: [ownSession()],
    steps: [
      ...settleIn(),
      call('dup3', [{ descriptor: 'pidfd' }, PIDFD, O.CLOEXEC], 'under a number that one can write down'),
      call('ppoll', [struct, 3, null, null, 0], 'until there is something to do', 'poll'),
      ...take('stdout', 'each', taking('stderr', 'each')),
      ...take('stderr', 'each', 'ask'),
      call(
        'ppoll',
        [{ bytes: end, text: '[pidfd]' }, 1, { bytes: now, text: '{0}' }, null, 0],
        'whether it has ended',
        'ask',
      ),
      jump('reaped', 'ask', 0),
      go('poll'),
      ...rotate(),
      {
        ...call(
          'ppoll',
          [{ bytes: reaped, text: '[pidfd]' }, 1, { bytes: moment, text: '{500 ms}' }, null, 0],
          'until its parent has reaped it: before, the kernel does not tell',
        ),
        label: 'reaped',
      },
      call('ioctl', [PIDFD, IOCTL.PIDFD_GET_INFO, { bytes: info, text: '{PIDFD_INFO_EXIT}' }], 'how it has ended'),
      ...finish(wish, { bytes: info, from: 60, length: 4 }, { bytes: info, from: 0, length: 8 }),
    ],
  }
}
