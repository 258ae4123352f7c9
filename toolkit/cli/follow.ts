// A container that has a monitor, watched: what it writes from now on, our signals to it, and its exit code in the end.

import type { Observer } from '../engine/carry-out.ts'
import { runDetached } from '../engine/detach.ts'
import { holdProcess, outcome } from '../engine/lifecycle.ts'
import { findContainer, placeOf } from '../engine/list.ts'
import type { RunOptions } from '../engine/options.ts'
import { forwardSignals } from '../engine/signals.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { showLog } from './show-log.ts'

/** Starts it and watches it until its program ends, whether or not it is started again. Resolves to its exit code, or 125 where nobody knows it. */
export async function follow(word: string, start: () => Promise<void>): Promise<number> {
  const since = BigInt(Date.now()) * 1_000_000n
  await start()
  return watch(word, since)
}

async function watch(word: string, since: bigint): Promise<number> {
  const row = findContainer(word)
  const pidfd = holdProcess(row.state)
  const signals = forwardSignals()
  if (pidfd !== undefined) signals.to(pidfd)
  const runs = () => {
    try {
      const { state } = findContainer(row.id)
      return state?.pid === row.state?.pid && state?.finished === undefined
    } catch {
      return false // removed
    }
  }
  await showLog(row, { follow: true, since, directory: placeOf(row), writes: runs })
  signals.stop()
  return (await outcome(row.id))?.exitCode ?? 125
}

/** `toolkit run` without -d of a container that has somebody to look after it. */
export async function runFollowed(options: RunOptions, observer: Observer | undefined): Promise<number> {
  if (options.interactive || options.terminal)
    throw new UsageError('run: --restart and --health-cmd go with -i and -t only in the background so far; add -d')
  const since = BigInt(Date.now()) * 1_000_000n
  const id = await runDetached(options, observer)
  return watch(id, since)
}
