// Where the groups of a container or a lab lie: on v1 one in each hierarchy that has something to do, on v2 one.

import { accessSync, constants } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import { type CgroupLayout, type Hierarchy, readLayout } from '../../observe/cgroups.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import type { Group } from '../../primitives/cgroups.ts'
import type { Controller } from '../../primitives/limits.ts'
import { groupV2 } from './v2.ts'

export interface Where {
  /** Of the container; its first 12 characters name the groups. */
  readonly id: string
  /** `linux.cgroupsPath`: from the root of the hierarchy where it begins with /, else below the engine's own group. */
  readonly path?: string | undefined
  /** A cgroup namespace of its own. */
  readonly privateNamespace: boolean
  /** Also in a v2 hierarchy that has nothing to do for it. */
  readonly everyHierarchy?: boolean
}

/** v1 hierarchies that have something to do for a container without being asked: limits, figures, pause. */
const WANTED_V1 = new Set(['memory', 'cpu', 'cpuacct', 'pids', 'devices', 'freezer', 'blkio'])

const onV1 = (controller: string): string => (controller === 'io' ? 'blkio' : controller)

/** The names of the directories from our place down to the container's group. */
function namesOf({ id, path }: Where): string[] {
  const names = path === undefined ? ['toolkit', id.slice(0, 12)] : path.split('/').filter(Boolean)
  if (names.length === 0 || names.some(name => name === '.' || name === '..'))
    throw new UsageError(`cgroupsPath: ${JSON.stringify(path)} is not the path of a group`)
  return names
}

/** Directories below `place`, from the top to the bottom. */
const downFrom = (place: string, names: readonly string[]): string[] =>
  names.map((_, i) => `${place}/${names.slice(0, i + 1).join('/')}`)

const usable = ({ directory, writable }: Hierarchy): boolean => directory !== undefined && writable

/**
 * The groups of a container on v1: one in each hierarchy. Where it had none, its cgroup namespace would begin at the
 * engine's own group, and whoever gets the right to mount in there could make groups beside those of the host. Without
 * a namespace of its own there is nothing to begin: then only those that have something to do.
 */
function groupsV1(layout: CgroupLayout, wish: Where, asked: readonly Controller[]): Group[] {
  const needed = new Set([...WANTED_V1, ...asked.map(onV1)])
  return layout.hierarchies
    .filter(hierarchy => hierarchy.version === 1 && usable(hierarchy))
    .filter(({ controllers }) => wish.privateNamespace || controllers.some(name => needed.has(name)))
    .map(({ controllers, directory, mountPoint }) => ({
      version: 1,
      controllers,
      directories: downFrom(wish.path?.startsWith('/') ? mountPoint! : directory!, namesOf(wish)),
    }))
}

/** The groups: of v1 first. `asked`: controllers that are wanted besides the usual. One that is not to be had is lacking. */
export function placeGroups(layout: CgroupLayout, wish: Where, asked: readonly Controller[]): Group[] {
  const v1 = groupsV1(layout, wish, asked)
  const rest = asked.filter(controller => !find(v1, controller))
  const unified = layout.hierarchies.find(hierarchy => hierarchy.version === 2 && usable(hierarchy))
  const wanted = layout.layout === 'v2' || rest.length > 0 || wish.everyHierarchy
  if (!unified || !wanted) return v1
  const where = { names: namesOf(wish), fromTop: wish.path?.startsWith('/') ?? false }
  return [...v1, groupV2(unified, where, rest)]
}

/** Where a controller's files of the container are, and of which version; undefined without it. */
export function find(groups: readonly Group[], controller: Controller): Group | undefined {
  return groups.find(({ version, controllers }) => controllers.includes(version === 1 ? onV1(controller) : controller))
}

/** A machine where /proc is not mounted. */
export const NO_CGROUPS: CgroupLayout = { layout: 'v2', hierarchies: [] }

function isOurs(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    accessSync(`${directory}/cgroup.procs`, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Whether a controller's files are those of cgroup v1. */
export const isV1 = (controller: string): boolean =>
  ownLayout().hierarchies.some(
    ({ version, controllers, mountPoint }) =>
      version === 1 && mountPoint !== undefined && controllers.includes(controller),
  )

/** Our own cgroups. Root of a user namespace has only those that were delegated to its user. */
export function ownLayout(): CgroupLayout {
  const layout = readLayout(process.pid) ?? NO_CGROUPS
  if (inInitialUsers()) return layout
  const hierarchies = layout.hierarchies.map(hierarchy => ({
    ...hierarchy,
    writable: hierarchy.writable && isOurs(hierarchy.directory ?? ''),
  }))
  return { ...layout, hierarchies }
}
