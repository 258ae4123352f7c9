// The kernel's own file systems and the devices of a container: the same for all but one with a user namespace, whose
// root may not do by itself what it takes; and for one of an ordinary user, whose engine may not, either.
import type { Action } from '../kernel/action.ts'
import type { Step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type IdRange, inInitialUsers, ownMaps } from '../observe/id-maps.ts'
import { isBelow } from '../observe/mounts.ts'
import * as bind from '../primitives/bind.ts'
import { DEV, plan as deviceTree } from '../primitives/device-tree.ts'
import * as devices from '../primitives/devices.ts'
import * as mount from '../primitives/mount.ts'
import * as user from '../primitives/user.ts'
import { plan as visibleMounts } from '../primitives/visible-mount.ts'
import { refuse } from './host.ts'
import { type Asked, askedAt } from './refusal.ts'
import { extraDevices } from './wishes.ts'

export interface SystemMounts {
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** When the mounts are private, and the host's files are the root still. */
  readonly prepare: readonly Step[]
  /** When the container's files are the root, and its volumes are there: the mounts, and /dev filled. */
  readonly steps: readonly Step[]
}

export interface SystemWish {
  /** Devices besides the usual. */
  readonly extras?: readonly devices.Device[]
  /** The flag of each of these, by its path. */
  readonly asked?: Asked
  /** The container's user namespace, where it has one. */
  readonly mappings?: user.Mappings | undefined
  /** Its network is another's. */
  readonly sharesNetwork?: boolean
}

/** Throws UsageError for a device that a user namespace cannot have. */
export function planSystem(mounts: readonly mount.Mount[], wish: SystemWish = {}): SystemMounts {
  if (!inInitialUsers()) return asUser(mounts, wish)
  const { extras = [], asked = {}, mappings } = wish
  const inside = [...devices.planUsual(extras), ...extraDevices(extras, asked)]
  if (!mappings) return { before: [], prepare: [], steps: [...mount.plan({ mounts }), ...inside] }
  const { fitting, steps, prepared } = visible(mounts, mappings)
  const dev = fitting.find(({ destination }) => destination === '/dev')
  if (!dev) return { before: [], prepare: steps, steps: mount.plan({ mounts: fitting }, prepared) }
  const ids = {
    uid: (id: number) => user.outside(mappings.uidMappings, id),
    gid: (id: number) => user.outside(mappings.gidMappings, id),
  }
  return {
    before: ofDevices(extras, asked, () => deviceTree(dev.options, inside, ids)),
    prepare: steps,
    steps: mount.plan({ mounts: fitting }, new Map<string, number | typeof DEV>([...prepared, [dev.destination, DEV]])),
  }
}

/** What is wrong with one of these, said of its flag. */
function ofDevices<T>(extras: readonly devices.Device[], asked: SystemWish['asked'], make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const [place] = error.message.split(':', 1)
    const device = extras.find(({ path }) => isBelow(path, place!))
    throw device ? new UsageError(`${askedAt(asked, device.path, 'run: --device')}: ${error.message}`) : error
  }
}

/** Those mounts that must be made early, and without owners that are nobody. */
function visible(mounts: readonly mount.Mount[], mappings: user.Mappings) {
  const fitting = mounts.map(entry => ({ ...entry, options: user.withoutStrangers(entry.options, mappings) }))
  return { fitting, ...visibleMounts(fitting) }
}

/** Where we are root of a user namespace only: nobody may make a device, so those of the host are mounted on files. */
function asUser(mounts: readonly mount.Mount[], wish: SystemWish): SystemMounts {
  const { extras = [], asked, mappings, sharesNetwork } = wish
  if (extras.length > 0)
    throw refuse('root', {
      asked: askedAt(asked, extras[0]!.path, 'run: --device'),
      detail: 'to give it a device of the host',
    })
  // A new /sys is for who owns the network that it shows.
  const isShared = ({ type }: mount.Mount) => type === 'sysfs' && sharesNetwork === true
  const { fitting, steps, prepared } = visible(
    mounts.filter(entry => !isShared(entry)),
    mappings ?? ownMappings(),
  )
  const shown = [
    ...mounts
      .filter(isShared)
      .map(({ destination }) => ({ path: destination, kind: 'directory', options: ['rbind', 'rro'] })),
    ...devices.usualDevices().map(path => ({ path, kind: 'file', options: ['bind'] })),
  ] as const
  const attach = (wanted: 'directory' | 'file') =>
    shown.flatMap(({ path, kind }, i) =>
      kind === wanted ? [...bind.mountPoint(path, kind, 'refuse'), ...bind.attach(`shown-${i}`)] : [],
    )
  return {
    before: shown.flatMap(({ path, options }, i) =>
      bind.tree(`shown-${i}`, { source: path, destination: path, options }),
    ),
    prepare: steps,
    steps: [
      ...attach('directory'),
      ...mount.plan({ mounts: fitting }, prepared),
      ...devices.planLinks(),
      ...attach('file'),
    ],
  }
}

/** Who there is in our own user namespace. */
function ownMappings(): user.Mappings {
  const { uid, gid } = ownMaps()
  const same = ({ inside, count }: IdRange) => ({ containerID: inside, hostID: inside, size: count })
  return { uidMappings: uid.map(same), gidMappings: gid.map(same) }
}
