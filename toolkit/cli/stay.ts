// Commands that stay with a container until it ends, or until its user leaves: attach, start -a, run.
import { openSync } from 'node:fs'
import { startContainer } from '../engine/life/detach.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer, placeOf } from '../engine/state/list.ts'
import { parseDetachKeys } from '../engine/terminal/detach-keys.ts'
import { joinSession, type SessionEnd, type SessionWish } from '../engine/terminal/session.ts'
import { O, SIG } from '../kernel/constants.ts'
import { isTerminal } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { INSISTED, notAllUndone } from './failure.ts'
import type { Parsed } from './options.ts'
import { exitNow, printError } from './text/output.ts'

export const keysOf = (flags: Parsed['flags']): Uint8Array =>
  parseDetachKeys(flags['detach-keys'] as string | undefined)

type Wish = Pick<SessionWish, 'keys' | 'stdin' | 'signals'>

/** Starts a container and stays. */
export const startAndStay = (word: string, wish: Wish): Promise<number> => stayWith(word, wish, true)

/** Stays with one that runs. */
export async function stayWith(word: string, wish: Wish, starts = false): Promise<number> {
  const row = findContainer(word)
  const { terminal = false, interactive = false } = row.state?.options ?? {}
  if (terminal && wish.stdin && !isTerminal(0))
    throw new UsageError('the input device is not a TTY: the container has a terminal, and stdin is none', 1)
  const end = await joinSession({
    ...wish,
    terminal,
    stdin: wish.stdin && interactive,
    container: { id: row.id, fd: openSync(placeOf(row), O.RDONLY) },
    start: starts
      ? async staying => {
          if (row.state) recordOf(row.state, 'attach')
          await startContainer(word, staying)
          return undefined
        }
      : undefined,
  })
  return leave(end)
}

/** Ends this process with the container's exit code: 125 where nobody knows it, 0 where it runs on. */
export function leave(end: SessionEnd): number {
  if ('signal' in end) {
    if (end.insisted) printError(`toolkit: ${INSISTED}, the container goes on without us`)
    return exitNow(128 + SIG[end.signal])
  }
  if ('exitCode' in end) {
    if (end.lost > 0)
      printError(`toolkit: at least ${end.lost} bytes of what it wrote are missing: the disk of its log was full`)
    if (end.undone !== undefined) printError(notAllUndone(end.undone))
    return exitNow(end.exitCode ?? 125)
  }
  if (end.left === 'unwritten') {
    printError(`toolkit: the output cannot be written: ${end.why}; the container goes on without us`)
    return exitNow(1)
  }
  if (end.left === 'by keys') printError('read escape sequence') // as docker does
  return exitNow(0)
}
