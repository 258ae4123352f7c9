// Commands that stay with a container until it ends, or until its user leaves: attach, start -a.
import { parseDetachKeys } from '../engine/terminal/detach-keys.ts'
import { joinSession, type SessionWish } from '../engine/terminal/session.ts'
import { SIG } from '../kernel/constants.ts'
import type { Parsed } from './options.ts'
import { exitNow, printError } from './text/output.ts'

export const keysOf = (flags: Parsed['flags']): Uint8Array =>
  parseDetachKeys(flags['detach-keys'] as string | undefined)

/** Stays, and ends this process with the container's exit code: 125 where nobody knows it, 0 where it runs on. */
export async function stay(wish: SessionWish): Promise<number> {
  const end = await joinSession(wish)
  if ('signal' in end) return exitNow(128 + SIG[end.signal])
  if ('exitCode' in end) return exitNow(end.exitCode ?? 125)
  if (end.left === 'by keys') printError('read escape sequence') // as docker does
  return exitNow(0)
}
