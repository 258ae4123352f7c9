// Volumes that are something to mount instead of a directory of the engine's: the options of docker's driver `local`.
//
//   type=tmpfs device=tmpfs o=size=100m,uid=1000,mode=700   memory
//   type=none device=/directory o=bind,ro                   a directory of the host
//
// Nothing of that is ever mounted on the host: each container's own mount namespace has it, and it ends with that. So
// memory is one container's own, and empty at each start; docker's is shared by all that use it at the same time.
import type { Mount } from '../../primitives/mount.ts'

/** As they were given; none: a directory of the engine's. */
export type DriverOptions = Readonly<Record<string, string>>

/** Words of a mount of a volume that say what it is like when it is made: KEY=VALUE after each of the first two. */
export const [LABEL, OPTION, DRIVER] = ['label=', 'opt=', 'driver='] as const

const KEYS = ['type', 'device', 'o']
const FLAGS = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime', 'strictatime']
/** What is so without a word. */
const USUAL = ['defaults', 'rw', 'suid', 'dev', 'exec', 'async']

/** Options of tmpfs(5), with values that the kernel takes. */
const MEMORY = /^(size=\d+([kmgt]|%)?|nr_(inodes|blocks)=\d+[kmgt]?|mode=[0-7]{1,4}|[ug]id=\d{1,9})$/i

const wordsOf = ({ o = '' }: DriverOptions): string[] => o.split(',').filter(word => word !== '')
const isBind = (options: DriverOptions): boolean => wordsOf(options).some(word => word === 'bind' || word === 'rbind')

/** Whether nobody may write there, through this volume. */
export const isReadOnly = (options: DriverOptions): boolean => wordsOf(options).includes('ro')

/** Why a volume cannot have these, and what is allowed; undefined: it can. */
export function whyNot(options: DriverOptions): string | undefined {
  const names = Object.keys(options)
  const unknown = names.find(name => !KEYS.includes(name))
  if (unknown === 'size') return 'option "size": only memory has one: type=tmpfs, device=tmpfs, o=size=64m'
  if (unknown !== undefined) return `invalid option: ${JSON.stringify(unknown)}; there are ${KEYS.join(', ')}`
  if (names.length === 0) return undefined
  const { type, device } = options
  if (!device) return 'missing required option: "device"'
  if (!type) return 'missing required option: "type"'
  const bind = isBind(options)
  if (type !== 'tmpfs' && !bind)
    return `type ${JSON.stringify(type)}: allowed are type=tmpfs, and type=none with o=bind; mount others on the host first, and give device=/THE/DIRECTORY`
  if (bind && !device.startsWith('/'))
    return `device ${JSON.stringify(device)}: with o=bind it is an absolute path, /a/directory`
  for (const word of wordsOf(options)) {
    if (['bind', 'rbind', ...FLAGS, ...USUAL].includes(word) || (!bind && MEMORY.test(word))) continue
    const words = bind ? '' : 'size=64m, mode=700, uid=, gid=, nr_inodes=, '
    return `o: ${JSON.stringify(word)} is none of its options: ${words}${FLAGS.join(', ')}`
  }
  return undefined
}

/**
 * What a container has mounted in place of the volume's directory; undefined: that directory. `extra`: words of its own,
 * such as ro.
 */
export function driverMount(options: DriverOptions, destination: string, extra: readonly string[]): Mount | undefined {
  const { type, device } = options
  if (type === undefined || device === undefined) return undefined
  const words = [...new Set([...wordsOf(options).filter(word => !USUAL.includes(word)), ...extra])]
  if (!isBind(options)) return { destination, type: 'tmpfs', source: device, options: words }
  return { destination, type: 'bind', source: device, options: ['rprivate', ...words] }
}

/** Whether two volumes of these options are the same. */
export const sameOptions = (a: DriverOptions, b: DriverOptions): boolean => text(a) === text(b)

const text = (options: DriverOptions): string => JSON.stringify(sorted(options))

/** By name, as Go prints a map. */
export const sorted = (options: DriverOptions): [string, string][] =>
  Object.entries(options).toSorted(([a], [b]) => (a < b ? -1 : 1))
