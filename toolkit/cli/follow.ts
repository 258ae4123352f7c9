// `toolkit run` without -d of a container that somebody has to look after, whatever becomes of us: a restart policy, a health
// check. It is made and started as with -d, and joined as by `start -ai`.
import { createContainer, startContainer } from '../engine/life/detach.ts'
import type { RunOptions } from '../engine/options.ts'
import { stay } from './stay.ts'

/** Ends this process with the exit code of its first run. */
export async function runFollowed(
  options: RunOptions,
  keys: Uint8Array,
  onMade: (id: string) => void,
): Promise<number> {
  const word = await createContainer(options)
  onMade(word)
  const start = async () => {
    let writer: number | undefined
    await startContainer(word, options.interactive ? fd => (writer = fd) : undefined)
    return writer
  }
  return stay({ word, keys, stdin: options.interactive, signals: true, start })
}
