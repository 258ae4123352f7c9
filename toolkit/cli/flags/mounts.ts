// The flags that put volumes, files of the host, or empty file systems into a container. Docker's words and syntax.
import { resolve } from 'node:path'
import type { VolumesFrom } from '../../engine/options.ts'
import { pairsOf } from '../../engine/pairs.ts'
import type { Asked } from '../../engine/refusal.ts'
import { DRIVER, LABEL, OPTION, whyNot } from '../../engine/volume/driver-options.ts'
import { SUBPATH } from '../../engine/volume/volumes.ts'
import { inQuotes, quoteValue, type UsageError } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import type { Flag, Parsed } from '../options.ts'
import { memory, placeOf, sharedMemory, tmpfs } from './memory.ts'
import { BELONGS, type Fields, fields, isOn, SEPARATOR } from './mount-words.ts'
import { refuseValue } from './refuse.ts'
import { isZero } from './zeros.ts'

export const flags = {
  volume: {
    short: 'v',
    value: '[SOURCE:]DESTINATION[:OPTIONS]',
    many: true,
    help: 'a volume by its name, or a directory or file of the host; OPTIONS: ro, nocopy, rprivate, rslave, rshared',
  },
  mount: {
    value: 'KEY=VALUE,…',
    many: true,
    help: 'the same in words: type=volume,source=…,target=…,readonly,volume-opt=KEY=VALUE, type=bind,…, or type=tmpfs,target=…,tmpfs-size=…',
  },
  'volumes-from': {
    value: 'CONTAINER[:ro|:rw]',
    many: true,
    help: 'the volumes and directories of another container, at the same places',
  },
  tmpfs: {
    value: 'DESTINATION[:OPTIONS]',
    many: true,
    help: 'an empty file system in memory; OPTIONS: size=64m, mode=755',
  },
  'shm-size': { value: 'BYTES', help: 'the most that /dev/shm may hold (default: 64m)' },
} satisfies Record<string, Flag>

export interface MountFlags {
  /** Entries of `mounts`. */
  readonly mounts: readonly Mount[]
  /** Sources of -v: made where they are missing. */
  readonly create: readonly string[]
  /** Not there where there is none. */
  readonly asked?: Asked
  /** Containers whose mounts are taken over. */
  readonly from: readonly VolumesFrom[]
}

type Given = Parsed['flags']
type Name = keyof typeof flags

const refuse: (flag: Name, value: string, allowed: string) => UsageError = refuseValue

const many = (given: Given, flag: Name) => (given[flag] ?? []) as readonly string[]

/** A path of the host; anything else is the name of a volume. */
const isPath = (source: string): boolean => /^(\/|\.\.?(\/|$))/.test(source)

/** One without a name where there is none. */
function named(flag: Name, value: string, name: string, to: string, options: readonly string[]): Mount {
  if (name !== '' && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name))
    throw refuse(
      flag,
      value,
      `${inQuotes(name)} is no name of a volume (2 to 255 letters, digits, '_', '.' and '-') and no path, which begins with / or ./`,
    )
  return { destination: to, type: 'volume', source: name, options }
}

/** What they mean is docker's for another system; here they mean nothing. */
const CONSISTENCY = ['consistent', 'cached', 'delegated']
/** For SELinux: they relabel files, and mean nothing without it. */
const SELINUX = ['z', 'Z']
const PROPAGATION = ['rprivate', 'rslave', 'rshared', 'private', 'slave', 'shared']

// A copy of mounts is changed as a whole: where only its top is to spread mounts, it is a copy of the top only.
const recursion = (spread: string): string => (/^(slave|shared)$/.test(spread) ? 'bind' : 'rbind')

const bindMount = (
  from: string,
  to: string,
  spread: string,
  options: readonly string[],
  how = recursion(spread),
): Mount => ({ destination: to, type: 'bind', source: from, options: [how, spread, ...options] })

function volume(value: string): Mount {
  const parts = value.split(':')
  if (parts.length === 1) return named('volume', value, '', placeOf('volume', value, value), [])
  if (parts.length > 3) throw refuse('volume', value, 'give SOURCE:DESTINATION or SOURCE:DESTINATION:OPTIONS')
  if (parts[0] === '')
    throw refuse('volume', value, 'it has no source; leave the colon out for a volume without a name')
  const [from, to, words] = parts as [string, string, string?]
  const options = words === undefined ? [] : words.split(',')
  for (const word of options) {
    if (word === 'nocopy' && isPath(from))
      throw refuse('volume', value, 'nocopy is for named volumes, and this is a directory of the host')
    if (!['ro', 'rw', 'nocopy', ...SELINUX, ...CONSISTENCY, ...PROPAGATION].includes(word))
      throw refuse('volume', value, `unknown option ${inQuotes(word)}; there are ro, rw and ${PROPAGATION.join(', ')}`)
  }
  const spreads = options.filter(word => PROPAGATION.includes(word))
  if (spreads.length > 1) throw refuse('volume', value, `give one of ${spreads.join(' and ')}`)
  if (options.includes('ro') && options.includes('rw')) throw refuse('volume', value, 'give one of ro and rw')
  const at = placeOf('volume', value, to)
  if (isPath(from)) return bindMount(resolve(from), at, spreads[0] ?? 'rprivate', options.includes('ro') ? ['ro'] : [])
  if (spreads.length > 0)
    throw refuse('volume', value, `${spreads[0]} is for directories of the host, and this is a volume`)
  return named(
    'volume',
    value,
    from,
    at,
    options.filter(word => word === 'ro' || word === 'nocopy'),
  )
}

function mountInWords(value: string): Mount {
  const found = fields(value)
  const type = (found.type ?? 'volume').toLowerCase()
  const { target, readonly = 'false', 'volume-nocopy': nocopy = 'false' } = found
  if (!Object.hasOwn(BELONGS, type))
    throw refuse('mount', value, `type is volume, bind or tmpfs, not ${inQuotes(type)}`)
  const foreign = Object.keys(found).find(key => !BELONGS[type]!.includes(key))
  if (foreign) throw refuse('mount', value, `${foreign} has no meaning for type=${type}`)
  const options = isOn(value, 'readonly', readonly) ? ['ro'] : []
  const at = placeOf('mount', value, target)
  if (type === 'volume') {
    const no = isOn(value, 'volume-nocopy', nocopy) ? ['nocopy'] : []
    return named('mount', value, found.source ?? '', at, [...options, ...no, ...volumeWords(value, found)])
  }
  if (type === 'tmpfs') {
    const { 'tmpfs-size': size, 'tmpfs-mode': mode } = found
    const words = [
      ...options,
      ...(size === undefined ? [] : [`size=${size}`]),
      ...(mode === undefined ? [] : [`mode=${mode}`]),
    ]
    return memory('mount', value, at, words)
  }
  const { source: from, 'bind-propagation': spread = 'rprivate' } = found
  const how = recursive(value, found, options.length > 0)
  if (!from) throw refuse('mount', value, 'type=bind needs a source: source=/a/directory/of/the/host')
  if (!isPath(from))
    throw refuse('mount', value, `the source of type=bind is an absolute path, or begins with ./, unlike ${from}`)
  if (!PROPAGATION.includes(spread))
    throw refuse('mount', value, `bind-propagation is one of ${PROPAGATION.join(', ')}`)
  return bindMount(resolve(from), at, spread, how.readonly ?? options, how.bind)
}

/** docker's bind-recursive: whether what is mounted below the source is seen, too, and may be written to. */
function recursive(value: string, found: Fields, isReadOnly: boolean): { bind?: 'bind'; readonly?: readonly string[] } {
  const { 'bind-nonrecursive': non = 'false', 'bind-propagation': spread = 'rprivate' } = found
  const word = found['bind-recursive'] ?? (isOn(value, 'bind-nonrecursive', non) ? 'disabled' : 'enabled')
  if (!['enabled', 'disabled', 'writable', 'readonly'].includes(word))
    throw refuse('mount', value, 'bind-recursive is enabled, disabled, writable or readonly')
  if ((word === 'writable' || word === 'readonly') && !isReadOnly)
    throw refuse('mount', value, `bind-recursive=${word} is about a mount that is readonly; say so`)
  if (word === 'readonly' && spread !== 'rprivate')
    throw refuse('mount', value, 'bind-recursive=readonly goes with bind-propagation=rprivate')
  if (word === 'disabled') return { bind: 'bind' }
  return word === 'writable' ? { readonly: ['rotop'] } : {}
}

function volumeWords(
  value: string,
  { 'volume-subpath': below, 'volume-label': labels, 'volume-driver': driver, 'volume-opt': given }: Fields,
) {
  if (driver !== undefined && driver !== 'local') throw refuse('mount', value, 'the only volume-driver is local')
  if (below !== undefined && (below === '' || below.startsWith('/') || below.split('/').includes('..')))
    throw refuse('mount', value, 'volume-subpath is a path below the volume, such as a/b')
  const options = given?.split(SEPARATOR) ?? []
  const why = whyNot(pairsOf(options))
  if (why) throw refuse('mount', value, `volume-opt: ${why}`)
  return [
    ...(below === undefined ? [] : [`${SUBPATH}${below}`]),
    ...(labels === undefined ? [] : labels.split(SEPARATOR).map(label => `${LABEL}${label}`)),
    ...(driver === undefined ? [] : [`${DRIVER}${driver}`]),
    ...options.map(option => `${OPTION}${option}`),
  ]
}

function volumesFrom(value: string): VolumesFrom {
  const [container = '', words, ...more] = value.split(':')
  const [access, other] = (words?.split(',') ?? []).filter(word => !SELINUX.includes(word))
  if (container === '' || more.length > 0 || other !== undefined || ![undefined, 'ro', 'rw'].includes(access))
    throw refuse('volumes-from', value, 'give CONTAINER, CONTAINER:ro or CONTAINER:rw')
  return { container, access: access as VolumesFrom['access'] }
}

/** The values of -v: an unnamed volume that is asked for twice, -v /x -v /x, is one. */
export const volumesOf = (given: Given): readonly string[] =>
  many(given, 'volume').filter(
    (text, at, all) =>
      text.includes(':') || !all.slice(0, at).some(other => !other.includes(':') && resolve(other) === resolve(text)),
  )

/** What these flags say. Throws a UsageError that names the flag, the value and what is allowed. */
export function mounts(given: Given): MountFlags {
  const volumes = volumesOf(given).map((value): [Name, string, Mount] => ['volume', value, volume(value)])
  const wanted: [Name, string, Mount][] = [
    ...volumes,
    ...many(given, 'mount').map((value): [Name, string, Mount] => ['mount', value, mountInWords(value)]),
    ...many(given, 'tmpfs').map((value): [Name, string, Mount] => ['tmpfs', value, tmpfs(value)]),
  ]
  const shm = given['shm-size'] as string | undefined
  if (shm !== undefined && !isZero(shm)) wanted.push(['shm-size', shm, sharedMemory(shm)])
  const asked: Record<string, string> = {}
  for (const [flag, value, { destination }] of wanted) {
    const other = asked[destination]
    if (other) throw refuse(flag, value, `there is a mount at ${destination} already, ${other}; each place takes one`)
    asked[destination] = `--${flag} ${quoteValue(value)}`
  }
  return {
    mounts: wanted.map(([, , mount]) => mount),
    ...(wanted.length > 0 && { asked }),
    create: volumes.filter(([, , { type }]) => type === 'bind').map(([, , { source }]) => source),
    from: many(given, 'volumes-from').map(volumesFrom),
  }
}
