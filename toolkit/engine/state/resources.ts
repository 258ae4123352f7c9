// What a container has outside of its directory and its namespaces: written down before it is made, and undone from
// that record alone, by its own engine or by the next command.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../../kernel/usage-error.ts'
import { cgroupsBelow, readLayout } from '../../observe/cgroups.ts'
import { removeCgroup } from '../cgroup/cgroup.ts'
import { failpoint } from '../failpoint.ts'

/** As it stands in state.json. */
export interface Resources {
  /** Directories of its cgroups. */
  readonly cgroups: readonly string[]
  /** Groups above them that were not there before, the lowest first. */
  readonly cgroupsAbove?: readonly string[]
  /** It has an address in a network; which, the lease knows. */
  readonly network: boolean
  /** Volumes without a name that go with it. */
  readonly volumes?: readonly string[]
}

/**
 * Throws a UsageError where a hierarchy of its groups is not mounted here (in a mount namespace, in a chroot): they seem to
 * be gone, and would stay for good if they were taken for that.
 */
export function checkSeen({ cgroups }: Resources): void {
  const isMounted = (directory: string): boolean =>
    directory !== '/' && (existsSync(`${directory}/cgroup.procs`) || isMounted(dirname(directory)))
  const hidden = cgroups.find(directory => !isMounted(dirname(directory)))
  if (hidden !== undefined)
    throw new UsageError(`the cgroup ${hidden} cannot be removed: it is not to be seen from here`)
}

/** Undoes all of it; what is gone already is as good. Throws where something cannot be undone now. */
export async function release({ cgroups, cgroupsAbove, network, volumes = [] }: Resources, id: string): Promise<void> {
  removeCgroup(cgroups, cgroupsAbove) // first: whatever still runs in there ends with it
  failpoint('cgroup removed')
  if (network) {
    const { leaveNetwork } = await import('../network/network.ts') // most runs have none
    leaveNetwork(id)
  }
  failpoint('network released')
  if (volumes.length > 0) {
    const { removeUnused } = await import('../volume/store.ts')
    removeUnused(({ name }) => volumes.includes(name), { except: id })
  }
  failpoint('volumes removed')
}

/** The groups that bear an id. They may be anywhere: they lie where its engine was, which may have been another service. */
const groupsOf = (id: string, directory: string): string[] =>
  cgroupsBelow(directory).flatMap(group => (group.endsWith(`/${id}`) ? [group] : groupsOf(id, group)))

/** The same for a container whose record cannot be read: what bears its id. `id` is the first 12 characters. */
export async function releaseUnknown(id: string): Promise<void> {
  const hierarchies = readLayout(process.pid)?.hierarchies ?? []
  const cgroups = hierarchies.flatMap(({ mountPoint }) => (mountPoint ? groupsOf(id, mountPoint) : []))
  const [{ bridgeNetwork }, { readAllLeases }] = await Promise.all([
    import('../network/network.ts'),
    import('../network/leases.ts'),
  ])
  const lease = readAllLeases(bridgeNetwork()).find(lease => lease.id.startsWith(id))
  await release({ cgroups, network: lease !== undefined }, lease?.id ?? id)
}
