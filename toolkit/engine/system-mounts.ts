// The kernel's own file systems and the devices of a container: the same for all but one with a user namespace, whose
// root may not do by itself what it takes; and for one of an ordinary user, whose engine may not, either.
import type { Action } from '../kernel/action.ts'
import type { Step } from '../kernel/step.ts'
import { type IdRange, inInitialUsers, ownMaps } from '../observe/id-maps.ts'
import * as bind from '../primitives/bind.ts'
import { DEV, plan as deviceTree } from '../primitives/device-tree.ts'
import * as devices from '../primitives/devices.ts'
import * as mount from '../primitives/mount.ts'
import * as user from '../primitives/user.ts'
import { plan as visibleMounts } from '../primitives/visible-mount.ts'
import { refuse } from './host.ts'

export interface SystemMounts {
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** When the mounts are private, and the host's files are the root still. */
  readonly prepare: readonly Step[]
  /** When the container's files are the root, and its volumes are there: the mounts, and /dev filled. */
  readonly steps: readonly Step[]
}

/** `extras`: devices besides the usual. Throws UsageError for a device that a user namespace cannot have. */
export function planSystem(
  mounts: readonly mount.Mount[],
  extras: readonly devices.Device[] = [],
  mappings?: user.Mappings,
): SystemMounts {
  if (!inInitialUsers()) return asUser(mounts, extras, mappings ?? ownMappings())
  const inside = devices.plan(extras)
  if (!mappings) return { before: [], prepare: [], steps: [...mount.plan({ mounts }), ...inside] }
  const { fitting, steps, prepared } = visible(mounts, mappings)
  const dev = fitting.find(({ destination }) => destination === '/dev')
  if (!dev) return { before: [], prepare: steps, steps: mount.plan({ mounts: fitting }, prepared) }
  const ids = {
    uid: (id: number) => user.outside(mappings.uidMappings, id),
    gid: (id: number) => user.outside(mappings.gidMappings, id),
  }
  return {
    before: deviceTree(dev.options, inside, ids),
    prepare: steps,
    steps: mount.plan({ mounts: fitting }, new Map<string, number | typeof DEV>([...prepared, [dev.destination, DEV]])),
  }
}

/** Those mounts that must be made early, and without owners that are nobody. */
function visible(mounts: readonly mount.Mount[], mappings: user.Mappings) {
  const fitting = mounts.map(entry => ({ ...entry, options: user.withoutStrangers(entry.options, mappings) }))
  return { fitting, ...visibleMounts(fitting) }
}

/** Where we are root of a user namespace only: nobody may make a device, so those of the host are mounted on files. */
function asUser(
  mounts: readonly mount.Mount[],
  [extra]: readonly devices.Device[],
  mappings: user.Mappings,
): SystemMounts {
  if (extra) throw refuse('root', { asked: 'run: --device', detail: 'to give it a device of the host' })
  const { fitting, steps, prepared } = visible(mounts, mappings)
  const shown = devices.usualDevices().map((path, i) => ({ path, name: `device-${i}` }))
  return {
    before: shown.flatMap(({ path, name }) => bind.tree(name, { source: path, destination: path, options: ['bind'] })),
    prepare: steps,
    steps: [
      ...mount.plan({ mounts: fitting }, prepared),
      ...devices.planLinks(),
      ...shown.flatMap(({ path, name }) => [...bind.mountPoint(path, 'file', 'refuse'), ...bind.attach(name)]),
    ],
  }
}

/** Who there is in our own user namespace. */
function ownMappings(): user.Mappings {
  const { uid, gid } = ownMaps()
  const same = ({ inside, count }: IdRange) => ({ containerID: inside, hostID: inside, size: count })
  return { uidMappings: uid.map(same), gidMappings: gid.map(same) }
}
