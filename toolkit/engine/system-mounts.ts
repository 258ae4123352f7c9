// The kernel's own file systems and the devices of a container: the same for all but one with a user namespace, whose
// root may not do by itself what it takes.
import type { Action } from '../kernel/action.ts'
import type { Step } from '../kernel/step.ts'
import { DEV, plan as deviceTree } from '../primitives/device-tree.ts'
import * as mount from '../primitives/mount.ts'
import * as user from '../primitives/user.ts'
import { plan as visibleMounts } from '../primitives/visible-mount.ts'

export interface SystemMounts {
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** When the mounts are private, and the host's files are the root still. */
  readonly prepare: readonly Step[]
  /** When the container's files are the root, and its volumes are there: the mounts, and /dev filled. */
  readonly steps: readonly Step[]
}

/** `devices`: the steps that fill /dev. Throws UsageError for a device that a user namespace cannot have. */
export function planSystem(
  mounts: readonly mount.Mount[],
  devices: readonly Step[],
  mappings?: user.Mappings,
): SystemMounts {
  if (!mappings) return { before: [], prepare: [], steps: [...mount.plan({ mounts }), ...devices] }
  const fitting = mounts.map(entry => ({ ...entry, options: user.withoutStrangers(entry.options, mappings) }))
  const { steps, prepared } = visibleMounts(fitting)
  const dev = fitting.find(({ destination }) => destination === '/dev')
  if (!dev) return { before: [], prepare: steps, steps: mount.plan({ mounts: fitting }, prepared) }
  const ids = {
    uid: (id: number) => user.outside(mappings.uidMappings, id),
    gid: (id: number) => user.outside(mappings.gidMappings, id),
  }
  return {
    before: deviceTree(dev.options, devices, ids),
    prepare: steps,
    steps: mount.plan({ mounts: fitting }, new Map<string, number | typeof DEV>([...prepared, [dev.destination, DEV]])),
  }
}
