// Commands that stay with a container until it ends, or until its user leaves: attach, start -a.
import { parseDetachKeys } from '../engine/detach-keys.ts'
import { joinSession, type SessionWish } from '../engine/session.ts'
import { invoke } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import type { Flag, Parsed } from './options.ts'
import { printError } from './output.ts'

export const sessionFlags = {
  'detach-keys': { value: 'KEYS', help: 'the keys that leave its terminal, and it running (default: ctrl-p,ctrl-q)' },
} satisfies Record<string, Flag>

export const keysOf = (flags: Parsed['flags']): Uint8Array =>
  parseDetachKeys(flags['detach-keys'] as string | undefined)

/** What docker says when its user has left by the keys. */
export const sayDetached = (): void => printError('read escape sequence')

/** Stays, and ends this process with the container's exit code: 125 where nobody knows it, 0 where it runs on. */
export async function stay(wish: SessionWish): Promise<number> {
  const end = await joinSession(wish)
  if ('signal' in end) return exitNow(128 + SIG[end.signal])
  if ('exitCode' in end) return exitNow(end.exitCode ?? 125)
  if (end.left === 'by keys') sayDetached()
  return exitNow(0)
}

// What is still open (stdin, a pipe that nobody reads) would keep Node from ending.
function exitNow(status: number): number {
  process.emit('exit', status)
  return invoke('exit_group', [status])
}
