// The volumes of one container: from what was asked for to bind mounts of directories that the engine keeps, and what
// must be done before they can be mounted.
import type { Action } from '../../kernel/action.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import type { RunOptions, VolumesFrom } from '../options.ts'
import { findContainer } from '../state/list.ts'
import { fill } from './fill.ts'
import { checkVolumeName, dataOf, exclusively, hasVolume, makeVolume, readVolume } from './store.ts'
import { mountsOf, nameFor, writeMounts } from './uses.ts'
import { SUBPATH } from './volumes.ts'

export interface Volumes {
  /** What the container has mounted, each volume as a bind mount. */
  readonly mounts: readonly Mount[]
  /** Those of their sources that are volumes. */
  readonly sources: readonly string[]
  /** The volumes among them that have been given no name. */
  readonly anonymous: readonly string[]
  /** For `Plan.before`. */
  readonly before: readonly Action[]
}

const lesson = '18-volumes'
const LABEL = 'label='

/** A part of a volume is mounted only where it is there already. */
const isFilled = ({ options }: Mount): boolean => !options.some(word => word === 'nocopy' || word.startsWith(SUBPATH))
const isVolume = ({ type }: Mount): boolean => type === 'volume'
/** What other containers can take over: not what lies in memory. */
const isLasting = ({ type }: Mount): boolean => type === 'volume' || type === 'bind'

/** Looks at the host, changes nothing. Throws a UsageError for what cannot be mounted. */
export function planVolumes(options: RunOptions, id: string): Volumes {
  const { mounts, from } = options.mounts
  const own = mounts.map((mount, i) =>
    isVolume(mount) && mount.source === '' ? { ...mount, source: nameFor(id, i) } : mount,
  )
  const anonymous = own.filter((_, i) => isVolume(mounts[i]!) && mounts[i]!.source === '').map(({ source }) => source)
  const places = new Set(own.map(({ destination }) => destination))
  const inherited = from.flatMap(inherit).filter(({ destination }) => !places.has(destination))
  const all = [...new Map([...inherited, ...own].map(mount => [mount.destination, mount])).values()]
  const volumes = all.filter(isVolume)
  for (const { source } of volumes) {
    checkVolumeName(source)
    if (hasVolume(source)) readVolume(source) // refuses what we do not understand
  }
  return {
    mounts: all.map(mount => (isVolume(mount) ? asBind(mount) : mount)),
    sources: volumes.map(({ source }) => dataOf(source)),
    anonymous,
    before: [
      ...(all.some(isLasting) ? [useAction(all.filter(isLasting), anonymous, options, id)] : []),
      ...volumes.filter(isFilled).map(volume => fillAction(volume, options)),
    ],
  }
}

function inherit({ container, access }: VolumesFrom): Mount[] {
  try {
    return mountsOf(findContainer(container)).map(mount => ({
      ...mount,
      options: [
        ...mount.options.filter(word => word !== 'nocopy' && !(access === 'ro' && word === 'rw')),
        ...(access === 'ro' ? ['ro'] : []), // rw makes nothing writable that is read-only there
        ...(isVolume(mount) ? ['nocopy'] : []), // that container has seen to it
      ],
    }))
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`run: --volumes-from ${container}: ${error.message}`)
    throw error
  }
}

export const asBind = ({ destination, source, options }: Mount): Mount => ({
  destination,
  type: 'bind',
  source: dataOf(source),
  options: ['rbind', 'rprivate', ...options.filter(word => word === 'ro' || word.startsWith(SUBPATH))],
})

/** Writes down what is used before it is there, and makes what is missing. */
function useAction(
  mounts: readonly Mount[],
  anonymous: readonly string[],
  { autoRemove }: RunOptions,
  id: string,
): Action {
  const names = [...new Set(mounts.filter(isVolume).map(({ source }) => source))]
  return {
    text: `write("mounts.json", ${names.length > 0 ? `volumes ${names.join(', ')}` : 'directories of the host'})`,
    why: 'whoever wants to remove a volume must know that it is in use; one that is missing is made',
    lesson,
    shell: names.map(name => `mkdir -p ${dataOf(name)}`).join('; '),
    apply() {
      const write = () => writeMounts(id, mounts, { durable: !autoRemove })
      if (names.length === 0) return write()
      exclusively(() => {
        write()
        for (const name of names)
          makeVolume({ name, anonymous: anonymous.includes(name), labels: labelsFor(mounts, name) })
      })
    },
  }
}

/** Of a volume that is made: what --mount says by volume-label=KEY=VALUE. */
const labelsFor = (mounts: readonly Mount[], name: string): Record<string, string> =>
  Object.fromEntries(
    mounts
      .filter(mount => isVolume(mount) && mount.source === name)
      .flatMap(({ options }) => options.filter(word => word.startsWith(LABEL)))
      .map(word => {
        const [key = '', ...value] = word.slice(LABEL.length).split('=')
        return [key, value.join('=')]
      }),
  )

const fillAction = ({ source, destination }: Mount, { rootfs, namespaces: { users } }: RunOptions): Action => ({
  text: `copy(what the image has at ${destination}, ${dataOf(source)})`,
  why: 'a volume that is empty takes over the image’s files, with owners and modes',
  lesson,
  shell: `[ "$(ls -A ${dataOf(source)})" ] || cp -a ${rootfs}${destination}/. ${dataOf(source)}`,
  apply: () => fill({ rootfs, destination, data: dataOf(source), users }),
})
