// Prints the log of a container: all at once, or as it comes.
import { closeSync, openSync, watch } from 'node:fs'
import { mayGoOn } from '../engine/end-policy.ts'
import { type ContainerRow, findContainer } from '../engine/list.ts'
import { Lines, LogReader, type Piece } from '../engine/log.ts'
import { writeBytes } from './output.ts'
import { formatTime } from './times.ts'

export interface LogWish {
  /** Where the container is now. */
  readonly directory: string
  readonly follow?: boolean
  readonly timestamps?: boolean
  /** Lines. */
  readonly tail?: number
  /** Nanoseconds since 1970. */
  readonly since?: bigint
  readonly until?: bigint
  /** Whether somebody may still write to it. */
  readonly writes?: () => boolean
}

const AGAIN = 500 // milliseconds after which one looks without being told that something has changed

function mayWrite(id: string): boolean {
  try {
    const row = findContainer(id)
    return row.running || mayGoOn(row)
  } catch {
    return false // removed
  }
}

/** Resolves when all is printed, or when nobody reads it any more. */
export async function showLog({ id }: ContainerRow, wish: LogWish): Promise<void> {
  const { follow = false, timestamps = false, tail, since = 0n, until, writes = () => mayWrite(id) } = wish
  const held = openSync(wish.directory, 'r') // the directory moves when the container ends
  const reader = new LogReader(`/proc/self/fd/${held}`)
  const lines = new Lines()
  const whole = timestamps || tail !== undefined
  let open = true
  const show = ({ stream, time, data }: Piece) => {
    const fd = stream === 'stdout' ? 1 : 2
    if (open) open = writeBytes(fd, timestamps ? Buffer.concat([Buffer.from(`${formatTime(time)} `), data]) : data)
  }
  const isMeant = ({ time }: Piece) => time >= since && (until === undefined || time <= until)
  let last: Piece[] | undefined = tail === undefined ? undefined : []
  const take = (piece: Piece) => {
    if (!isMeant(piece)) return
    if (!last) return show(piece)
    last.push(piece)
    if (last.length > 2 * tail! + 1000) last = last.slice(last.length - tail!) // not for each line: that takes time
  }
  const read = (all: boolean) => {
    for (const piece of reader.read({ all })) {
      if (!whole) take(piece)
      else for (const line of lines.add(piece)) take(line)
      if (!open) return
    }
    if (all) for (const line of lines.rest()) take(line)
    if (last) for (const piece of tail! > 0 ? last.slice(-tail!) : []) show(piece)
    last = undefined
  }
  try {
    for (;;) {
      const changed = follow ? change(`/proc/self/fd/${held}`) : undefined // before we look: nothing is missed
      const over = !writes()
      read(over || !follow)
      if (over || !follow || !open) {
        changed?.stop()
        return
      }
      await changed!.happened
    }
  } finally {
    reader.close()
    closeSync(held)
  }
}

/** The next change in a directory, or a while. */
function change(directory: string): { happened: Promise<void>; stop(): void } {
  let stop = () => {}
  const happened = new Promise<void>(resolve => {
    const watcher = watch(directory, () => stop())
    const timer = setTimeout(() => stop(), AGAIN)
    stop = () => {
      clearTimeout(timer)
      watcher.close()
      resolve()
    }
  })
  return { happened, stop: () => stop() }
}
