// Changes in a directory, told by inotify(7). Of that a user has only so much (fs.inotify in sysctl(8), and an editor takes
// a lot): who waits for a change looks from time to time, too, and does without.
import { watch } from 'node:fs'

/** Tells of changes, where it can. Returns what ends that. */
export function watchDirectory(directory: string, notice: () => void): () => void {
  try {
    const watcher = watch(directory, notice)
    watcher.on('error', () => {})
    return () => watcher.close()
  } catch {
    return () => {}
  }
}

/** The next change, or so many milliseconds. Never rejects. */
export function nextChange(directory: string, milliseconds: number): { happened: Promise<void>; stop(): void } {
  let stop = () => {}
  const happened = new Promise<void>(resolve => {
    const unwatch = watchDirectory(directory, () => stop())
    const timer = setTimeout(() => stop(), milliseconds)
    stop = () => {
      clearTimeout(timer)
      unwatch()
      resolve()
    }
  })
  return { happened, stop: () => stop() }
}
