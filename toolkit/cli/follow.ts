// `toolkit run` without -d of a container that somebody has to look after, whatever becomes of us: a restart policy, a health
// check, signals that are not for it. It is made and started as with -d, and joined as by `start -ai`.
import { createContainer } from '../engine/life/detach.ts'
import { remove } from '../engine/life/removal.ts'
import type { RunOptions } from '../engine/options.ts'
import { findContainer } from '../engine/state/list.ts'
import type { SessionWish } from '../engine/terminal/session.ts'
import type { Stream } from './flags/attach.ts'
import { startAndStay } from './stay.ts'

/** Ends this process with the exit code of its first run. */
export async function runFollowed(
  options: RunOptions,
  { keys, signals, shows }: Pick<SessionWish, 'keys' | 'signals'> & { shows?: readonly Stream[] },
  onMade: (id: string) => void,
): Promise<number> {
  const word = await createContainer(options)
  onMade(word)
  try {
    const stdin = options.interactive && (shows?.includes('stdin') ?? true)
    return await startAndStay(word, { keys, signals, stdin, ...(shows && { shows }) })
  } catch (error) {
    await forget(word)
    throw error
  }
}

/** One that could not be started leaves nothing, as without a policy. */
async function forget(id: string): Promise<void> {
  try {
    if (findContainer(id).state?.error !== undefined) await remove(id, { force: true, volumes: true, stuck: new Map() })
  } catch {} // it had --rm, and is gone
}
