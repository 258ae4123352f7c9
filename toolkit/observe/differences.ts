// What separates two processes, each difference with what it means and the lesson that teaches it.
import type { LessonName } from '../kernel/step.ts'
import type { CapabilitySet } from './capabilities.ts'
import type { IdMaps } from './id-maps.ts'
import { LIMIT_NAMES, type Limit } from './limits.ts'
import { mountOver } from './mounts.ts'
import { NAMESPACE_TYPES, type NamespaceType } from './namespaces.ts'
import type { Cgroups, Xray } from './xray.ts'

export interface Difference {
  /** What differs: uts, root directory, capabilities … */
  readonly what: string
  readonly lesson: LessonName
  /** What it means, one sentence. */
  readonly meaning: string
  /** How it is with the first, and with the second. */
  readonly first: string
  readonly second: string
}

type Meaning = Pick<Difference, 'lesson' | 'meaning'>

const NAMESPACES: Record<NamespaceType, Meaning> = {
  mnt: { lesson: '05-mount', meaning: 'its own mounts: what one mounts or unmounts, the other need not see.' },
  uts: { lesson: '02-uts', meaning: 'its own host name: sethostname(2) of one changes nothing for the other.' },
  ipc: { lesson: '03-ipc', meaning: 'its own shared memory, semaphores and message queues of System V and POSIX.' },
  pid: { lesson: '04-pid', meaning: 'its own process numbers: what is outside it can be neither seen nor killed.' },
  pid_for_children: { lesson: '04-pid', meaning: 'its children are numbered in another pid namespace than it is.' },
  net: { lesson: '06-net', meaning: 'its own links, addresses, routes, ports and firewall rules.' },
  user: { lesson: '07-user', meaning: 'its own users: root in there has power over no more than what belongs to it.' },
  cgroup: { lesson: '08-cgroup-time', meaning: 'its own view of the cgroups: its own group looks like the top.' },
  time: { lesson: '08-cgroup-time', meaning: 'its own uptime: the monotonic and the boot clock may be set apart.' },
}

const list = (items: readonly unknown[]): string => items.join(', ') || 'none'
const range = ({ soft, hard }: Limit): string => [soft, hard].map(n => (Number.isFinite(n) ? n : 'unlimited')).join('/')
// A root cgroup has no limits, and no files for them either.
const figure = (limit: number | undefined): string =>
  limit === undefined || !Number.isFinite(limit) ? 'unlimited' : String(limit)
const processors = ({ cpu }: Cgroups['figures']): number | undefined =>
  cpu?.quota === undefined || !cpu.period ? undefined : cpu.quota / cpu.period
const map = (maps: IdMaps): string =>
  (['uid', 'gid'] as const)
    .map(kind => `${kind} ${list(maps[kind].map(({ inside, outside, count }) => `${inside}→${outside}×${count}`))}`)
    .join(', ')

/** Something that two processes may have differently. What could not be read is undefined, and differs from nothing. */
interface Row extends Meaning {
  readonly what: string
  readonly of: (process: Xray) => string | readonly string[] | undefined
}

const CAPABILITIES: Record<CapabilitySet, string> = {
  effective: 'what of root’s power it has now.',
  permitted: 'what of root’s power it can switch on.',
  bounding: 'what is not in here no program that it starts can ever get, not even a setuid one.',
  inheritable: 'what it passes on to programs whose files ask for it.',
  ambient: 'what it passes on to any program, root or not.',
}

const rows: readonly Row[] = [
  {
    what: 'host name',
    lesson: '02-uts',
    meaning: 'the name by which each knows its machine.',
    of: ({ hostname }) => hostname,
  },
  {
    what: 'root directory',
    lesson: '01-chroot',
    meaning: 'its own files: / is another directory, and what lies outside of it has no path.',
    of: ({ identity: { root } }) => root && `${root.path} (${root.id})`,
  },
  {
    what: 'root file system',
    lesson: '12-overlay',
    meaning: 'what / lies on: an overlay reads from layers and writes beside them.',
    of: ({ mounts }) => mounts && mountOver(mounts, '/')?.fsType,
  },
  {
    what: 'mount points',
    lesson: '05-mount',
    meaning: 'what is mounted where.',
    of: ({ mounts }) => mounts?.map(({ mountPoint }) => mountPoint),
  },
  {
    what: 'read-only mounts',
    lesson: '17-security',
    meaning: 'what nobody can write to by this path, whatever his rights.',
    of: ({ mounts }) => mounts?.filter(({ options }) => options.includes('ro')).map(({ mountPoint }) => mountPoint),
  },
  {
    what: 'cgroups',
    lesson: '09-pids',
    meaning: 'its own groups: what it uses is counted and limited apart.',
    of: ({ cgroups }) =>
      cgroups?.hierarchies.map(({ controllers, version, path }) =>
        version === 2 ? path : `${controllers.join(',')}:${path}`,
      ),
  },
  {
    what: 'process limit',
    lesson: '09-pids',
    meaning: 'how many processes its cgroup may have: a fork bomb ends there.',
    of: ({ cgroups }) => cgroups && figure(cgroups.figures.pids?.limit),
  },
  {
    what: 'memory limit',
    lesson: '10-memory',
    meaning: 'bytes that its cgroup may use before the kernel kills in it.',
    of: ({ cgroups }) => cgroups && figure(cgroups.figures.memory?.limit),
  },
  {
    what: 'processor limit',
    lesson: '11-limits',
    meaning: 'how many processors its cgroup may use all of the time.',
    of: ({ cgroups }) => cgroups && figure(processors(cgroups.figures)),
  },
  {
    what: 'routes',
    lesson: '15-bridge',
    meaning: 'where its packets go, and where they cannot.',
    of: ({ network: { routes } }) =>
      routes?.map(({ destination, gateway, device }) =>
        [destination, gateway && `via ${gateway}`, device].filter(Boolean).join(' '),
      ),
  },
  {
    what: 'links',
    lesson: '14-veth',
    meaning: 'the network links that it can send on.',
    of: ({ network: { links } }) => links?.map(({ name, up }) => (up ? name : `${name} (down)`)),
  },
  {
    what: 'id maps',
    lesson: '07-user',
    meaning: 'who its users are outside: inside→outside×count.',
    of: ({ rights: { idMaps } }) => idMaps && map(idMaps),
  },
  {
    what: 'user',
    lesson: '17-security',
    meaning: 'another user or group: the permissions of files are decided by it.',
    of: ({ identity: { uid, gid } }) => `uid ${uid[1]}, gid ${gid[1]}`,
  },
  {
    what: 'groups',
    lesson: '17-security',
    meaning: 'other supplementary groups: each opens the files of that group.',
    of: ({ identity: { groups } }) => groups.map(String),
  },
  ...(Object.keys(CAPABILITIES) as CapabilitySet[]).map(
    (set): Row => ({
      what: `${set} capabilities`,
      lesson: '17-security',
      meaning: CAPABILITIES[set],
      of: ({ rights: { capabilities } }) => capabilities?.[set],
    }),
  ),
  {
    what: 'seccomp',
    lesson: '17-security',
    meaning: 'which system calls it may make: each one passes through these filters first.',
    of: ({ rights: { seccomp } }) => seccomp && [seccomp.mode, seccomp.filters].filter(Boolean).join(' '),
  },
  {
    what: 'no new privileges',
    lesson: '17-security',
    meaning: 'whether a setuid program could still give it more rights.',
    of: ({ rights: { seccomp } }) => seccomp && (seccomp.noNewPrivs ? 'yes' : 'no'),
  },
  {
    what: 'OOM adjustment',
    lesson: '10-memory',
    meaning: 'which one the kernel rather kills when memory runs out: the one with more.',
    of: ({ rights: { oom } }) => oom && String(oom.adjustment),
  },
  ...LIMIT_NAMES.map(
    (name): Row => ({
      what: `limit ${name}`,
      lesson: '11-limits',
      meaning: 'how much a process may take, soft/hard.',
      of: ({ rights: { limits } }) => limits?.[name] && range(limits[name]),
    }),
  ),
  {
    what: 'session',
    lesson: '20-engine',
    meaning: 'its own session: ^C and the hang-up at the terminal of the other do not reach it.',
    of: ({ identity: { session } }) => String(session),
  },
]

/** How many there are, and those that the other has not got: nobody wants to compare forty names by eye. */
function describe(these: readonly string[], those: readonly string[]): string {
  const only = these.filter(name => !those.includes(name))
  if (these.length === 0) return 'none'
  return only.length === these.length
    ? list(only)
    : `${these.length}${only.length > 0 ? `, only here: ${list(only)}` : ''}`
}

function compare(a: ReturnType<Row['of']>, b: ReturnType<Row['of']>): [string, string] | undefined {
  if (a === undefined || b === undefined) return undefined
  if (typeof a === 'string' || typeof b === 'string') return a === b ? undefined : [String(a), String(b)]
  const equal = [...new Set(a)].sort().join('\0') === [...new Set(b)].sort().join('\0')
  return equal ? undefined : [describe(a, b), describe(b, a)]
}

const namespaceRows: readonly Row[] = NAMESPACE_TYPES.map(type => ({
  what: type,
  ...NAMESPACES[type],
  // that of its children is its own, but for a moment
  of: ({ namespaces }) =>
    type === 'pid_for_children' && namespaces?.pid_for_children?.id === namespaces?.pid?.id
      ? 'its own'
      : namespaces?.[type]?.id,
}))

/** What differs between two processes, the namespaces first. What could not be read of one is left out. */
export function differences(a: Xray, b: Xray): Difference[] {
  return [...namespaceRows, ...rows].flatMap(({ of, ...row }): Difference[] => {
    const found = compare(of(a), of(b))
    return found ? [{ ...row, first: found[0], second: found[1] }] : []
  })
}
