// A process as text: what belongs together stands together, in the order of the course.
import { CAPABILITY_NAMES } from '../../observe/capabilities.ts'
import { type IdRange, isIdentity } from '../../observe/id-maps.ts'
import type { Limit } from '../../observe/limits.ts'
import type { Mount } from '../../observe/mounts.ts'
import type { Tree } from '../../observe/process.ts'
import type { Socket } from '../../observe/sockets.ts'
import type { Identity, NamespaceView, Network, Xray } from '../../observe/xray.ts'
import { colour, fit, row } from './layout.ts'
import { printable, printableWords } from './printable.ts'

const STATES: Record<string, string> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for a disk',
  T: 'stopped',
  t: 'traced',
  Z: 'ended, and its parent has not asked how',
  X: 'dead',
  I: 'idle',
}

/** A title and its text; undefined where there is nothing to say. */
type Line = readonly [title: string, text: string | undefined]

function section(title: string, lines: readonly Line[], titles?: number): string | undefined {
  const said = lines.flatMap(([name, text]) => (text === undefined ? [] : [row(name, text, titles ? { titles } : {})]))
  return said.length === 0 ? undefined : [colour(1, title), ...said].join('\n')
}

/** What it was started as, or in brackets what it is called. */
export const nameOf = ({ argv, comm }: Pick<Identity, 'argv' | 'comm'>): string =>
  argv.length > 0 ? printableWords(argv) : `[${printable(comm)}]`

function same(ids: readonly number[]): string {
  const [real, effective, saved, files] = ids
  return ids.every(id => id === real) ? String(real) : `${real}, effective ${effective}, saved ${saved}, files ${files}`
}

function identity({ identity: found, hostname }: Xray): Line[] {
  const { nsPid, session, pid, terminal, descriptors, environment } = found
  const kinds = Object.entries(descriptors?.kinds ?? {}).map(([kind, count]) => `${count} ${kind}`)
  return [
    ['state', (STATES[found.state] ?? found.state) + (found.isKernelThread ? ', a thread of the kernel' : '')],
    ['pid', nsPid.length > 1 ? `${pid} here, ${nsPid.slice(1).join(', then ')} inside` : String(pid)],
    ['parent', found.ppid === 0 ? 'none to be seen from here' : String(found.ppid)],
    [
      'session',
      `${session === pid ? 'its leader' : session || 'none'}, ${terminal ? `terminal ${terminal}` : 'no terminal'}`,
    ],
    ['user', same(found.uid)],
    ['group', same(found.gid) + (found.groups.length > 0 ? `, also ${found.groups.join(' ')}` : '')],
    ['host name', hostname && printable(hostname)],
    ['root', found.root && printable(found.root.path)],
    ['directory', found.cwd && printable(found.cwd.path)],
    ['program', found.exe && printable(found.exe.path)],
    ['threads', String(found.threads)],
    ['open files', descriptors && (kinds.length > 0 ? `${descriptors.count}: ${kinds.join(', ')}` : 'none')],
    ['environment', environment === undefined ? undefined : `${environment} bytes`],
  ]
}

function whose({ isHosts, isOurs }: NamespaceView): string {
  if (isHosts) return isOurs ? 'the host’s, and ours' : 'the host’s'
  return isOurs ? 'ours' : isHosts === undefined ? 'not ours' : 'its own'
}

function namespaces({ namespaces: found }: Xray): Line[] {
  const users = found?.user?.id
  const hasChange = found?.pid_for_children?.id !== found?.pid?.id
  const entries = Object.entries(found ?? {}).filter(([type]) => hasChange || type !== 'pid_for_children')
  return entries.map(([type, view]) => {
    const owner = view.owner && view.owner !== users ? `, belongs to ${view.owner}` : ''
    return [type === 'pid_for_children' ? 'pid, children' : type, `${view.id}  ${whose(view)}${owner}`]
  })
}

const SHOWN_MOUNTS = 40

/** What is mounted where, with what bites: read-only, and no devices, setuid bits or programs. */
function mount({ mountPoint, fsType, root, options, propagation }: Mount): Line {
  const flags = ['ro', 'nosuid', 'nodev', 'noexec'].filter(flag => options.includes(flag))
  const spread = propagation.shared !== undefined ? 'shared' : propagation.master !== undefined ? 'slave' : undefined
  const part = root === '/' ? undefined : `of ${printable(root)}`
  return [printable(mountPoint), [fsType, part, ...flags, spread].filter(Boolean).join(' ')]
}

const mounts = ({ mounts: found }: Xray): Line[] => (found ?? []).slice(0, SHOWN_MOUNTS).map(mount)

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

function size(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'unlimited'
  const unit = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Number((bytes / 1024 ** unit).toFixed(1))} ${UNITS[unit]}`
}

const count = (limit: number): string => (Number.isFinite(limit) ? String(limit) : 'unlimited')

function cgroups({ cgroups: found }: Xray): Line[] {
  if (!found) return []
  const { memory, cpu, pids, cpuset, frozen, io } = found.figures
  const paths = Map.groupBy(found.hierarchies, ({ path }) => path)
  const quota =
    cpu?.quota !== undefined && Number.isFinite(cpu.quota) && cpu.period ? cpu.quota / cpu.period : undefined
  return [
    ['layout', found.layout],
    ...[...paths].map(([path, all]): Line => {
      const names = all.map(({ version, controllers }) => (version === 2 ? 'v2' : controllers.join(',')))
      return ['group', `${printable(path)}  ${names.join(' ')}`]
    }),
    [
      'memory',
      memory &&
        `${size(memory.current)} of ${size(memory.limit)}${memory.oomKills ? `, ${memory.oomKills} killed` : ''}`,
    ],
    ['swap', memory?.swap && `${size(memory.swap.current)} of ${size(memory.swap.limit)}`],
    [
      'processor',
      cpu?.usage === undefined
        ? undefined
        : `${(cpu.usage / 1e6).toFixed(1)} s used, ${quota === undefined ? 'unlimited' : `${quota} at a time`}`,
    ],
    ['may run on', cpuset && `processors ${cpuset.cpus}, memory nodes ${cpuset.mems}`],
    ['processes', `${found.figures.processes} in it${pids ? `, ${pids.current} of ${count(pids.limit)} tasks` : ''}`],
    [
      'disks',
      io.length > 0
        ? io
            .map(
              ({ device, readBytes, writeBytes }) => `${device} read ${size(readBytes)}, written ${size(writeBytes)}`,
            )
            .join('; ')
        : undefined,
    ],
    ['frozen', frozen ? 'yes' : undefined],
  ]
}

const ranges = (map: readonly IdRange[]): string | undefined =>
  isIdentity(map)
    ? undefined
    : map.map(({ inside, outside, count }) => `${inside} is ${outside} outside, ${count} of them`).join('; ') ||
      'none: everybody is nobody'

const limit = ({ soft, hard }: Limit): string => (soft === hard ? count(soft) : `${count(soft)}/${count(hard)}`)

const FEW = 8

/** A full set is told by what is not in it. */
function capabilityText(names: readonly string[]): string {
  const absent = CAPABILITY_NAMES.filter(name => !names.includes(name))
  if (absent.length === 0) return `all ${names.length}`
  return (absent.length <= FEW ? `all but ${absent.join(' ')}` : names.join(' ')) || 'none'
}

function rights({ rights: { capabilities, seccomp, idMaps, limits, oom } }: Xray): Line[] {
  const sets = capabilities && (['effective', 'permitted', 'bounding', 'inheritable', 'ambient'] as const)
  const texts = new Map<string, string[]>()
  for (const set of sets ?? []) {
    const text = capabilityText(capabilities![set])
    texts.set(text, [...(texts.get(text) ?? []), set])
  }
  const capped = Object.entries(limits ?? {}).filter(
    ([, { hard, soft }]) => Number.isFinite(hard) || Number.isFinite(soft),
  )
  return [
    ...[...texts].flatMap(([text, names]) =>
      names.map((name, i): Line => [name, i === 0 || text === 'none' ? text : `as ${names[0]}`]),
    ),
    ['seccomp', seccomp && (seccomp.mode === 'filter' ? `${seccomp.filters ?? 'some'} filters` : seccomp.mode)],
    ['new rights', seccomp && (seccomp.noNewPrivs ? 'none by execve (no_new_privs)' : 'by setuid programs')],
    ['user map', idMaps && ranges(idMaps.uid)],
    ['group map', idMaps && ranges(idMaps.gid)],
    ['limits', limits && (capped.map(([name, found]) => `${name} ${limit(found)}`).join(', ') || 'none')],
    ['OOM score', oom && `${oom.score}, adjusted by ${oom.adjustment}`],
  ]
}

function socket(found: Socket): string {
  if (found.protocol === 'unix') return printable(found.path ?? 'unix, without a name')
  const { address, port } = found.local
  return `${found.protocol} ${address.includes(':') ? `[${address}]` : address}:${port}`
}

const SHOWN_SOCKETS = 20

function network({ network: { links, routes, listening } }: { readonly network: Network }): Line[] {
  const shown = listening?.slice(0, SHOWN_SOCKETS).map(socket) ?? []
  const more = (listening?.length ?? 0) - shown.length
  return [
    ...(links ?? []).map(
      ({ name, kind, up, addresses, mac, master }): Line => [
        printable(name),
        [kind, up ? 'up' : 'down', master && `in ${printable(master)}`, mac, ...addresses].filter(Boolean).join(' '),
      ],
    ),
    ...(routes ?? []).map(
      ({ destination, gateway, device }): Line => [
        'route',
        [destination, gateway && `via ${gateway}`, device && `by ${printable(device)}`].filter(Boolean).join(' '),
      ],
    ),
    ['listening', listening && ([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(', ') || 'nothing')],
  ]
}

const SHOWN_TREE = 40

/** A process and all below it, each deeper by two. */
function branches(tree: Tree, depth = 0): string[] {
  const inside = tree.nsPid.length > 1 ? ` (${tree.nsPid.at(-1)} inside)` : ''
  return [
    `${'  '.repeat(depth + 1)}${tree.pid}${inside} ${nameOf(tree)}`,
    ...tree.children.flatMap(child => branches(child, depth + 1)),
  ]
}

function treeSection({ tree }: Xray): string {
  const lines = branches(tree)
  const more = lines.length - SHOWN_TREE
  return [
    colour(1, 'processes'),
    ...lines.slice(0, SHOWN_TREE).map(fit),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ].join('\n')
}

/** All of a process. */
export function formatXray(found: Xray): string {
  const hidden = (found.mounts?.length ?? 0) - SHOWN_MOUNTS
  const parts = [
    `${colour(1, String(found.identity.pid))}  ${nameOf(found.identity)}`,
    section('identity', identity(found)),
    section('namespaces', namespaces(found)),
    section('mounts', [...mounts(found), ['', hidden > 0 ? `and ${hidden} more` : undefined]], 26),
    section('cgroups', cgroups(found)),
    section('rights', rights(found)),
    section('network', network(found)),
    treeSection(found),
    found.unread.length > 0 ? `Not ours to look at: ${found.unread.join(', ')}.` : undefined,
  ]
  return parts.filter(part => part !== undefined).join('\n\n')
}
