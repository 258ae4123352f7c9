// The root file system of a container: layers become a mount, and the mount becomes its root directory.
import { type Action, directoryAction } from '../kernel/action.ts'
import type { Step } from '../kernel/step.ts'
import * as mount from '../primitives/mount.ts'
import * as overlay from '../primitives/overlay.ts'
import * as user from '../primitives/user.ts'
import { refuse } from './host.ts'

/** Who makes the overlay: the engine, as a detached mount, or the new process with mount(2). */
export type Way = 'detached' | 'mount'

let chosen: Way | undefined

/** The way that this kernel has. Asked once. */
export const wayHere = (): Way => (chosen ??= overlay.canDetach() ? 'detached' : 'mount')

export interface Rootfs {
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** When the mounts are private: afterwards the layers are the root, and the host's files are gone. */
  readonly steps: readonly Step[]
}

export interface RootfsWish {
  readonly layers: overlay.Layers
  /** A directory to be made where the new process makes the overlay. */
  readonly target: string
  /** The container's user namespace; without it the ids of the layers are the host's. */
  readonly mappings?: user.Mappings
}

const mountPoint = (target: string): Action =>
  directoryAction(target, {
    why: 'an overlay is mounted on a directory',
    lesson: '12-overlay',
    shell: `mkdir ${target}`,
  })

/** The descriptor of the detached root file system. */
export const ROOTFS = 'rootfs'

/**
 * The old root is detached before anything in the new one is looked up. As long as it is stacked on `/`, a path that
 * goes above the root (`/..`, or a symbolic link in the image to `../..`) ends among the host's files.
 */
export function planRootfs({ layers, target, mappings }: RootfsWish, way = wayHere()): Rootfs {
  if (way === 'mount') {
    if (mappings) throw refuse('detached-mounts', { asked: 'run: --userns private' })
    const steps = [...overlay.plan(layers, target), ...mount.pivotRoot(target), ...mount.detachOldRoot()]
    return { before: [mountPoint(target)], steps }
  }
  const mapped = mappings && user.mapLayers(layers.lower, mappings)
  return {
    before: mapped
      ? [...mapped.actions, overlay.detachedOver(mapped.layers, layers, ROOTFS)]
      : overlay.detached(layers, ROOTFS),
    steps: [...overlay.attach(ROOTFS), ...mount.pivotHere(), ...mount.detachOldRoot()],
  }
}
