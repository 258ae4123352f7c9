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
// Two parts are kept, so whoever reads more slowly than the container writes misses some. Not the command that has started
// it and stays: its 'pace' is a pipe with a byte for each part that it has begun to read. The monitor waits for that, until the
// container has ended. As long as the pipe is open, the rest is left to it, too, in the end. For others it has hung up from
// the start.
//
// splice(2) moves bytes from the pipe to the file without a stop in between: at every moment a byte is in the one or in the
// other, so a monitor that is killed loses none. What has no entry in the index yet came later than the last that has.
import { CLOCK, F, IOCTL, O, W } from '../../kernel/constants.ts'
import { all, pieces, type Slice } from '../../kernel/iovec.ts'
import { type Jump, type Monitor, type Step, step } from '../../kernel/step.ts'
import * as rlimits from '../../primitives/rlimits.ts'
import { KNOWN } from './exit-record.ts'
import { guard } from './monitor-guard.ts'
import { rotate, take, takeAll, taking } from './monitor-log.ts'
import {
  about,
  begin,
  call,
  DIRECTORY,
  FREE,
  go,
  hangUp,
  jump,
  limitLog,
  NULL,
  number,
  ownSession,
  PACE,
  PIDFD,
  place,
  pollfd,
  pollfds,
  SETMASK,
} from './monitor-steps.ts'
import { fillLast, receiveTerminal, takeStreams } from './monitor-terminal.ts'

export interface MonitorWish {
  /** The container has a pipe for stdin, into which others may write. */
  readonly stdin: boolean
  /** It has a terminal: no stdin, stdout and stderr of ours. */
  readonly terminal: boolean
  /** Its user is before that terminal, and may leave it. */
  readonly attended?: boolean
  /** How many sockets hold the host's ports for it. */
  readonly ports: number
  /** Bytes of each of the two parts of its log, see limit.ts. */
  readonly most?: number
  /** What it becomes in the end: the words, the first of them a path. */
  readonly command: readonly string[]
  /** NAME=value. */
  readonly env: readonly string[]
}

/**
 * The container has ended: the rest of its output, and how it ended. `known`: 8 bytes, see exit-record.ts; `asked`: the call
 * that has written those, where the kernel may not know it.
 */
function finish(
  { terminal, command, env }: MonitorWish,
  { status, known, asked }: { status: Slice; known: Slice; asked?: string },
): (Step | Jump)[] {
  const time = Buffer.alloc(16)
  const record = (known: Slice) => [FREE, pieces('{time, status, known}', all(time), status, known), 3]
  const write = { ...call('writev', record(known), 'when and how it ended'), label: 'told' }
  const nobodyKnows = call('writev', record(all(number(0))), 'when it ended, and that nobody knows how')
  return [
    { ...call('clock_gettime', [CLOCK.REALTIME, time], 'when it ended'), label: 'ended' },
    ...(terminal
      ? fillLast(then => take('stdout', 'last', then))
      : [...take('stdout', 'last', taking('stderr', 'last')), ...take('stderr', 'last', 'write')]),
    { ...call('close_range', [FREE, FREE, 0], 'makes 6 the lowest free descriptor'), label: 'write' },
    call('openat', [DIRECTORY, 'exit.new', O.CREAT + O.WRONLY + O.CLOEXEC, 0o600], 'its place on the disk is kept'),
    ...(asked === undefined ? [write] : [jump('told', asked, -1), nobodyKnows, go('noted'), write]),
    {
      ...call('renameat2', [DIRECTORY, 'exit.new', DIRECTORY, 'exit', 0], 'now it is known to all who ask'),
      label: 'noted',
    },
    rlimits.plan({ rlimits: [rlimits.current('RLIMIT_FSIZE')] })[0]!,
    call('rt_sigprocmask', [SETMASK, { bytes: new Uint8Array(8), text: '[]' }, null, 8], 'signals as usual'),
    call('dup3', [PACE, FREE, O.CLOEXEC], 'under a number that one can write down'),
    call(
      'ppoll',
      [hangUp('[pace]', FREE), 1, { bytes: new Uint8Array(16), text: '{0}' }, null, 0],
      'who stays?',
      'left to us',
    ),
    jump('settle', 'left to us', 0),
    call('exit_group', [0], 'whoever has started it does the rest'),
    {
      ...call('execve', [command[0]!, command, env], 'what is left to do is for JavaScript: resources, --rm'),
      label: 'settle',
    },
    call('exit_group', [0], 'the next command does it'),
  ]
}

const keepPorts = ({ ports }: MonitorWish): Step[] =>
  Array.from({ length: ports }, (_, i) =>
    call('fcntl', [{ descriptor: `port ${i}` }, F.SETFD, 1], 'the port is the container’s as long as it lives'),
  )

/** The monitor of a container that is about to be made. Needs the descriptors of monitored.ts. */
export function planMonitor(wish: MonitorWish): Monitor {
  const { struct, pidfdAt } = pollfds()
  const status = Buffer.alloc(8, 0xff)
  const { terminal, attended = false } = wish
  const streams = [wish.stdin ? { descriptor: 'stdin' } : NULL, { descriptor: 'stdout' }, { descriptor: 'stderr' }]
  return {
    first: [
      ownSession(),
      ...streams.map((from, fd) =>
        step('dup3', [terminal ? NULL : from, fd, 0], {
          ...about,
          why: terminal ? 'the terminal is going to be there' : 'what the container reads and writes',
        }),
      ),
    ],
    pidfd: { bytes: struct.bytes, at: pidfdAt },
    status,
    steps: [
      ...keepPorts(wish),
      ...begin('toolkit-monitor'),
      ...(attended ? guard(status) : terminal ? receiveTerminal() : takeStreams(false)),
      ...limitLog(wish.most),
      call('ppoll', [struct, 3, null, null, 0], 'until there is something to do', 'poll'),
      ...takeAll(terminal),
      call('wait4', [-1, status, W.NOHANG + W.ALL, null], 'whether it has ended, and how', 'ask'),
      jump('ended', 'ask', 0),
      go('poll'),
      ...rotate(wish.most),
      ...finish(wish, {
        status: { bytes: status, from: 0, length: 4 },
        known: { bytes: number(KNOWN), from: 0, length: 8 },
      }),
    ],
  }
}

/**
 * The monitor of a container whose own was killed; needs its pidfd besides. It is not the container's parent, and the
 * kernel tells it the exit status only since Linux 6.15 (PIDFD_GET_INFO in ioctl_pidfd(2)), when somebody has reaped it.
 */
export function planAdoption(wish: MonitorWish): Monitor {
  const { struct } = pollfds()
  const now = Buffer.alloc(16)
  const moment = Buffer.alloc(16)
  moment.writeUInt32LE(500_000_000, 8) // nanoseconds
  const info = Buffer.alloc(64) // struct pidfd_info: mask … exit_code
  info.writeUInt32LE(KNOWN, 0)
  return {
    first: [ownSession()],
    steps: [
      ...keepPorts(wish),
      ...takeStreams(wish.terminal),
      ...begin('toolkit-monitor'),
      ...limitLog(wish.most),
      place('pidfd', PIDFD),
      call('ppoll', [struct, 3, null, null, 0], 'until there is something to do', 'poll'),
      ...takeAll(wish.terminal),
      call('ppoll', [pollfd('[pidfd]', PIDFD), 1, { bytes: now, text: '{0}' }, null, 0], 'whether it has ended', 'ask'),
      jump('reaped', 'ask', 0),
      go('poll'),
      ...rotate(wish.most),
      {
        ...call(
          'ppoll',
          [hangUp('[pidfd]', PIDFD), 1, { bytes: moment, text: '{500 ms}' }, null, 0],
          'until its parent has reaped it: before, the kernel does not tell',
        ),
        label: 'reaped',
      },
      call(
        'ioctl',
        [PIDFD, IOCTL.PIDFD_GET_INFO, { bytes: info, text: '{PIDFD_INFO_EXIT}' }],
        'how it has ended',
        'info',
      ),
      ...finish(wish, {
        status: { bytes: info, from: 60, length: 4 },
        known: { bytes: info, from: 0, length: 8 },
        asked: 'info',
      }),
    ],
  }
}
