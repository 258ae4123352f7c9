// Where a container's group lies on cgroup v2, and which groups above must pass controllers on to it.
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { attempt } from '../../kernel/call.ts'
import type { Hierarchy } from '../../observe/cgroups.ts'
import type { Group } from '../../primitives/cgroups.ts'

/** Passed on to every container where it is there: for the default limit of processes, and the figures. */
const WANTED = ['memory', 'pids', 'io'] as const

const words = (path: string): string[] => readFileSync(path, 'utf8').split(/\s+/).filter(Boolean)

/** Whether a group may pass controllers on: it is the root of all, or has no processes of its own. */
function passesOn(directory: string): boolean {
  if (!existsSync(`${directory}/cgroup.events`)) return true // what every group has but the root
  try {
    return words(`${directory}/cgroup.procs`).length === 0
  } catch {
    return false // EOPNOTSUPP: a threaded group, whose processes are listed elsewhere
  }
}

/** Whether systemd has left this group and all in it to whoever runs there: Delegate=, "Delegation" in systemd.exec(5). */
function isDelegated(directory: string): boolean {
  const value = Buffer.alloc(2)
  return ['trusted.delegate', 'user.delegate'].some(
    name => attempt('lgetxattr', [directory, name, value, value.length]) === 1 && value[0] === 0x31,
  )
}

/** A directory and those above it, the lowest first, up to where our say ends: a delegated group, or the mount point. */
function upwards(directory: string, mountPoint: string): string[] {
  if (directory === mountPoint || isDelegated(directory)) return [directory]
  return [directory, ...upwards(dirname(directory), mountPoint)]
}

/**
 * Plans the group. One that holds processes cannot pass controllers on ("no internal processes", cgroups(7)), and our own
 * holds at least this one: so the place is the nearest group above that holds none. Where even the topmost that we may
 * change holds some, as in a container or a service with Delegate=yes, they are moved into a group of their own first,
 * as systemd wants it of whoever it delegates to (kernel.org and systemd.io, "CGROUP_DELEGATION").
 *
 * Without Delegate= the place is the slice that our session or service lies in. That is systemd's, but it leaves a group
 * alone that it does not know, and cannot take a controller back that is in use below. Only what was asked for is
 * switched on above the place. `controllers` of the result lacks what is not to be had.
 */
export function groupV2(
  { directory, mountPoint }: Hierarchy,
  { names, fromTop }: { names: readonly string[]; fromTop: boolean },
  asked: readonly string[],
): Group {
  const chain = upwards(fromTop ? mountPoint! : directory!, mountPoint!)
  const found = chain.findIndex(passesOn)
  const at = found < 0 ? chain.length - 1 : found
  const place = chain[at]!
  const there = words(`${place}/cgroup.controllers`)
  const top = words(`${chain.at(-1)}/cgroup.controllers`)
  const needed = asked.filter(controller => top.includes(controller))
  const controllers = [...new Set([...WANTED.filter(controller => there.includes(controller)), ...needed])]
  const directories = names.map((_, i) => [place, ...names.slice(0, i + 1)].join('/'))
  const upper = chain.slice(at).toReversed()
  const above = directories.slice(0, -1).map(path => ({ directory: path, controllers }))
  const lacking = upper.map(path => {
    const passed = words(`${path}/cgroup.subtree_control`)
    const wanted = path === place ? controllers : needed
    return { directory: path, controllers: wanted.filter(controller => !passed.includes(controller)) }
  })
  return {
    version: 2,
    controllers,
    directories,
    enable: [...lacking, ...above].filter(({ controllers }) => controllers.length > 0),
    passing: [...upper.map(path => ({ directory: path, controllers })), ...above],
    ...(found < 0 && { evacuate: place }),
  }
}
