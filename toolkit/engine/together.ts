// Wishes that cannot be had together, though each of them alone can.
import { UsageError } from '../kernel/usage-error.ts'
import type { RunOptions } from './options.ts'

/** Throws a UsageError that names the flags. */
export function checkTogether({
  namespaces: { users, pid, ipc },
  network: { mode, path },
  mounts,
  terminal,
}: RunOptions): void {
  const needs = (what: string, allowed: string) =>
    new UsageError(`run: --userns private: needs ${what}; allowed: ${allowed}`)
  // The kernel mounts a new /sys, /proc or /dev/mqueue only for who has power over what they show.
  if (users && (mode === 'host' || path !== undefined))
    throw needs('a network of its own, for its /sys', '--network none or bridge')
  if (users && pid !== 'private') throw needs('processes of its own, for its /proc', '--pid private')
  if (users && (ipc === 'host' || typeof ipc === 'object'))
    throw needs('queues of its own, for its /dev/mqueue', '--ipc private, shareable or none')
  const covered = terminal && mounts.mounts.some(({ destination }) => destination === '/dev/pts')
  if (!covered) return
  const flag = mounts.asked?.['/dev/pts'] ?? '--volumes-from'
  throw new UsageError(`run: ${flag}: --tty needs the container's own /dev/pts; leave one of them out`)
}
