// The flags that give a container users of its own. Podman's words and syntax.
import { readFileSync } from 'node:fs'
import type { UsageError } from '../../kernel/usage-error.ts'
import { formatMap, type IdMapping, type Mappings } from '../../primitives/user.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  userns: {
    value: 'host|private',
    help: 'whose users it has; private: its root is nobody on the host (default: host; private with a map)',
    blank: true,
  },
  uidmap: { value: 'CONTAINER:HOST:SIZE', many: true, help: 'users of its own: which ones they are on the host' },
  gidmap: { value: 'CONTAINER:HOST:SIZE', many: true, help: 'the same for groups (default: as --uidmap)' },
} satisfies Record<string, Flag>

const refuse: (flag: keyof typeof flags, value: string, allowed: string) => UsageError = refuseValue

function range(flag: 'uidmap' | 'gidmap', value: string): IdMapping {
  const [, containerID, hostID, size = '1'] = /^(\d{1,10}):(\d{1,10})(?::(\d{1,10}))?$/.exec(value) ?? []
  if (containerID === undefined)
    throw refuse(
      flag,
      value,
      'give three numbers, such as 0:100000:65536: the ids from 0 on are those from 100000 on outside',
    )
  return { containerID: Number(containerID), hostID: Number(hostID), size: Number(size) }
}

function mapOf(flag: 'uidmap' | 'gidmap', values: readonly string[]): readonly IdMapping[] {
  const map = values.map(value => range(flag, value))
  try {
    formatMap(map, flag === 'uidmap' ? 'uid' : 'gid')
  } catch (error) {
    throw refuse(flag, values.join(' '), (error as Error).message.replace(/^[ug]id map: /, ''))
  }
  return map
}

const RANGE = '100000:65536' // where useradd(8) begins to give out subordinate ids, and how many at a time

/**
 * The range of ids on the host that nobody else has: what /etc/subuid or /etc/subgid sets aside for `toolkit`, or else
 * for root, see subuid(5); without that, 65536 from 100000 on. Every container gets the same.
 */
function ownRange(file: string): readonly IdMapping[] {
  let lines: string[] = []
  try {
    lines = readFileSync(file, 'utf8').split('\n')
  } catch {
    // not there: nobody has set anything aside
  }
  const of = (user: string) =>
    lines.map(line => new RegExp(`^${user}:(\\d{1,10}:\\d{1,10})$`).exec(line)?.[1]).find(Boolean)
  const [hostID, size] = (of('toolkit') ?? of('root') ?? RANGE).split(':').map(Number) as [number, number]
  return [{ containerID: 0, hostID, size }]
}

/** The ids of a user namespace; undefined: none of its own. Throws a UsageError that names the flag. */
export function users(given: Parsed['flags'], etc = '/etc'): Mappings | undefined {
  const many = (flag: 'uidmap' | 'gidmap') => (given[flag] ?? []) as readonly string[]
  const [uids, gids] = [many('uidmap'), many('gidmap')]
  const userns = (given.userns ?? (uids.length + gids.length > 0 ? 'private' : 'host')) as string
  if (userns !== 'host' && userns !== 'private') throw refuse('userns', userns, 'allowed: host, private')
  if (userns === 'host') {
    if (uids.length + gids.length > 0) throw refuse('userns', 'host', 'leave --uidmap and --gidmap out, or say private')
    return undefined
  }
  if (uids.length + gids.length === 0)
    return { uidMappings: ownRange(`${etc}/subuid`), gidMappings: ownRange(`${etc}/subgid`) }
  return {
    uidMappings: uids.length > 0 ? mapOf('uidmap', uids) : mapOf('gidmap', gids),
    gidMappings: gids.length > 0 ? mapOf('gidmap', gids) : mapOf('uidmap', uids),
  }
}
