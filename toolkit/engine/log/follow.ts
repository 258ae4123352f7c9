// What a container that has a monitor writes, as it comes: until it has ended and all is read, or somebody has had enough.
import { closeSync, existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended } from '../../kernel/wait.ts'
import { readExit } from '../life/exit-record.ts'
import { lock } from '../state/files.ts'
import { sweep } from '../state/orphans.ts'
import { watchDirectory } from '../state/watch.ts'
import type { LogReader, Piece } from './log.ts'

const AGAIN = 500 // milliseconds after which one looks without being told that something has changed
const STEP = 20 // the same when the container has ended, and its monitor is about to write that down
const PATIENCE = 10_000

export interface Following {
  /** Resolves when all has been read. */
  readonly over: Promise<void>
  stop(): void
}

/**
 * Follows a log. `directory` may be one that moves, /proc/self/fd/N; `pidfd` is the container's, undefined where it has
 * ended already. `show` gets piece after piece. A monitor that was killed is replaced.
 */
export function followLog(
  directory: string,
  { reader, pidfd, show }: { reader: LogReader; pidfd: number | undefined; show: (piece: Piece) => Promise<void> },
): Following {
  let stopped = false
  let changed = false
  let complete = pidfd === undefined
  let wake = () => {}
  const notice = () => {
    changed = true
    wake()
  }
  const unattended = () => {
    const held = lock(`${directory}/lock`, { wait: false, shared: true })
    if (held !== undefined) closeSync(held)
    return held !== undefined
  }
  /** It has ended: until that is written down, or nobody is going to. */
  const settle = async () => {
    for (let waited = 0; waited < PATIENCE && !stopped; waited += STEP) {
      if (readExit(directory) || !existsSync(`${directory}/lock`)) break
      if (unattended()) {
        await sweep()
        if (unattended()) break // nobody is going to
      }
      await sleep(STEP)
    }
    complete = true
    notice()
  }
  const change = (): Promise<void> =>
    new Promise(resolve => {
      const timer = setTimeout(() => wake(), AGAIN)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const ending = pidfd === undefined ? undefined : ended(pidfd).then(settle)
  const follow = async () => {
    const unwatch = watchDirectory(directory, notice)
    try {
      while (!stopped) {
        changed = false
        const last = complete || readExit(directory) !== undefined
        for (const piece of reader.read({ all: last })) {
          await show(piece)
          if (stopped) return
        }
        if (last) return await ending // has come: but the pidfd is not to be closed as long as it is watched
        if (!changed) await change()
        if (!changed && unattended()) await sweep()
      }
    } finally {
      unwatch()
      reader.close()
    }
  }
  return {
    over: follow(),
    stop() {
      stopped = true
      notice()
    },
  }
}
