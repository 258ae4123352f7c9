// A container that has a monitor, watched: what it writes from now on, our signals to it, and its exit code in the end.
import { holdProcess, outcome } from '../engine/lifecycle.ts'
import { findContainer, placeOf } from '../engine/list.ts'
import { forwardSignals } from '../engine/signals.ts'
import { showLog } from './show-log.ts'

/** Starts it and watches it. Resolves to its exit code, or 125 where nobody knows it. */
export async function follow(word: string, start: () => Promise<void>): Promise<number> {
  const since = BigInt(Date.now()) * 1_000_000n
  await start()
  const row = findContainer(word)
  const pidfd = holdProcess(row.state)
  const signals = forwardSignals()
  if (pidfd !== undefined) signals.to(pidfd)
  await showLog(row, { follow: true, since, directory: placeOf(row) })
  signals.stop()
  return (await outcome(row.id))?.exitCode ?? 125
}
