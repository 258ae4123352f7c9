// What a program talks to: nothing, the engine's own stdin and stdout, or a terminal of its own. pts(4), tty(4),
// setsid(2), TIOCSCTTY in ioctl_tty(2).
//
// Calls that return a descriptor return the lowest free number. The steps rely on that: they free 3 and 4 first. In the
// process that runs them both belong to whoever started it, and are of no use to the program.
import { AT, IOCTL, MS, O, S } from '../kernel/constants.ts'
import { type Gate, type Step, step } from '../kernel/step.ts'

const lesson = '20-engine'
const inside = { lesson, shell: '' } as const

/** The gate at which the engine takes the terminal's other end: descriptor 3 of the process, see pidfd_getfd(2). */
export const TERMINAL_GATE = 'terminal'
export const TERMINAL_FD = 3

const free = (): Step =>
  step('close_range', [3, 4, 0], {
    ...inside,
    why: 'makes 3 and 4 the lowest free descriptors, so that the next calls return them',
  })

/** A session of one's own, without a terminal: keys typed at the engine's terminal reach the engine only. */
export function ownSession(): Step[] {
  return [
    step('setsid', [], {
      lesson,
      why: 'leaves the engine’s session, so that the program cannot type into its terminal (TIOCSTI)',
      shell: 'setsid',
    }),
  ]
}

/** Opens a new pseudo-terminal of the devpts mounted here, makes it the terminal of a new session, and stdin, stdout, stderr. */
export function openTerminal(): (Step | Gate)[] {
  return [
    free(),
    step('openat', [AT.FDCWD, '/dev/ptmx', O.RDWR | O.NOCTTY | O.CLOEXEC, 0], {
      ...inside,
      why: 'makes a pseudo-terminal; descriptor 3 is the end that the engine will read and write',
    }),
    step('ioctl', [TERMINAL_FD, IOCTL.TIOCSPTLCK, { bytes: new Uint8Array(4), text: '{0}' }], {
      ...inside,
      why: 'a new pseudo-terminal is locked',
    }),
    step('ioctl', [TERMINAL_FD, IOCTL.TIOCGPTPEER, O.RDWR | O.NOCTTY], {
      ...inside,
      why: 'descriptor 4 is the end for the program',
    }),
    { gate: TERMINAL_GATE },
    ...ownSession(),
    step('ioctl', [4, IOCTL.TIOCSCTTY, 0], {
      lesson,
      why: 'makes it the controlling terminal: ^C and ^Z become signals, and the shell has job control',
      shell: 'setsid --ctty',
    }),
    ...[0, 1, 2].map(fd =>
      step('dup3', [4, fd, 0], { ...inside, why: `the terminal becomes ${['stdin', 'stdout', 'stderr'][fd]}` }),
    ),
    step('close_range', [3, 4, 0], { ...inside, why: 'the program keeps 0, 1 and 2 only' }),
  ]
}

/** /dev/console is the container's terminal; the first one of a new devpts is /dev/pts/0. */
export function console(): Step[] {
  return [
    step('mknodat', [AT.FDCWD, '/dev/console', S.IFREG | 0o600, 0], {
      lesson,
      why: 'a file to mount the terminal on',
      shell: 'touch /dev/console',
    }),
    step('mount', ['/dev/pts/0', '/dev/console', null, MS.BIND, null], {
      lesson,
      why: 'programs that write to the console mean this terminal',
      shell: 'mount --bind /dev/pts/0 /dev/console',
    }),
  ]
}

/** stdin that is always at its end. Needs /dev/null. */
export function noInput(): Step[] {
  return [
    free(),
    step('openat', [AT.FDCWD, '/dev/null', O.RDONLY | O.CLOEXEC, 0], {
      ...inside,
      why: 'an input that is always at its end',
    }),
    step('dup3', [3, 0, 0], {
      lesson,
      why: 'without -i the program is not to read what is typed here',
      shell: 'exec </dev/null',
    }),
    step('close', [3], { ...inside, why: 'it is descriptor 0 now' }),
  ]
}
