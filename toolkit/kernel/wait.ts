// Waiting for a process by its pidfd: no thread of Node's pool is held, and the number cannot come to mean another
// process. waitpid(2), pidfd_open(2).
import { attempt, invoke } from './call.ts'
import { W } from './constants.ts'
import { ERRNO } from './errno.ts'
import { koffi } from './koffi.ts'

/** How a process ended: with a code, or by a signal's number. */
export interface Exit {
  readonly code: number | undefined
  readonly signal: number | undefined
}

/** As a shell and docker count it: the code, or 128 + the signal. */
export const exitStatus = ({ code, signal }: Exit): number => code ?? 128 + (signal ?? 0)

/** A status of wait(2). */
export const decode = (status: number): Exit =>
  (status & 0x7f) === 0 ? { code: (status >> 8) & 0xff, signal: undefined } : { code: undefined, signal: status & 0x7f }

/** Waits for a child and reaps it; blocks. Throws ECHILD where it is not our child. */
export function waitSync(pid: number): Exit {
  const status = Buffer.alloc(4)
  while (attempt('wait4', [pid, status, W.ALL, null]) === -ERRNO.EINTR);
  return decode(status.readInt32LE(0))
}

/** Waits for a child and reaps it, while everything else goes on. Leaves the pidfd open. */
export function wait(pid: number, pidfd: number): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const handle = koffi.node.poll(pidfd, { readable: true }, () => {
      handle.close()
      const status = Buffer.alloc(4)
      try {
        invoke('wait4', [pid, status, W.ALL, null])
        resolve(decode(status.readInt32LE(0)))
      } catch (error) {
        reject(error)
      }
    })
  })
}

/**
 * Waits for the end of a process that is somebody else's child, and leaves reaping to that one. False where it has not
 * ended within so many milliseconds.
 */
export function ended(pidfd: number, milliseconds?: number): Promise<boolean> {
  return new Promise(resolve => {
    const timer = milliseconds === undefined ? undefined : setTimeout(() => done(false), milliseconds)
    const done = (result: boolean) => {
      clearTimeout(timer)
      handle.close()
      resolve(result)
    }
    const handle = koffi.node.poll(pidfd, { readable: true }, () => done(true))
  })
}
