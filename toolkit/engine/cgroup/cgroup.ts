// The cgroups of a container: where they lie, what is made for them, and how they end. On v1 one group in each hierarchy
// that we need, on v2 one group; below the engine's own, never beside or above it where that can be helped.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Action } from '../../kernel/action.ts'
import type { Descriptor, Step } from '../../kernel/step.ts'
import { quoteValue, UsageError } from '../../kernel/usage-error.ts'
import { type CgroupFigures, oomKills, readCgroup } from '../../observe/cgroup-figures.ts'
import type { CgroupLayout } from '../../observe/cgroups.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import { enter } from '../../primitives/cgroup-namespace.ts'
import * as removal from '../../primitives/cgroup-removal.ts'
import * as cgroups from '../../primitives/cgroups.ts'
import { type DeviceRule, deviceList, v1Action, v2Action } from '../../primitives/device-rules.ts'
import { freeze, hasFreezer, thaw } from '../../primitives/freezer.ts'
import { CONTROLLERS, type Controller, limitAction, NoFile, type Resources, settings } from '../../primitives/limits.ts'
import type { Mount } from '../../primitives/mount.ts'
import { refuse } from '../host.ts'
import { refusing, saying } from '../refusal.ts'
import { find, ownLayout, placeGroups, type Where } from './place.ts'
import { hostParts, view } from './view.ts'

/** `linux.resources` of an OCI config.json. */
export interface AllResources extends Resources {
  readonly devices?: readonly DeviceRule[]
}

export interface CgroupWish extends Where {
  readonly resources: AllResources
}

export interface Prepared {
  /** For `Plan.before`: makes the groups and their limits. */
  readonly before: readonly Action[]
  /** The first steps of the new process: joins (v1), and makes the namespace. */
  readonly steps: readonly Step[]
  /** For `Plan.cgroup` (v2). */
  readonly cgroup: Descriptor | undefined
  /** To be written down before anything is made, and given to the functions below. Empty where there are no cgroups. */
  readonly directories: readonly string[]
  /** Groups above them that are not there yet, the lowest first, where they were asked for: they go with what is in them. */
  readonly above: readonly string[]
  /** What the container finds in place of an OCI mount of type cgroup. */
  readonly view: (mount: Mount) => readonly Mount[]
}

/** Against a program that starts processes without end; podman's default, where docker has none. */
export const PIDS_LIMIT = 2048

/** Where v1 is mounted it counts: it has limits that v2 does not know. */
const wordsOf = (layout: CgroupLayout['layout']): 1 | 2 => (layout === 'v2' ? 2 : 1)

/** A limit that was asked for, and no controller to enforce it: why, and what to do, says `planCgroup`. */
export class NoController extends UsageError {
  readonly controller: Controller
  readonly isV2: boolean
  readonly flag: string

  constructor(controller: Controller, { layout }: CgroupLayout, resources: Resources) {
    const flags = settings(controller, resources, wordsOf(layout)).map(({ flag }) => flag)
    const flag = flags.find(flag => flag === '--memory') ?? flags[0]! // which sets others, too
    super(`${flag}: there is no cgroup controller ${controller} here; 'toolkit doctor' says why`)
    this.controller = controller
    this.isV2 = layout === 'v2'
    this.flag = flag
  }
}

/**
 * Plans the cgroups of a container; looks at the machine, changes nothing. Throws a UsageError where a limit that was
 * asked for cannot be enforced here (NoController), and where one of the groups is there already. Without any limit a machine without
 * cgroups is as good.
 */
export function prepareCgroup(wish: CgroupWish, layout = ownLayout()): Prepared {
  const asked = CONTROLLERS.filter(
    controller => settings(controller, wish.resources, wordsOf(layout.layout)).length > 0,
  )
  const groups = placeGroups(layout, wish, asked)
  const v1 = groups.filter(({ version }) => version === 1)
  const missing = asked.find(controller => !find(groups, controller))
  if (missing) throw new NoController(missing, layout, wish.resources)
  if (wish.path !== undefined && groups.length === 0)
    throw new UsageError(
      `${flagOf(wish.path)}: there is no cgroup here that we may write to; 'toolkit doctor' says why`,
    )
  const directories = groups.map(cgroups.directoryOf)
  const taken = directories.find(directory => existsSync(directory))
  if (taken) throw cgroups.taken(taken) // here, before anybody writes down that it is ours to remove
  return {
    before: [...made(groups, wish), ...limits(groups, wish.resources), ...deviceActions(groups, wish.resources)],
    steps: [
      ...(v1.length > 0 ? cgroups.join(v1.map(cgroups.directoryOf)) : []),
      ...(wish.privateNamespace ? enter() : []),
    ],
    cgroup: v1.length < groups.length ? { descriptor: cgroups.CGROUP } : undefined,
    directories,
    above: wish.path === undefined ? [] : groups.flatMap(missingAbove),
    view: mount => view(layout, wish.privateNamespace ? groups : hostParts(layout), mount),
  }
}

const flagOf = (path: string): string => `run: --cgroup-parent ${quoteValue(dirname(path))}`

/** What makes the groups; of its place speaks --cgroup-parent, where that is given. */
function made(groups: readonly cgroups.Group[], { path }: CgroupWish): Action[] {
  const actions = cgroups.create(groups)
  if (path === undefined) return actions
  const otherwise = refusing({ asked: flagOf(path), allowed: 'the path of a group: a/b below ours, /a/b from the top' })
  return actions.map(action => saying(action, otherwise))
}

const missingAbove = ({ directories }: cgroups.Group): string[] =>
  directories
    .slice(0, -1)
    .filter(directory => !existsSync(directory))
    .toReversed()

/** `prepareCgroup` whose refusals say as much as the doctor does. Its words are loaded only then. */
export async function planCgroup(wish: CgroupWish, layout?: CgroupLayout): Promise<Prepared> {
  try {
    return prepareCgroup(wish, layout)
  } catch (error) {
    if (!(error instanceof NoController)) throw error
    throw (await import('../host/controllers.ts')).withoutController(error, `run: ${error.flag}`)
  }
}

/** What is written for these limits; nothing where the controller is not there. */
export function limits(groups: readonly cgroups.Group[], resources: Resources): Action[] {
  const complete = { pids: { limit: PIDS_LIMIT }, ...resources }
  return CONTROLLERS.flatMap(controller => {
    const group = find(groups, controller)
    if (!group) return []
    return limitActions(cgroups.directoryOf(group), controller, complete, group.version).map(({ action }) => action)
  })
}

/** What is written into one group for one controller, and the files that each can be written to: the first that is there. */
export const limitActions = (
  directory: string,
  controller: Controller,
  resources: Resources,
  version: 1 | 2,
): { action: Action; files: string[] }[] =>
  settings(controller, resources, version).map(setting => ({
    action: saying(limitAction(directory, controller, setting), withoutFile),
    files: setting.writes.map(({ file }) => file),
  }))

/** What the doctor knows, too, it says in its words. */
function withoutFile(error: unknown): unknown {
  if (!(error instanceof NoFile)) return error
  const { flag: asked, file: detail } = error
  if (/memsw|swap/.test(detail)) return refuse('cgroup-swap', { asked, detail })
  return detail.includes('weight') && asked.includes('blkio') ? refuse('cgroup-io-weight', { asked, detail }) : error
}

/** Root of a user namespace may write no such list, and needs none: it can make no device, and open none that it has made. */
function deviceActions(groups: readonly cgroups.Group[], { devices = [] }: AllResources): Action[] {
  if (!inInitialUsers()) return []
  const v1 = groups.find(({ controllers }) => controllers.includes('devices'))
  if (v1) return [v1Action(cgroups.directoryOf(v1), deviceList(devices))]
  return groups.some(({ version }) => version === 2) ? [v2Action(deviceList(devices))] : []
}

/**
 * Ends what is left in a container's groups and removes them, at last those that it shares with other containers, and
 * `above`. Blocks a few milliseconds; throws a UsageError where a process does not end.
 */
export function removeCgroup(directories: readonly string[], above: readonly string[] = []): void {
  removal.remove(directories)
  for (const directory of directories) removeAbove(directory)
  for (const directory of above) removal.removeIfEmpty(directory) // whose engine was killed before it could mark them
}

/** Those that were made for it, or for others like it. */
function removeAbove(directory: string): void {
  const above = dirname(directory)
  if ((above.endsWith('/toolkit') || cgroups.isMarked(above)) && removal.removeIfEmpty(above)) removeAbove(above)
}

/** Whether the kernel has killed a process of the container because the memory limit was reached. */
export const oomKilled = (directories: readonly string[]): boolean => (oomKills(directories) ?? 0) > 0

/** What it has used, and may use. */
export const figures = (directories: readonly string[]): CgroupFigures => readCgroup(directories)

/** One that was started without root has no group that it could be stopped in. */
const withoutGroup = (directories: readonly string[]) =>
  directories.length === 0 && { detail: 'the container has no cgroup', remedy: 'sudo toolkit run …' }

/** Stops all processes of a container. Throws a UsageError where that cannot be. */
export function pause(directories: readonly string[]): void {
  if (!hasFreezer(directories)) throw refuse('cgroup-freezer', { asked: 'pause', ...withoutGroup(directories) })
  freeze(directories)
}

export const resume = (directories: readonly string[]): void => thaw(directories)
