// The flags that put files of the host, or empty file systems, into a container. Docker's words and syntax.
import { posix, resolve } from 'node:path'
import { forbidden } from '../../engine/volumes.ts'
import type { UsageError } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  volume: {
    short: 'v',
    value: 'SOURCE:DESTINATION[:OPTIONS]',
    many: true,
    help: 'a directory or file of the host; OPTIONS: ro, rprivate, rslave, rshared',
  },
  mount: {
    value: 'KEY=VALUE,…',
    many: true,
    help: 'the same in words: type=bind,source=…,target=…,readonly, or type=tmpfs,target=…,tmpfs-size=…',
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
}

type Given = Parsed['flags']
type Name = keyof typeof flags

const refuse: (flag: Name, value: string, allowed: string) => UsageError = refuseValue

const many = (given: Given, flag: Name) => (given[flag] ?? []) as readonly string[]

const LATER = 'named volumes are not there yet; give a directory of the host, beginning with / or ./'

function destination(flag: Name, value: string, path: string | undefined): string {
  if (!path) throw refuse(flag, value, 'it does not say where in the container; give a path')
  if (!path.startsWith('/')) throw refuse(flag, value, `${path} is no absolute path in the container`)
  const normal = posix.normalize(path).replace(/(.)\/$/, '$1')
  const why = forbidden(normal)
  if (why) throw refuse(flag, value, `${normal} ${why}`)
  return normal
}

function source(flag: Name, value: string, path: string): string {
  if (!/^(\/|\.\.?(\/|$))/.test(path)) throw refuse(flag, value, LATER)
  return resolve(path)
}

const PROPAGATION = ['rprivate', 'rslave', 'rshared', 'private', 'slave', 'shared']

// A copy of mounts is changed as a whole: where only its top is to spread mounts, it is a copy of the top only.
const recursion = (spread: string): string => (/^(slave|shared)$/.test(spread) ? 'bind' : 'rbind')

const bindMount = (from: string, to: string, spread: string, options: readonly string[]): Mount => ({
  destination: to,
  type: 'bind',
  source: from,
  options: [recursion(spread), spread, ...options],
})

function volume(value: string): Mount {
  const parts = value.split(':')
  if (parts.length === 1) throw refuse('volume', value, LATER)
  if (parts.length > 3) throw refuse('volume', value, 'give SOURCE:DESTINATION or SOURCE:DESTINATION:OPTIONS')
  const [from, to, words] = parts as [string, string, string?]
  const options = words === undefined ? [] : words.split(',')
  for (const word of options) {
    if (word === 'nocopy')
      throw refuse('volume', value, 'nocopy is for named volumes, and this is a directory of the host')
    // z and Z relabel files for SELinux, and mean nothing without it.
    if (!['ro', 'rw', 'z', 'Z', ...PROPAGATION].includes(word))
      throw refuse(
        'volume',
        value,
        `unknown option ${JSON.stringify(word)}; there are ro, rw and ${PROPAGATION.join(', ')}`,
      )
  }
  const spreads = options.filter(word => PROPAGATION.includes(word))
  if (spreads.length > 1) throw refuse('volume', value, `give one of ${spreads.join(' and ')}`)
  if (options.includes('ro') && options.includes('rw')) throw refuse('volume', value, 'give one of ro and rw')
  const at = destination('volume', value, to)
  return bindMount(source('volume', value, from), at, spreads[0] ?? 'rprivate', options.includes('ro') ? ['ro'] : [])
}

/** A line of comma-separated values: one in quotes may hold commas. */
const fieldsOf = (value: string): string[] =>
  [...value.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
    .slice(0, -1)
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!)

const KEYS: Record<string, string> = {
  type: 'type',
  source: 'source',
  src: 'source',
  target: 'target',
  destination: 'target',
  dst: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  'bind-propagation': 'bind-propagation',
  'tmpfs-size': 'tmpfs-size',
  'tmpfs-mode': 'tmpfs-mode',
}

const BELONGS: Record<string, readonly string[]> = {
  bind: ['type', 'source', 'target', 'readonly', 'bind-propagation'],
  tmpfs: ['type', 'target', 'readonly', 'tmpfs-size', 'tmpfs-mode'],
}

function fields(value: string): Record<string, string | undefined> {
  const found: Record<string, string> = {}
  for (const field of fieldsOf(value)) {
    const [, word = '', text] = /^([^=]*)(?:=(.*))?$/s.exec(field) ?? []
    const key = Object.hasOwn(KEYS, word) ? KEYS[word]! : undefined
    if (!key)
      throw refuse('mount', value, `unknown key ${JSON.stringify(word)}; there are ${Object.keys(KEYS).join(', ')}`)
    if (key in found) throw refuse('mount', value, `give ${key} once`)
    if (text === undefined && key !== 'readonly') throw refuse('mount', value, `${word} needs a value: ${word}=…`)
    found[key] = text ?? 'true'
  }
  return found
}

function mountInWords(value: string): Mount {
  const found = fields(value)
  const { type = 'volume', target, readonly = 'false' } = found
  if (type === 'volume') throw refuse('mount', value, 'named volumes are not there yet; give type=bind or type=tmpfs')
  if (!Object.hasOwn(BELONGS, type)) throw refuse('mount', value, `type is bind or tmpfs, not ${JSON.stringify(type)}`)
  const foreign = Object.keys(found).find(key => !BELONGS[type]!.includes(key))
  if (foreign) throw refuse('mount', value, `${foreign} has no meaning for type=${type}`)
  if (!/^(true|false|1|0)$/.test(readonly)) throw refuse('mount', value, 'readonly is true or false')
  const options = /^(true|1)$/.test(readonly) ? ['ro'] : []
  const at = destination('mount', value, target)
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
  if (!from) throw refuse('mount', value, 'type=bind needs a source: source=/a/directory/of/the/host')
  if (!from.startsWith('/')) throw refuse('mount', value, `the source of type=bind is an absolute path, not ${from}`)
  if (!PROPAGATION.includes(spread))
    throw refuse('mount', value, `bind-propagation is one of ${PROPAGATION.join(', ')}`)
  return bindMount(resolve(from), at, spread, options)
}

const OPPOSITE: Record<string, string> = { exec: 'noexec', suid: 'nosuid', dev: 'nodev', rw: 'ro' }

/** docker's options of a tmpfs: nothing in it is a program, a device, or gives rights, where that is not asked for. */
function memory(flag: Name, value: string, at: string, words: readonly string[]): Mount {
  const flagsOf = new Set(['nosuid', 'nodev', 'noexec'])
  const data: string[] = []
  for (const word of words) {
    const [, key, text] = /^(size|mode|uid|gid|nr_inodes)=(.+)$/.exec(word) ?? []
    if (key === 'size') data.push(`size=${size(flag, value, text!)}`)
    else if (key === 'mode' && /^[0-7]{1,4}$/.test(text!)) data.push(word)
    else if (key && key !== 'mode' && /^\d{1,9}$/.test(text!)) data.push(word)
    else if (Object.hasOwn(OPPOSITE, word)) flagsOf.delete(OPPOSITE[word]!)
    else if (Object.values(OPPOSITE).includes(word)) flagsOf.add(word)
    else
      throw refuse(
        flag,
        value,
        `${JSON.stringify(word)} is none of its options: size=64m, mode=755, uid=, gid=, nr_inodes=, ro, exec, suid, dev`,
      )
  }
  return { destination: at, type: 'tmpfs', source: 'tmpfs', options: [...flagsOf, ...data] }
}

function tmpfs(value: string): Mount {
  const colon = value.indexOf(':')
  const path = colon < 0 ? value : value.slice(0, colon)
  return memory('tmpfs', value, destination('tmpfs', value, path), colon < 0 ? [] : value.slice(colon + 1).split(','))
}

const UNITS = ['b', 'k', 'm', 'g', 't']

/** Bytes: 64m, 1.5g; k is 1024. */
function size(flag: Name, value: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?$/.exec(text.toLowerCase()) ?? []
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit || 'b'))
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw refuse(flag, value, 'give a size of at least one byte, with a unit b, k, m or g: 64m')
  return bytes
}

function sharedMemory(value: string): Mount {
  const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size('shm-size', value, value)}`]
  return { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }
}

/** What these flags say. Throws a UsageError that names the flag, the value and what is allowed. */
export function mounts(given: Given): MountFlags {
  const volumes = many(given, 'volume').map(volume)
  const wanted: [Name, string, Mount][] = [
    ...many(given, 'volume').map((value, i): [Name, string, Mount] => ['volume', value, volumes[i]!]),
    ...many(given, 'mount').map((value): [Name, string, Mount] => ['mount', value, mountInWords(value)]),
    ...many(given, 'tmpfs').map((value): [Name, string, Mount] => ['tmpfs', value, tmpfs(value)]),
  ]
  const shm = given['shm-size'] as string | undefined
  if (shm !== undefined) wanted.push(['shm-size', shm, sharedMemory(shm)])
  const places = new Set<string>()
  for (const [flag, value, { destination }] of wanted) {
    if (places.has(destination))
      throw refuse(flag, value, `there is a mount at ${destination} already; each place takes one`)
    places.add(destination)
  }
  return { mounts: wanted.map(([, , mount]) => mount), create: volumes.map(({ source }) => source) }
}
