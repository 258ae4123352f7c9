// Wishes that cannot be had together, though each of them alone can.
import { UsageError } from '../kernel/usage-error.ts'
import { isBelow } from '../observe/mounts.ts'
import type { RunOptions } from './options.ts'
import { askedAt } from './refusal.ts'
import { askedDevices } from './wishes.ts'

/** Throws a UsageError that names the flags. */
export function checkTogether(options: RunOptions): void {
  checkUsers(options)
  const { mounts, devices, terminal, wording } = options
  const asked = { ...askedDevices(wording?.devices), ...mounts.asked }
  const refuse = (place: string, why: string) =>
    new UsageError(`${askedAt(asked, place, `a mount at ${place}`)}: ${why}`)
  const places = mounts.mounts.map(({ destination }) => destination)
  for (const place of terminal ? [...places, ...devices.map(({ path }) => path)] : []) {
    const top = OF_TERMINAL.find(top => isBelow(place, top))
    if (top) throw refuse(place, `--tty needs the container's own ${top}; leave one of them out`)
  }
  for (const { path } of devices) {
    const over = places.find(place => place.startsWith('/dev/') && isBelow(path, place))
    if (over) throw refuse(path, `${over} is mounted over it, by ${asked[over] ?? 'a mount'}; give another place`)
  }
}

const OF_TERMINAL = ['/dev/pts', '/dev/console']

/** The kernel mounts a new /sys, /proc … only for who has power over what they show. */
function checkUsers({ namespaces: { users, uts, pid, ipc, cgroup }, network: { mode, path } }: RunOptions): void {
  if (!users) return
  const needs = (what: string, allowed: string) =>
    new UsageError(`run: --userns private: needs ${what}; allowed: ${allowed}`)
  if (mode === 'host' || path !== undefined)
    throw needs('a network of its own, for its /sys', '--network none or bridge')
  if (pid !== 'private') throw needs('processes of its own, for its /proc', '--pid private')
  if (ipc === 'host' || typeof ipc === 'object')
    throw needs('queues of its own, for its /dev/mqueue', '--ipc private, shareable or none')
  if (cgroup !== 'private') throw needs('cgroups of its own, for its /sys/fs/cgroup', '--cgroupns private')
  if (typeof uts === 'object') throw needs('power over the names that it has', '--uts private or host')
}
