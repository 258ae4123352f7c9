// Who the users of a user namespace are outside: /proc/PID/uid_map and gid_map, user_namespaces(7).
import { readText } from './read.ts'
import { numbers } from './status.ts'

/** `count` ids from `inside` on are those from `outside` on in the user namespace of the reader. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

export interface IdMaps {
  /** Empty in a user namespace that has no map yet: everybody in it is nobody (65534). */
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
  /** Whether setgroups(2) may be called there; undefined where it isn't told. */
  readonly setgroups: 'allow' | 'deny' | undefined
}

const ranges = (text: string): IdRange[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => {
      const [inside, outside, count] = numbers(line) as [number, number, number]
      return { inside, outside, count }
    })

/** Undefined where the process is gone. */
export function readIdMaps(pid: number): IdMaps | undefined {
  const uid = readText(`/proc/${pid}/uid_map`)
  const gid = readText(`/proc/${pid}/gid_map`)
  if (uid === undefined || gid === undefined) return undefined
  const setgroups = readText(`/proc/${pid}/setgroups`)?.trim()
  return { uid: ranges(uid), gid: ranges(gid), setgroups: setgroups as IdMaps['setgroups'] }
}

/** Whether a map changes nothing: every id is itself, as in the host's own user namespace. */
export const isIdentity = (map: readonly IdRange[]): boolean =>
  map.length === 1 && map[0]!.inside === 0 && map[0]!.outside === 0 && map[0]!.count === 0xffffffff

/** Whether a map knows this id inside. */
export const isIn = (map: readonly IdRange[], id: number): boolean =>
  map.some(({ inside, count }) => id >= inside && id < inside + count)

let own: IdMaps | undefined

/** Of the user namespace that we are in. Read once: a map never changes. */
export const ownMaps = (): IdMaps => (own ??= readIdMaps(process.pid) ?? { uid: [], gid: [], setgroups: undefined })

/** Whether we are in the host's own user namespace, or in one that is as good. */
export const inInitialUsers = (): boolean => isIdentity(ownMaps().uid)
