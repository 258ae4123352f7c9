// Our own stdin, stdout and stderr as streams of Node's. It makes a pipe O_NONBLOCK, and so for all who have it open: the
// commands of a script before and behind us would read and write it no more. Hence a pipe is opened anew.
import { fstatSync, openSync } from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import type { Readable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { attempt } from '../../kernel/call.ts'
import { F, O } from '../../kernel/constants.ts'

/** Undefined where it is no pipe, or one that is another user's, or that nobody reads any more. */
function openAnew(fd: number, how: number): number | undefined {
  if (!fstatSync(fd).isFIFO()) return undefined
  try {
    return openSync(`/proc/self/fd/${fd}`, how + O.NONBLOCK)
  } catch {
    return undefined
  }
}

/** Remembers how they are open. Returns how to make them so again: a socket cannot be opened anew, and Node looks at stderr. */
export function keepFlags(): () => void {
  const flags = [0, 1, 2].map(fd => attempt('fcntl', [fd, F.GETFL, 0]))
  return () => {
    for (const [fd, value] of flags.entries()) if (value >= 0) attempt('fcntl', [fd, F.SETFL, value])
  }
}

export function ownInput(): Readable {
  const fd = openAnew(0, O.RDONLY)
  return fd === undefined ? process.stdin : new net.Socket({ fd, readable: true, writable: false })
}

export interface Output {
  readonly isTerminal: boolean
  /** Resolves when all is written: what Node holds would be lost when we exit. Or never: nobody takes it, see `onError`. */
  write(data: Uint8Array | string): Promise<void>
}

/** `onError`: is told why nobody takes it any more. */
export function ownOutput(name: 'stdout' | 'stderr', onError: (error: NodeJS.ErrnoException) => void): Output {
  const fd = openAnew(name === 'stdout' ? 1 : 2, O.WRONLY)
  const stream = fd === undefined ? process[name] : new net.Socket({ fd, readable: false, writable: true })
  stream.on('error', onError)
  return {
    isTerminal: (stream as WriteStream).isTTY === true,
    write: data => new Promise(resolve => void stream.write(data, error => error ?? resolve())),
  }
}
