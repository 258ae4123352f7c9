// Whether a process is what the description says: its name, what it can see of /proc, its rights, and its limit.
import { readCapabilities } from '../../toolkit/observe/capabilities.ts'
import { readCgroup } from '../../toolkit/observe/cgroup-figures.ts'
import { directoriesOf } from '../../toolkit/observe/cgroups.ts'
import { mountOver, readMounts } from '../../toolkit/observe/mounts.ts'
import type { Scene } from '../lesson.ts'
import type { Contained } from './containers.ts'

/** What is not as described, of what a process sees and may do; undefined: nothing. */
export function unlike({ values }: Scene, { pid, comm, shared }: Contained): string | undefined {
  const { hidden = '', kept = '' } = values
  if (shared.length > 0) return `${comm} has the bundle’s root, and shares these namespaces with the lab: ${shared}`
  const cover = mountOver(readMounts(pid) ?? [], hidden)
  if (cover?.mountPoint !== hidden) return `${comm} can read ${hidden}: nothing is mounted over it`
  const rights = readCapabilities(pid)
  const sets = rights ? [...rights.bounding, ...rights.permitted] : []
  if (sets.length > 6)
    return `${comm} has ${rights?.permitted.length} capabilities, and can get ${rights?.bounding.length}`
  if (sets.includes('KILL')) return `${comm} still has the capability KILL, or can get it`
  if (!rights?.effective.includes(kept)) return `${comm} has not got the capability ${kept}`
  return undefined
}

/** The same of its limit. */
export function unlimited({ values }: Scene, { pid, comm }: Contained): string | undefined {
  const found = readCgroup(directoriesOf(pid)).pids?.limit
  if (found === undefined || found === Number.POSITIVE_INFINITY)
    return `${comm} is in a cgroup without a limit of processes`
  return String(found) === values.limit ? undefined : `${comm} is in a cgroup with at most ${found} processes`
}
