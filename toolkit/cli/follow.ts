// `toolkit run` without -d of a container that outlives us, if need be: one that is kept, and whose log is kept with it; one
// with a restart policy or a health check; one that gets no signals of ours, or not all of our streams. It is started as
// with -d, and joined.
import { openSync } from 'node:fs'
import { type Detaching, runDetached } from '../engine/life/detach.ts'
import type { RunOptions } from '../engine/options.ts'
import { findContainer } from '../engine/state/list.ts'
import { directoryOf, shorten } from '../engine/state/store.ts'
import { type Held, joinSession, type SessionEnd, type SessionWish } from '../engine/terminal/session.ts'
import { O } from '../kernel/constants.ts'
import { outOfMemory } from './failure.ts'
import { leave } from './stay.ts'
import { printError } from './text/output.ts'

interface Following extends Pick<SessionWish, 'keys' | 'signals'>, Pick<Detaching, 'observer' | 'onMade'> {}

/** Ends this process with the exit code of its first run. */
export async function runFollowed(options: RunOptions, following: Following): Promise<number> {
  const { id, end } = await follow(options, following)
  if ('exitCode' in end && end.exitCode === 137 && wasOutOfMemory(id)) printError(outOfMemory(options))
  if ('left' in end && end.left === 'unread')
    printError(`toolkit: nobody reads what it writes; the container goes on, until: toolkit stop ${shorten(id)}`)
  return leave(end)
}

/** Makes and starts a container, and stays with it until it ends, or its user leaves. Throws KernelError and UsageError. */
export async function follow(
  options: RunOptions,
  { keys, signals, observer, onMade }: Following,
): Promise<{ id: string; end: SessionEnd }> {
  let held: Held | undefined
  const hold = (id: string) => {
    onMade?.(id)
    held = { id, fd: openSync(directoryOf('live', id), O.RDONLY) }
  }
  const { terminal, interactive, wording: { attach } = {} } = options
  const shown = attach?.filter(stream => stream !== 'stdin')
  const end = await joinSession({
    keys,
    signals,
    terminal,
    shown,
    stdin: interactive && attach?.includes('stdin') !== false,
    container: undefined,
    async start(staying) {
      await runDetached(options, { observer, staying, onMade: hold })
      return held
    },
  })
  return { id: held!.id, end }
}

function wasOutOfMemory(id: string): boolean {
  try {
    return findContainer(id).state?.oomKilled === true
  } catch {
    return false // it had --rm, and is gone
  }
}
