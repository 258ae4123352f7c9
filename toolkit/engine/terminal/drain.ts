// The terminal of a program whose user has left it: somebody has to have its other end open, and to read it, because a
// program that writes to a full terminal stands still. Nobody wants to see what comes.
import { closeSync, openSync } from 'node:fs'
import { F, O } from '../../kernel/constants.ts'
import { start } from '../../kernel/start.ts'
import type { Monitor, Step } from '../../kernel/step.ts'
import { begin, call, go, jump, MASTER, ownSession, PIDFD, place, pollfd } from '../life/monitor-steps.ts'

const MOST = 1 << 15 // bytes at once
const AGAIN = 100_000_000 // nanoseconds

/** Reads until the program has ended. */
function planDrain(): Monitor {
  const asking = (nanoseconds: number, label: string): Step => {
    const time = Buffer.alloc(16) // struct timespec
    time.writeUInt32LE(nanoseconds, 8)
    return call('ppoll', [pollfd('[pidfd]', PIDFD), 1, { bytes: time, text: '{…}' }, null, 0], 'its end?', label)
  }
  return {
    first: [ownSession()],
    steps: [
      place('pidfd', PIDFD),
      place('master', MASTER),
      call('fcntl', [MASTER, F.SETFL, O.RDWR + O.NONBLOCK], 'an empty terminal is no reason to stand still'),
      ...begin('toolkit-drain'),
      call('ppoll', [pollfd('[terminal, pidfd]', MASTER, PIDFD), 2, null, null, 0], 'until something comes', 'poll'),
      call('read', [MASTER, Buffer.alloc(MOST), MOST], 'nobody wants it', 'read'),
      jump('poll', 'read', 0),
      jump('pause', 'read', -11), // EIO: nobody has it open
      asking(0, 'ask'), //           EAGAIN: nothing there
      jump('over', 'ask', 0),
      go('poll'),
      asking(AGAIN, 'pause'),
      jump('over', 'pause', 0),
      go('poll'),
      call('exit_group', [0], 'there is nothing left to read', 'over'),
    ],
  }
}

/** Leaves a terminal to a process of its own. Throws a KernelError. */
export function drain(master: number, pidfd: number): void {
  const none = openSync('/dev/null', O.RDWR)
  try {
    const descriptors = new Map(Object.entries({ null: none, master, pidfd }))
    const process = start({ namespaces: [], steps: [], monitor: planDrain() }, { descriptors })
    process.next()
    process.close()
  } finally {
    closeSync(none)
  }
}
