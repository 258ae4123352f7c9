// What a container may be where the engine is root of a user namespace only (rootless.ts): what its kernel would refuse is
// refused before anything is made, by the name of the flag.
import { inInitialUsers, isIn, ownMaps } from '../observe/id-maps.ts'
import { ownerOf, readNamespace } from '../observe/namespaces.ts'
import type { User } from '../primitives/credentials.ts'
import { refuse } from './host.ts'
import type { RunOptions } from './options.ts'

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
    throw refuse('root', { asked: `run: --user ${user.uid}:${user.gid}`, detail: NO_RANGE })
  for (const { type, destination, options } of mounts.mounts) {
    const owner = options.find(option => {
      const [, what, id] = /^([ug]id)=(\d+)$/.exec(option) ?? []
      return what !== undefined && !isIn(what === 'uid' ? maps.uid : maps.gid, Number(id))
    })
    if (type === 'tmpfs' && owner)
      throw refuse('root', { asked: `run: --tmpfs ${destination}:${owner}`, detail: NO_RANGE })
  }
  const { additionalGids = [], ...rest } = user
  const groups = maps.setgroups === 'deny' ? undefined : additionalGids.filter(gid => isIn(maps.gid, gid))
  if (groupAdd.length > 0 && groups?.length !== additionalGids.length)
    throw refuse('root', { asked: `run: --group-add ${groupAdd.join(' --group-add ')}`, detail: NO_RANGE })
  return (groups ? { ...rest, additionalGids: groups } : rest) as T
}
