// Commands that stay with a container until it ends, or until its user leaves: attach, start -a.
import { startContainer } from '../engine/life/detach.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer } from '../engine/state/list.ts'
import { parseDetachKeys } from '../engine/terminal/detach-keys.ts'
import { joinSession, type SessionWish } from '../engine/terminal/session.ts'
import { SIG } from '../kernel/constants.ts'
import { INSISTED } from './failure.ts'
import type { Parsed } from './options.ts'
import { exitNow, printError } from './text/output.ts'

export const keysOf = (flags: Parsed['flags']): Uint8Array =>
  parseDetachKeys(flags['detach-keys'] as string | undefined)

/** Starts a container and stays; as `stay`. */
export function startAndStay(word: string, wish: Pick<SessionWish, 'keys' | 'stdin' | 'signals'>): Promise<number> {
  const start = async () => {
    const { state } = findContainer(word)
    if (state) recordOf(state, 'attach')
    let writer: number | undefined
    const take = (fd: number) => {
      writer = fd
    }
    await startContainer(word, wish.stdin ? take : undefined)
    return writer
  }
  return stay({ ...wish, word, start })
}

/** Stays, and ends this process with the container's exit code: 125 where nobody knows it, 0 where it runs on. */
export async function stay(wish: SessionWish): Promise<number> {
  const end = await joinSession(wish)
  if ('signal' in end) {
    if (end.insisted) printError(`toolkit: ${INSISTED}, the container goes on without us`)
    return exitNow(128 + SIG[end.signal])
  }
  if ('exitCode' in end) return exitNow(end.exitCode ?? 125)
  if (end.left === 'by keys') printError('read escape sequence') // as docker does
  return exitNow(0)
}
