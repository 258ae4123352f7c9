// What has happened, for `toolkit events`: a line of JSON each, in docker's words, in a file that all commands append to.
//
//   STATE/events/log      O_APPEND, and one write(2) an event: lines of several commands never mix
//   STATE/events/log.1    the older part, up to as much
//
// An event is told after it has happened, and never stands in the way: a disk that is full loses it.
import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { stateDir } from '../../image/paths.ts'
import { rootfsDir } from '../../image/rootfs.ts'
import { attempt } from '../../kernel/call.ts'
import { CLOCK, LOCK } from '../../kernel/constants.ts'
import { makeTree } from './files.ts'
import { bootId, type ContainerState } from './store.ts'

export type EventType = 'container' | 'network' | 'volume'
export type Attributes = Readonly<Record<string, string>>

/** Bytes of each of the two parts, at most about. */
export const MOST = 1 << 20

export const eventsDir = (): string => `${stateDir()}/events`

/** Milliseconds since the start of the machine, by a clock that nobody sets; and which start that was. */
export function steadyNow(): { clock: number; boot: string } {
  const [seconds, nano] = process.hrtime()
  return { clock: 1000 * seconds + Math.floor(nano / 1e6), boot: bootId().slice(0, 8) }
}

const FRESH = 2 // seconds; after that the file may have become the older part

let file: { readonly fd: number; readonly opened: number } | undefined
/** Lines that are still to be written down; each is made only then, when there is more time. */
let waiting: (() => string)[] = []

function open(): number {
  const now = process.hrtime()[0] // `performance` would have to be loaded first: half a millisecond
  if (file && now - file.opened < FRESH) return file.fd
  if (file) closeSync(file.fd)
  file = undefined
  const path = `${eventsDir()}/log`
  let fd: number
  try {
    fd = openSync(path, 'a', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    makeTree(eventsDir()) // the first event of all
    fd = openSync(path, 'a', 0o600)
  }
  file = { fd, opened: now }
  const { size, ino } = fstatSync(fd)
  if (size < MOST) return fd
  // The full part becomes the older one. Of several who see that, one does it.
  if (attempt('flock', [fd, LOCK.EX | LOCK.NB]) === 0 && statSync(path, { throwIfNoEntry: false })?.ino === ino)
    renameSync(path, `${path}.1`)
  closeSync(fd)
  file = undefined
  return open()
}

/** Writes down what waits for it. */
export function flush(): void {
  const lines = waiting
  if (lines.length === 0) return
  waiting = []
  try {
    writeSync(open(), lines.map(line => line()).join(''))
  } catch {}
}

const time = Buffer.alloc(16) // struct timespec

/** `"key":"value",` and so on. By hand: `toolkit run` is to be quick. */
function fields(values: Attributes): string {
  let text = ''
  for (const key in values) text += `${text && ','}${JSON.stringify(key)}:${JSON.stringify(values[key])}`
  return text
}

/**
 * Tells that something has happened. `more`: fields of the first level. With `hold` it is written down with the next one,
 * or by `flush`.
 */
export function record(
  type: EventType,
  action: string,
  id: string,
  attributes: Attributes,
  { more = {}, hold = false }: { more?: Attributes; hold?: boolean } = {},
): void {
  attempt('clock_gettime', [CLOCK.REALTIME, time])
  const seconds = time.readUIntLE(0, 6)
  const nano = String(time.readUInt32LE(8)).padStart(9, '0')
  const { clock, boot } = steadyNow()
  waiting.push(() => {
    const first = fields({ ...more, Type: type, Action: action })
    const actor = `{"ID":${JSON.stringify(id)},"Attributes":{${fields(attributes)}}}`
    const times = `"time":${seconds},"timeNano":${seconds}${nano},"boot":"${boot}","clock":${clock}`
    return `{${first},"Actor":${actor},"scope":"local",${times}}\n`
  })
  if (!hold) flush()
}

/** What a container was made of: the name of a root file system of ours, or a path. */
export function imageName(rootfs: string): string {
  const ours = `${rootfsDir()}/`
  return rootfs.startsWith(ours) ? rootfs.slice(ours.length) : rootfs
}

/** The same about a container; its labels are among the attributes. */
export function recordOf(
  { id, name, rootfs, options }: Pick<ContainerState, 'id' | 'name' | 'rootfs' | 'options'>,
  action: string,
  attributes: Attributes = {},
  hold = false,
): void {
  const from = imageName(rootfs)
  const all = { ...options?.labels, ...attributes, image: from, name }
  record('container', action, id, all, { more: { status: action, id, from }, hold })
}
