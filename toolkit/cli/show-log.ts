// Prints the log of a container: all at once, or as it comes.
import { closeSync, openSync } from 'node:fs'
import { mayGoOn } from '../engine/life/end-policy.ts'
import { Lines, LogReader, type Piece, type StreamName } from '../engine/log/log.ts'
import { type ContainerRow, findContainer } from '../engine/state/list.ts'
import { nextChange } from '../engine/state/watch.ts'
import { printError, writeBytes } from './text/output.ts'
import { formatTime } from './text/times.ts'

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

const isPast = (until: bigint | undefined): boolean => until !== undefined && BigInt(Date.now()) * 1_000_000n > until

const MUCH = 1 << 18 // bytes for one call of write(2)

/** Many small pieces become few large writes, in the same order. */
class Output {
  /** Somebody reads it. */
  open = true
  #stream: StreamName = 'stdout'
  #parts: Uint8Array[] = []
  #size = 0

  add(stream: StreamName, data: Uint8Array): void {
    if (stream !== this.#stream || this.#size >= MUCH) this.flush()
    this.#stream = stream
    this.#parts.push(data)
    this.#size += data.length
  }

  flush(): void {
    const [first, ...more] = this.#parts
    if (first && this.open)
      this.open = writeBytes(this.#stream === 'stdout' ? 1 : 2, more.length > 0 ? Buffer.concat(this.#parts) : first)
    this.#parts = []
    this.#size = 0
  }
}

/** Makes the words before a line; many lines come at one time. */
function stamper(): (time: bigint) => Uint8Array {
  let last = { time: -1n, text: Buffer.alloc(0) }
  return time => {
    if (time !== last.time) last = { time, text: Buffer.from(`${formatTime(time)} `) }
    return last.text
  }
}

/** Resolves when all is printed, or when nobody reads it any more. */
export async function showLog({ id }: ContainerRow, wish: LogWish): Promise<void> {
  const { follow = false, timestamps = false, tail, since = 0n, until, writes = () => mayWrite(id) } = wish
  const held = openSync(wish.directory, 'r') // the directory moves when the container ends
  const whole = timestamps || tail !== undefined
  const timed = timestamps || since > 0n || until !== undefined
  const reader = new LogReader(`/proc/self/fd/${held}`, { joined: !timed })
  if (tail !== undefined && until === undefined) reader.skipTo(tail)
  const lines = new Lines()
  const output = new Output()
  const stamp = stamper()
  const show = ({ stream, time, data }: Piece) => {
    if (timestamps) output.add(stream, stamp(time))
    output.add(stream, data)
  }
  const isMeant = ({ time }: Piece) => !timed || (time >= since && (until === undefined || time <= until))
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
      if (!output.open) return
    }
    if (all) for (const line of lines.rest()) take(line)
    if (last) for (const piece of tail! > 0 ? last.slice(-tail!) : []) show(piece)
    last = undefined
    output.flush()
  }
  try {
    for (;;) {
      const changed = follow ? nextChange(`/proc/self/fd/${held}`, AGAIN) : undefined // before we look: nothing is missed
      const over = !writes() || isPast(until)
      read(over || !follow)
      if (over || !follow || !output.open) {
        changed?.stop()
        break
      }
      await changed!.happened
    }
    if (reader.lost > 0) printError(`toolkit: ${reader.lost} bytes of this log are missing: the disk was full`)
  } finally {
    reader.close()
    closeSync(held)
  }
}
