// What has happened, for `toolkit events`: a line of JSON each, in docker's words, in a file that all commands append to.
//
//   STATE/events/log      O_APPEND, and one write(2) an event: lines of several commands never mix
//   STATE/events/log.1    the older part, up to as much
//
// An event is told after it has happened, and never stands in the way: a disk that is full loses it.
import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { stateDir } from '../image/paths.ts'
import { rootfsDir } from '../image/rootfs.ts'
import { attempt } from '../kernel/call.ts'
import { CLOCK, LOCK } from '../kernel/constants.ts'
import { nanoseconds } from './exit-record.ts'
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

function append(line: string): void {
  const path = `${eventsDir()}/log`
  const fd = openSync(path, 'a', 0o600)
  try {
    writeSync(fd, line)
    if (fstatSync(fd).size > MOST) rotate(fd, path)
  } finally {
    closeSync(fd)
  }
}

/** The full part becomes the older one. Of several who see that, one does it. */
function rotate(fd: number, path: string): void {
  if (attempt('flock', [fd, LOCK.EX | LOCK.NB]) !== 0) return
  if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) renameSync(path, `${path}.1`)
}

/** Tells that something has happened. `more`: fields of the first level. */
export function record(type: EventType, action: string, id: string, attributes: Attributes, more: object = {}): void {
  const time = Buffer.alloc(16)
  attempt('clock_gettime', [CLOCK.REALTIME, time])
  const nano = nanoseconds(time)
  const { clock, boot } = steadyNow()
  const event = { ...more, Type: type, Action: action, Actor: { ID: id, Attributes: attributes }, scope: 'local' }
  const line = `${JSON.stringify(event).slice(0, -1)},"time":${nano / 1_000_000_000n},"timeNano":${nano},"boot":"${boot}","clock":${clock}}\n`
  try {
    try {
      append(line)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      makeTree(eventsDir()) // the first event of all
      append(line)
    }
  } catch {}
}

/** What a container was made of: the name of a root file system of ours, or a path. */
export function imageName(rootfs: string): string {
  const ours = `${rootfsDir()}/`
  return rootfs.startsWith(ours) ? rootfs.slice(ours.length) : rootfs
}

/** The same about a container. */
export function recordOf(
  { id, name, rootfs }: Pick<ContainerState, 'id' | 'name' | 'rootfs'>,
  action: string,
  attributes: Attributes = {},
): void {
  const from = imageName(rootfs)
  record('container', action, id, { ...attributes, image: from, name }, { status: action, id, from })
}
