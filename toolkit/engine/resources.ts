// What a container has outside of its directory and its namespaces: written down before it is made, and undone from
// that record alone, by its own engine or by the next command.
import { removeCgroup } from './cgroup.ts'
import { failpoint } from './failpoint.ts'

/** As it stands in state.json. */
export interface Resources {
  /** Directories of its cgroups. */
  readonly cgroups: readonly string[]
  /** It has an address on the bridge; which, the lease knows. */
  readonly network: boolean
}

/** Undoes all of it; what is gone already is as good. Throws where something cannot be undone now. */
export async function release({ cgroups, network }: Resources, id: string): Promise<void> {
  removeCgroup(cgroups) // first: whatever still runs in there ends with it
  failpoint('cgroup removed')
  if (network) {
    const { leaveNetwork } = await import('./network.ts') // most runs have none
    leaveNetwork(id)
  }
  failpoint('network released')
}
