// Why a limit cannot be enforced: what the doctor says of a controller, and the refusal of a container that needs it.
import { controllerState } from '../../observe/cgroups.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import { readMounts } from '../../observe/mounts.ts'
import type { Controller } from '../../primitives/limits.ts'
import { type HostRefusal, mountV1, type Particulars, refuse } from '../host.ts'
import { bootWith, newKernel, orMoreRights } from '../remedies.ts'

/** What gives an ordinary user a group of his own, where systemd starts his programs. */
const DELEGATED = 'systemd-run --user --scope -p Delegate=yes toolkit …'

export interface Lack {
  readonly controller: Controller
  /** The one hierarchy for all is in use: v1 has no part in it, and what is "not mounted" there is not passed on here. */
  readonly isV2: boolean
}

const isMountedV1 = (name: string): boolean =>
  readMounts(process.pid)?.some(({ fsType, superOptions }) => fsType === 'cgroup' && superOptions.includes(name)) ??
  false

function why({ controller, isV2 }: Lack): Particulars {
  const name = controller === 'io' ? 'blkio' : controller
  const state = controllerState(name)
  if (state === 'disabled')
    return { detail: 'switched off when the machine was started', remedy: bootWith(`cgroup_enable=${name}`) }
  if (!inInitialUsers()) return { detail: 'none is delegated to us', remedy: isV2 ? DELEGATED : 'sudo toolkit …' }
  if (isV2) return { detail: 'not passed on to us', remedy: 'sudo systemd-run --scope -p Delegate=yes toolkit …' }
  if (state === 'absent') return { detail: 'not built into this kernel', remedy: newKernel() }
  if (!isMountedV1(name)) return { detail: 'not mounted', remedy: mountV1(name) }
  return {
    detail: 'no mount shows our own group to write to',
    remedy: orMoreRights('sudo mount -o remount,rw /sys/fs/cgroup'),
  }
}

/** `asked` is the flag that wants the controller. */
export const withoutController = (lack: Lack, asked?: string): HostRefusal =>
  refuse(`cgroup-${lack.controller}`, { ...why(lack), ...(asked !== undefined && { asked }) })
