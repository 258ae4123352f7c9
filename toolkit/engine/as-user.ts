// Whose ids a container may have: those that its user namespace maps. And what else it may be where the engine is root of
// a user namespace only (rootless.ts). What the kernel would refuse is refused before anything is made, by the flag's name.
import { quoteValue, UsageError } from '../kernel/usage-error.ts'
import { inInitialUsers, isIn, ownMaps } from '../observe/id-maps.ts'
import { ownerOf, readNamespace } from '../observe/namespaces.ts'
import type { User } from '../primitives/credentials.ts'
import type { Mount } from '../primitives/mount.ts'
import { outside } from '../primitives/user.ts'
import { refuse } from './host.ts'
import type { RunOptions } from './options.ts'
import { askedAt } from './refusal.ts'

const NO_RANGE = 'ids other than 0 take a range in /etc/subuid and /etc/subgid, and newuidmap'

/** Whether our namespace of this type belongs to our user namespace. */
const isOurs = (type: 'net' | 'pid' | 'ipc' | 'cgroup'): boolean =>
  ownerOf(process.pid, type)?.inode === readNamespace(process.pid, 'user').inode

/** The user, with those groups that can be had. Throws a HostRefusal. */
export function asFarAsMapped<T extends User>(user: T, options: RunOptions): T {
  if (inInitialUsers()) return user
  const { namespaces, network, groupAdd, mounts } = options
  const maps = ownMaps()
  if (network.mode === 'bridge' && !isOurs('net')) throw refuse('root', { asked: 'run: --net bridge' })
  for (const type of ['pid', 'ipc', 'cgroup'] as const)
    if (namespaces[type] === 'host' && !isOurs(type))
      throw refuse('root', {
        asked: `run: --${type === 'cgroup' ? 'cgroupns' : type} host`,
        detail: 'to mount what shows the host’s',
      })
  if (namespaces.users)
    throw refuse('root', { asked: 'run: --userns private', detail: 'to show an image with other owners than it has' })
  if (!isIn(maps.uid, user.uid) || !isIn(maps.gid, user.gid))
    throw refuse('root', { asked: `run: --user ${quoteValue(options.user ?? 'root')}`, detail: NO_RANGE })
  for (const { destination, what, id } of owners(mounts.mounts))
    if (!isIn(what === 'user' ? maps.uid : maps.gid, id))
      throw refuse('root', { asked: flagOf(mounts, destination), detail: NO_RANGE })
  const { additionalGids = [], ...rest } = user
  const groups = maps.setgroups === 'deny' ? undefined : additionalGids.filter(gid => isIn(maps.gid, gid))
  if (groupAdd.length > 0 && groups?.length !== additionalGids.length)
    throw refuse('root', { asked: addedBy(groupAdd), detail: NO_RANGE })
  return (groups ? { ...rest, additionalGids: groups } : rest) as T
}

/** Whose the user's file systems in memory shall be. */
const owners = (mounts: readonly Mount[]) =>
  mounts.flatMap(({ type, destination, options }) =>
    options.flatMap(option => {
      const [, what, id] = /^([ug])id=(\d+)$/.exec(option) ?? []
      return type !== 'tmpfs' || what === undefined
        ? []
        : [{ destination, what: what === 'u' ? 'user' : 'group', id: Number(id) } as const]
    }),
  )

const flagOf = ({ asked }: RunOptions['mounts'], destination: string): string =>
  askedAt(asked, destination, `run: --tmpfs ${destination}`)

const addedBy = (groups: readonly string[]): string =>
  `run: ${groups.map(word => `--group-add ${quoteValue(word)}`).join(' ')}`

/** Throws a UsageError for a user or a group that is nobody in the user namespace which the container is to have. */
export function checkMapped({ uid, gid, additionalGids = [] }: User, options: RunOptions): void {
  const { namespaces, user, groupAdd, mounts } = options
  if (!namespaces.users) return
  const { uidMappings, gidMappings } = namespaces.users
  const check = (asked: string, what: 'user' | 'group', id: number) => {
    const map = what === 'user' ? uidMappings : gidMappings
    if (outside(map, id) !== undefined) return
    const allowed = map.map(({ containerID: first, size }) => (size > 1 ? `${first}-${first + size - 1}` : first))
    throw new UsageError(`${asked}: its user namespace has no ${what} ${id}; allowed: ${allowed.join(', ')}`)
  }
  const flag = user === undefined ? 'run: --gidmap' : `run: --user ${quoteValue(user)}`
  check(flag, 'user', uid)
  check(flag, 'group', gid)
  const added = groupAdd.length > 0 ? addedBy(groupAdd) : flag
  for (const id of additionalGids) check(added, 'group', id)
  for (const { destination, what, id } of owners(mounts.mounts)) check(flagOf(mounts, destination), what, id)
}
