// The volumes of one container: from what was asked for to bind mounts of directories that the engine keeps, and what
// must be done before they can be mounted.
import { statSync } from 'node:fs'
import type { Action } from '../../kernel/action.ts'
import { quoteValue, UsageError } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import type { RunOptions, VolumesFrom } from '../options.ts'
import { pairsOf } from '../pairs.ts'
import { type Asked, askedAt, refusing, saying } from '../refusal.ts'
import { findContainer } from '../state/list.ts'
import { type DriverOptions, driverMount, isReadOnly, LABEL, OPTION, sameOptions } from './driver-options.ts'
import { fill } from './fill.ts'
import { checkVolumeName, dataOf, exclusively, hasVolume, makeVolume, optionsOf } from './store.ts'
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
  /** Which flag asked for what is at a place, where it is another container's. */
  readonly asked?: Asked
}

const lesson = '18-volumes'

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
  const taken = from.flatMap(wish => inherit(wish).map(mount => ({ wish, mount })))
  const inherited = taken.map(({ mount }) => mount).filter(({ destination }) => !places.has(destination))
  const all = [...new Map([...inherited, ...own].map(mount => [mount.destination, mount])).values()]
  const volumes = all.filter(isVolume)
  const driven = new Map<string, DriverOptions>()
  for (const { source } of volumes) {
    checkVolumeName(source)
    driven.set(source, hasVolume(source) ? optionsOf(source) : settingsFor(volumes, source, OPTION))
  }
  const mounted = (mount: Mount) => checked(asMount(mount, driven.get(mount.source)!), mount.source, options)
  return {
    mounts: all.map(mount => (isVolume(mount) ? mounted(mount) : mount)),
    sources: volumes.filter(({ source }) => isOwn(driven.get(source)!)).map(({ source }) => dataOf(source)),
    anonymous,
    asked: Object.fromEntries(
      taken.map(({ wish, mount }) => [mount.destination, `--volumes-from ${quoteValue(wish.container)}`]),
    ),
    before: [
      ...(all.some(isLasting) ? [useAction(all.filter(isLasting), anonymous, driven, options, id)] : []),
      ...volumes
        .filter(isFilled)
        .map(volume => ({ volume, to: mounted(volume) }))
        // Memory is empty at each start, and where nobody may write we do not either.
        .filter(({ volume, to }) => to.type === 'bind' && !isReadOnly(driven.get(volume.source)!))
        .map(({ volume, to }) => {
          const asked = askedAt(options.mounts.asked, volume.destination, `volume ${volume.source}`)
          const allowed = 'a directory that we may read and write'
          return saying(fillAction(volume, to.source, options), refusing({ asked, allowed }))
        }),
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

const isOwn = (driven: DriverOptions): boolean => Object.keys(driven).length === 0

/** What is mounted for a volume that has these options. */
export function asMount({ destination, source, options }: Mount, driven: DriverOptions): Mount {
  const words = options.filter(word => word === 'ro' || word.startsWith(SUBPATH))
  return (
    driverMount(driven, destination, words) ?? {
      destination,
      type: 'bind',
      source: dataOf(source),
      options: ['rbind', 'rprivate', ...words],
    }
  )
}

/** Throws a UsageError for what no volume can be. */
function checked(mount: Mount, name: string, { mounts: { asked } }: RunOptions): Mount {
  const { type, source, destination, options } = mount
  const who = askedAt(asked, destination, `volume ${name}`)
  if (type === 'tmpfs' && options.some(word => word.startsWith(SUBPATH)))
    throw new UsageError(`${who}: it is in memory, and empty at first: there is no part of it to mount`)
  if (type === 'bind' && statSync(source, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new UsageError(`${who}: its device, ${source}, is no directory`)
  return mount
}

/** Writes down what is used before it is there, and makes what is missing. */
function useAction(
  mounts: readonly Mount[],
  anonymous: readonly string[],
  driven: ReadonlyMap<string, DriverOptions>,
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
        for (const name of names) {
          const options = driven.get(name)!
          makeVolume({ name, anonymous: anonymous.includes(name), labels: settingsFor(mounts, name, LABEL), options })
          if (!sameOptions(optionsOf(name), options))
            throw new UsageError(
              `volume ${name}: somebody has made it anew in this moment, with other options; try again`,
            )
        }
      })
    },
  }
}

/** Of a volume that is made: what --mount says by volume-label=KEY=VALUE, or volume-opt. */
const settingsFor = (mounts: readonly Mount[], name: string, word: string): Record<string, string> =>
  pairsOf(
    mounts
      .filter(mount => isVolume(mount) && mount.source === name)
      .flatMap(({ options }) => options.filter(text => text.startsWith(word)))
      .map(text => text.slice(word.length)),
  )

const fillAction = (
  { source, destination }: Mount,
  to: string,
  { rootfs, namespaces: { users } }: RunOptions,
): Action => ({
  text: `copy(what the image has at ${destination}, ${to})`,
  why: 'a volume that is empty takes over the image’s files, with owners and modes',
  lesson,
  shell: `[ "$(ls -A ${to})" ] || cp -a ${rootfs}${destination}/. ${to}`,
  apply: () =>
    fill({ rootfs, destination, data: dataOf(source), device: to === dataOf(source) ? undefined : to, users }),
})
