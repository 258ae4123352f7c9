// Somebody who waits for a time to come, or for a word of the kernel, and then becomes a command of ours: a process in the
// plan runner, as a monitor is (monitor.ts), with a few pages of its own. No change of the date moves its timer.
import { closeSync, openSync } from 'node:fs'
import { CLOCK, F, O, PR } from '../../kernel/constants.ts'
import { start } from '../../kernel/start.ts'
import { type Arg, type Jump, type Monitor, type Step, type Struct, step } from '../../kernel/step.ts'
import type { SyscallName } from '../../kernel/syscalls.ts'
import { readStat } from '../../observe/process.ts'
import { ourselves } from './monitored.ts'

export interface Sleep {
  /** Undefined: for ever. */
  readonly milliseconds?: number
  /** What it becomes: the words after `toolkit`. */
  readonly words: readonly string[]
  /** A descriptor that it holds until then, for its lock. */
  readonly lock?: number
  /** The command inherits it, under the same number; otherwise it takes the lock anew. */
  readonly inherits?: boolean
  /** A process whose end ends it, too. */
  readonly pidfd?: number
  /** With a pidfd: a descriptor that wakes it, by one of these events of poll(2). */
  readonly wake?: Wake
}

export interface Wake {
  readonly descriptor: number
  readonly events: number
  /** Milliseconds from now in which it does not hear it; it then hears what has come in them. */
  readonly deaf?: number
}

/** Which process it is: a pid alone may be somebody else's. */
export interface Sleeper {
  readonly pid: number
  readonly startTime: number
}

const about = { lesson: '20-engine', shell: '' } as const
const call = (name: SyscallName, args: readonly Arg[], why: string, label?: string): Step =>
  step(name, args, { ...about, why, allow: 'any', ...(label !== undefined && { label }) })

/** struct timespec. */
function duration(milliseconds: number): Struct {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)))
  bytes.writeBigInt64LE(BigInt(Math.round((milliseconds % 1000) * 1e6)), 8)
  return { bytes, text: `{${milliseconds} ms}` }
}

const PIDFD = 3
const WAKE = 4
const POLLIN = 1

/** struct pollfd. */
function pollfd(fd: number, events: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32LE(fd, 0)
  bytes.writeInt16LE(events, 4)
  return bytes
}

/** Waits for the time, and ends where the process behind the pidfd ends first. */
function wait({ milliseconds, pidfd, wake }: Sleep): (Step | Jump)[] {
  const time = milliseconds === undefined ? null : duration(milliseconds)
  if (pidfd === undefined)
    return [call('clock_nanosleep', [CLOCK.MONOTONIC, 0, time, null], 'until it is time, whatever the date becomes')]
  const named = call('dup3', [{ descriptor: 'pidfd' }, PIDFD, O.CLOEXEC], 'under a number that one can write down')
  const end = pollfd(PIDFD, POLLIN)
  if (wake) {
    const word = pollfd(WAKE, wake.events)
    const both = { bytes: Buffer.concat([end, word]), text: '[pidfd, wake]' }
    const { deaf = 0 } = wake
    return [
      named,
      call('dup3', [{ descriptor: 'wake' }, WAKE, O.CLOEXEC], 'under a number that one can write down'),
      ...(deaf > 0
        ? [call('ppoll', [{ bytes: end, text: '[pidfd]' }, 1, duration(deaf), null, 0], 'not again at once')]
        : []),
      call('ppoll', [both, 2, time, null, 0], 'until the kernel has something to say, or the container ends'),
      call(
        'ppoll',
        [{ bytes: word, text: '[wake]' }, 1, duration(0), null, 0],
        'what it has to say counts, also at the end',
        'woken',
      ),
      { to: 'become', of: 'woken', above: 0 },
      call('exit_group', [0], 'it has ended'),
    ]
  }
  return [
    named,
    call(
      'ppoll',
      [{ bytes: end, text: '[pidfd]' }, 1, time, null, 0],
      'until it is time, or the container ends',
      'wait',
    ),
    { to: 'over', of: 'wait', above: 0 },
  ]
}

function plan(sleep: Sleep): Monitor {
  const { command, env } = ourselves(sleep.words)
  return {
    first: [call('setsid', [], 'Ctrl-C at the terminal is not meant for it')],
    steps: [
      ...[0, 1, 2].map(fd => call('dup3', [{ descriptor: 'null' }, fd, 0], 'it has nothing to say itself')),
      call('prctl', [PR.SET_NAME, 'toolkit-sleeper', 0, 0, 0], 'its name in ps'),
      call('chdir', ['/'], 'no file system is kept busy by where the user was'),
      ...(sleep.lock === undefined
        ? []
        : [
            call(
              'fcntl',
              [{ descriptor: 'lock' }, F.SETFD, sleep.inherits ? 0 : 1],
              sleep.inherits ? 'held on by the command' : 'held until it becomes the command, which takes it anew',
            ),
          ]),
      ...wait(sleep),
      call('execve', [command[0]!, command, env], 'now it is time', 'become'),
      call('exit_group', [0], 'nothing is left to do', 'over'),
    ],
  }
}

/** Starts it; `known` is told who it is before it goes on. Throws KernelError. */
export function fallAsleep(sleep: Sleep, known: (sleeper: Sleeper) => void = () => {}): void {
  const empty = openSync('/dev/null', O.RDWR)
  try {
    const descriptors = new Map([
      ['null', empty],
      ...(sleep.lock === undefined ? [] : [['lock', sleep.lock] as const]),
      ...(sleep.pidfd === undefined ? [] : [['pidfd', sleep.pidfd] as const]),
      ...(sleep.wake === undefined ? [] : [['wake', sleep.wake.descriptor] as const]),
    ])
    const process = start({ namespaces: [], steps: [], monitor: plan(sleep) }, { descriptors })
    try {
      known({ pid: process.pid, startTime: readStat(process.pid)?.startTime ?? 0 })
    } catch (error) {
      process.abort()
      throw error
    }
    process.next()
    process.close()
  } finally {
    closeSync(empty)
  }
}
