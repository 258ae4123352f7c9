// What the plans of our lasting processes are made of: monitor.ts, terminal-holder.ts. Their descriptors, and their words.
import { F, O, PR } from '../../kernel/constants.ts'
import type { Arg, Descriptor, Jump, Step, Struct } from '../../kernel/step.ts'
import { step } from '../../kernel/step.ts'
import type { SyscallName } from '../../kernel/syscalls.ts'
import * as rlimits from '../../primitives/rlimits.ts'
import { MOST } from '../log/limit.ts'

// What the engine opens for them, see monitored.ts.
export const [NULL, LOG, INDEX, DIRECTORY, LOCK, PACE] = ['null', 'log', 'log.index', 'container', 'lock', 'pace'].map(
  descriptor => ({ descriptor }),
) as [Descriptor, Descriptor, Descriptor, Descriptor, Descriptor, Descriptor]

// Under numbers that one can write down.
/** The container's first process. */
export const PIDFD = 3
export const PIPES = { stdout: 4, stderr: 5 } as const
/** The other end of a container's terminal, which has no stderr of its own. */
export const MASTER = PIPES.stderr
/** After the pidfd and the two pipes, the lowest descriptor that is free in the monitor: what openat returns. */
export const FREE = 6

export const POLLIN = 1
export const MIB = 1 << 20
export const SETMASK = 2

export const about = { lesson: '20-engine', shell: '' } as const
export const call = (name: SyscallName, args: readonly Arg[], why: string, label?: string): Step =>
  step(name, args, { ...about, why, allow: 'any', ...(label !== undefined && { label }) })
export const jump = (to: string, of: string, above: number): Jump => ({ to, of, above })
/** Whatever the result was. */
export const go = (to: string): Jump => jump(to, 'poll', -4096)

export const number = (value: number): Uint8Array => Buffer.from(BigInt64Array.of(BigInt(value)).buffer)

/** struct pollfd[]: waits for something to be read, or for the end of a process. */
export const pollfd = (text: string, ...fds: readonly number[]) => structs(text, fds, POLLIN)

/** The same for POLLHUP alone, which nobody need ask for. */
export const hangUp = (text: string, fd: number) => structs(text, [fd], 0)

function structs(text: string, fds: readonly number[], events: number): Struct & { bytes: Buffer } {
  const bytes = Buffer.alloc(8 * fds.length)
  for (const [i, fd] of fds.entries()) {
    bytes.writeInt32LE(fd, 8 * i)
    bytes.writeInt16LE(events, 8 * i + 4)
  }
  return { bytes, text }
}

/** Waits for what is to be read, or for the end of the container's first process. */
export const pollfds = () => ({
  struct: pollfd('[stdout, stderr or terminal, pidfd]', PIPES.stdout, PIPES.stderr, PIDFD),
  pidfdAt: 16,
})

export const ownSession = (): Step =>
  step('setsid', [], { ...about, why: 'Ctrl-C at the terminal is not meant for it' })

/** A descriptor of the engine's under its own number. */
export const place = (descriptor: string, fd: number): Step =>
  call('dup3', [{ descriptor }, fd, O.CLOEXEC], 'under a number that one can write down')

/** What each does first, when it is one. */
export const begin = (name: string): Step[] => [
  call('prctl', [PR.SET_NAME, name, 0, 0, 0], 'its name in ps'),
  call('chdir', ['/'], 'no file system is kept busy by where the user was'),
  ...[0, 1, 2].map(fd => call('dup3', [NULL, fd, 0], 'it has nothing to say itself')),
  call('rt_sigprocmask', [SETMASK, { bytes: new Uint8Array(8).fill(0xff), text: '~[]' }, null, 8], 'it ends last'),
]

/** Writes to a file no more than so many bytes of it. */
export function limitPart(most: number): Step {
  const { hard } = rlimits.current('RLIMIT_FSIZE')
  return rlimits.plan({ rlimits: [{ type: 'RLIMIT_FSIZE', soft: hard < 0 ? most : Math.min(most, hard), hard }] })[0]!
}

/** A monitor's: it holds the container's lock, and writes a log whose parts have `most` bytes at most. */
export const limitLog = (most = MOST): Step[] => [
  call('fcntl', [LOCK, F.SETFD, 1], 'held until this process ends: the container has somebody who looks after it'),
  limitPart(most),
]
