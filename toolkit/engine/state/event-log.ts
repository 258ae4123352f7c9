// Reads what events.ts has written: all that is there, and what comes, as soon as inotify(7) tells of it.
import { closeSync, fstatSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { type Attributes, type EventType, eventsDir } from './events.ts'
import { nextChange } from './watch.ts'

export interface Event {
  readonly Type: EventType
  readonly Action: string
  readonly Actor: { readonly ID: string; readonly Attributes: Attributes }
  /** Of containers. */
  readonly status?: string
  readonly id?: string
  readonly from?: string
  readonly scope: string
  /** Seconds since 1970. */
  readonly time: number
  /** Nanoseconds since 1970. */
  readonly nano: bigint
  /** Milliseconds since the start of the machine, and which one that was. */
  readonly clock: number
  readonly boot: string
  /** As docker has it. */
  readonly json: string
}

function parse(line: string): Event | undefined {
  try {
    const { timeNano: _lossy, ...event } = JSON.parse(line)
    const nano = BigInt(/"timeNano":(\d+)/.exec(line)![1]!)
    const json = `${line.slice(0, line.lastIndexOf(',"boot":'))}}`
    return typeof event.Actor?.ID === 'string' && typeof event.Action === 'string'
      ? { ...event, nano, json }
      : undefined
  } catch {
    return undefined // a disk that was full has cut it
  }
}

const CHUNK = 1 << 16
const AGAIN = 500 // milliseconds after which one looks without being told that something has changed

/** One of the two parts, and how far it has been read. */
class Part {
  readonly inode: number
  readonly #fd: number
  #at = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(fd: number) {
    this.#fd = fd
    this.inode = fstatSync(fd).ino
  }

  *read(): Generator<Event> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK)
      const count = readSync(this.#fd, chunk, 0, CHUNK, this.#at)
      if (count === 0) return
      this.#at += count
      let bytes: Buffer = Buffer.concat([this.#rest, chunk.subarray(0, count)])
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
        const event = parse(bytes.toString('utf8', 0, end))
        bytes = bytes.subarray(end + 1)
        if (event) yield event
      }
      this.#rest = bytes
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

function open(name: string): Part | undefined {
  try {
    return new Part(openSync(`${eventsDir()}/${name}`, 'r'))
  } catch {
    return undefined
  }
}

/** The events that there are, the oldest first, and with `follow` those to come, until `stop` resolves. */
export async function* readEvents({ follow, stop }: { follow: boolean; stop: Promise<void> }): AsyncGenerator<Event> {
  mkdirSync(eventsDir(), { recursive: true, mode: 0o700 })
  let older = open('log.1')
  let part = open('log')
  let over = false
  let wake = () => {}
  void stop.then(() => {
    over = true
    wake()
  })
  try {
    for (;;) {
      const changed = follow ? nextChange(eventsDir(), AGAIN) : undefined // before we look: nothing is missed
      if (older) yield* older.read() // one that began before the part was full may end after it
      if (part) yield* part.read()
      const now = statSync(`${eventsDir()}/log`, { throwIfNoEntry: false })?.ino
      if (now !== undefined && now !== part?.inode) {
        older?.close()
        older = part
        part = open('log')
        changed?.stop()
        continue
      }
      if (!changed || over) {
        changed?.stop()
        return
      }
      wake = changed.stop
      await changed.happened
    }
  } finally {
    older?.close()
    part?.close()
  }
}
