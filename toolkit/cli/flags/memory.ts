// File systems in memory: --tmpfs, --mount type=tmpfs, --shm-size; and where in a container something may be mounted.
import { posix } from 'node:path'
import { forbidden } from '../../engine/volume/volumes.ts'
import { PATH_MAX } from '../../kernel/constants.ts'
import { inQuotes } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import { refuseValue } from './refuse.ts'

/** Where in the container; throws a UsageError where nothing may be mounted. */
export function placeOf(flag: string, value: string, path: string | undefined): string {
  if (!path) throw refuseValue(flag, value, 'it does not say where in the container; give a path')
  if (!path.startsWith('/')) throw refuseValue(flag, value, `${path} is no absolute path in the container`)
  if (Buffer.byteLength(path) >= PATH_MAX) throw refuseValue(flag, value, `a path has at most ${PATH_MAX - 1} bytes`)
  const normal = posix.normalize(path).replace(/(.)\/$/, '$1')
  const why = forbidden(normal)
  if (why) throw refuseValue(flag, value, `${normal} ${why}`)
  return normal
}

const OPPOSITE: Record<string, string> = { exec: 'noexec', suid: 'nosuid', dev: 'nodev', rw: 'ro' }

/** When a file counts as read, mount(2). */
const TIMES = ['noatime', 'nodiratime', 'relatime', 'strictatime']

/** docker's options of a tmpfs: nothing in it is a program, a device, or gives rights, where that is not asked for. */
export function memory(flag: string, value: string, at: string, words: readonly string[]): Mount {
  const flagsOf = new Set(['nosuid', 'nodev', 'noexec'])
  const data: string[] = []
  for (const word of words) {
    const [, key, text] = /^(size|mode|uid|gid|nr_inodes)=(.+)$/.exec(word) ?? []
    if (flag === 'tmpfs' && /^size=\d{1,3}%$/.test(word)) data.push(word)
    else if (key === 'size') data.push(`size=${size(flag, value, text!)}`)
    else if (key === 'mode' && /^[0-7]{1,4}$/.test(text!)) data.push(word)
    else if (key && key !== 'mode' && /^\d{1,9}$/.test(text!)) data.push(word)
    else if (Object.hasOwn(OPPOSITE, word)) flagsOf.delete(OPPOSITE[word]!)
    else if (Object.values(OPPOSITE).includes(word) || TIMES.includes(word)) flagsOf.add(word)
    else
      throw refuseValue(
        flag,
        value,
        `${inQuotes(word)} is none of its options: size=64m, mode=755, uid=, gid=, nr_inodes=, ro, exec, suid, dev, noatime`,
      )
  }
  return { destination: at, type: 'tmpfs', source: 'tmpfs', options: [...flagsOf, ...data] }
}

export function tmpfs(value: string): Mount {
  const colon = value.indexOf(':')
  const path = colon < 0 ? value : value.slice(0, colon)
  return memory('tmpfs', value, placeOf('tmpfs', value, path), colon < 0 ? [] : value.slice(colon + 1).split(','))
}

const UNITS = ['b', 'k', 'm', 'g', 't']

/** Bytes: 64m, 1.5g; k is 1024. */
function size(flag: string, value: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?$/.exec(text.toLowerCase()) ?? []
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit || 'b'))
  if (bytes > Number.MAX_SAFE_INTEGER) throw refuseValue(flag, value, 'give less than 8192t')
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw refuseValue(flag, value, 'give a size of at least one byte, with a unit b, k, m or g: 64m')
  return bytes
}

export function sharedMemory(value: string): Mount {
  const options = ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${size('shm-size', value, value)}`]
  return { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }
}
