// The cgroups of a container: where they lie, what is made for them, and how they end. On v1 one group in each hierarchy
// that we need, on v2 one group; below the engine's own, never beside or above it where that can be helped.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Action } from '../kernel/action.ts'
import type { Descriptor, Step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type CgroupFigures, oomKills, readCgroup } from '../observe/cgroup-figures.ts'
import { type CgroupLayout, type Hierarchy, readLayout } from '../observe/cgroups.ts'
import { readMounts } from '../observe/mounts.ts'
import { enter } from '../primitives/cgroup-namespace.ts'
import * as removal from '../primitives/cgroup-removal.ts'
import * as cgroups from '../primitives/cgroups.ts'
import { type DeviceRule, deviceList, v1Action, v2Action } from '../primitives/device-rules.ts'
import { freeze, hasFreezer, thaw } from '../primitives/freezer.ts'
import { CONTROLLERS, type Controller, limitAction, NoFile, type Resources, settings } from '../primitives/limits.ts'
import type { Mount } from '../primitives/mount.ts'
import { groupV2 } from './cgroup-v2.ts'
import { refuse } from './host.ts'
import { saying } from './refusal.ts'

/** `linux.resources` of an OCI config.json. */
export interface AllResources extends Resources {
  readonly devices?: readonly DeviceRule[]
}

export interface CgroupWish {
  /** Of the container; its first 12 characters name the groups. */
  readonly id: string
  readonly resources: AllResources
  /** `linux.cgroupsPath`: from the root of the hierarchy where it begins with /, else below the engine's own group. */
  readonly path?: string | undefined
  /** A cgroup namespace of its own. */
  readonly privateNamespace: boolean
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
  /** What the container finds in place of an OCI mount of type cgroup. */
  readonly view: (mount: Mount) => readonly Mount[]
}

/** Against a program that starts processes without end; podman's default, where docker has none. */
export const PIDS_LIMIT = 2048

/** v1 hierarchies that have something to do for a container without being asked: limits, figures, pause. */
const WANTED_V1 = new Set(['memory', 'cpu', 'cpuacct', 'pids', 'devices', 'freezer', 'blkio'])

const onV1 = (controller: string): string => (controller === 'io' ? 'blkio' : controller)

/** The names of the directories from our place down to the container's group. */
function namesOf({ id, path }: CgroupWish): string[] {
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
function groupsV1(layout: CgroupLayout, wish: CgroupWish, asked: readonly Controller[]): cgroups.Group[] {
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

/** A limit that was asked for, and no controller to enforce it: why, and what to do, says `planCgroup`. */
export class NoController extends UsageError {
  readonly controller: Controller
  readonly isV2: boolean
  readonly flag: string

  constructor(controller: Controller, { layout }: CgroupLayout, resources: Resources) {
    const { flag } = settings(controller, resources, 2)[0]!
    super(`${flag}: there is no cgroup controller ${controller} here; 'toolkit doctor' says why`)
    this.controller = controller
    this.isV2 = layout === 'v2'
    this.flag = flag
  }
}

/** Where a controller's files of the container are, and of which version; undefined without it. */
function find(groups: readonly cgroups.Group[], controller: Controller): cgroups.Group | undefined {
  return groups.find(({ version, controllers }) => controllers.includes(version === 1 ? onV1(controller) : controller))
}

/** A machine where /proc is not mounted. */
const NO_CGROUPS: CgroupLayout = { layout: 'v2', hierarchies: [] }

/**
 * Plans the cgroups of a container; looks at the machine, changes nothing. Throws a UsageError where a limit that was
 * asked for cannot be enforced here (NoController), and where one of the groups is there already. Without any limit a machine without
 * cgroups is as good.
 */
export function prepareCgroup(wish: CgroupWish, layout = readLayout(process.pid) ?? NO_CGROUPS): Prepared {
  const asked = CONTROLLERS.filter(controller => settings(controller, wish.resources, 2).length > 0)
  const v1 = groupsV1(layout, wish, asked)
  const rest = asked.filter(controller => !find(v1, controller))
  const unified = layout.hierarchies.find(hierarchy => hierarchy.version === 2 && usable(hierarchy))
  const where = { names: namesOf(wish), fromTop: wish.path?.startsWith('/') ?? false }
  const v2 = unified && (layout.layout === 'v2' || rest.length > 0) ? [groupV2(unified, where, rest)] : []
  const groups = [...v1, ...v2]
  const missing = asked.find(controller => !find(groups, controller))
  if (missing) throw new NoController(missing, layout, wish.resources)
  const directories = groups.map(cgroups.directoryOf)
  const taken = directories.find(directory => existsSync(directory))
  if (taken) throw cgroups.taken(taken) // here, before anybody writes down that it is ours to remove
  return {
    before: [...cgroups.create(groups), ...limits(groups, wish.resources), ...deviceActions(groups, wish.resources)],
    steps: [
      ...(v1.length > 0 ? cgroups.join(v1.map(cgroups.directoryOf)) : []),
      ...(wish.privateNamespace ? enter() : []),
    ],
    cgroup: v2.length > 0 ? { descriptor: cgroups.CGROUP } : undefined,
    directories,
    view: mount => view(layout, wish.privateNamespace ? groups : hostParts(layout), mount),
  }
}

/** `prepareCgroup` whose refusals say as much as the doctor does. Its words are loaded only then. */
export async function planCgroup(wish: CgroupWish, layout?: CgroupLayout): Promise<Prepared> {
  try {
    return prepareCgroup(wish, layout)
  } catch (error) {
    if (!(error instanceof NoController)) throw error
    throw (await import('./host/controllers.ts')).withoutController(error, error.flag)
  }
}

function limits(groups: readonly cgroups.Group[], resources: Resources): Action[] {
  const complete = { pids: { limit: PIDS_LIMIT }, ...resources }
  return CONTROLLERS.flatMap(controller => {
    const group = find(groups, controller)
    if (!group) return []
    return settings(controller, complete, group.version).map(setting =>
      saying(limitAction(cgroups.directoryOf(group), controller, setting), withoutFile),
    )
  })
}

/** What the doctor knows, too, it says in its words. */
function withoutFile(error: unknown): unknown {
  if (!(error instanceof NoFile)) return error
  const { flag: asked, file: detail } = error
  if (/memsw|swap/.test(detail)) return refuse('cgroup-swap', { asked, detail })
  return detail.includes('weight') && asked.includes('blkio') ? refuse('cgroup-io-weight', { asked, detail }) : error
}

function deviceActions(groups: readonly cgroups.Group[], { devices = [] }: AllResources): Action[] {
  const v1 = groups.find(({ controllers }) => controllers.includes('devices'))
  if (v1) return [v1Action(cgroups.directoryOf(v1), deviceList(devices))]
  return groups.some(({ version }) => version === 2) ? [v2Action(deviceList(devices))] : []
}

const hostParts = ({ hierarchies }: CgroupLayout): readonly Part[] =>
  hierarchies
    .filter(({ mountPoint }) => mountPoint !== undefined)
    .map(hierarchy => (hierarchy.version === 2 ? { ...hierarchy, options: optionsOf(hierarchy) } : hierarchy))

/**
 * The options that the v2 hierarchy has, nsdelegate and others. In the host's cgroup namespace each new mount of it sets
 * them for the whole machine, and takes away what it does not name: admin-guide/cgroup-v2, "Mounting".
 */
function optionsOf({ mountPoint }: Hierarchy): string[] {
  const mounts = readMounts(process.pid) ?? []
  const found = mounts.findLast(mount => mount.fsType === 'cgroup2' && mount.mountPoint === mountPoint)
  return found?.superOptions.filter(option => option !== 'rw' && option !== 'ro') ?? []
}

/**
 * An OCI mount of type cgroup as what the machine's layout makes of it: cgroup2 itself, or a tmpfs with a directory for
 * each hierarchy. In a namespace of its own only those in which the container has a group: of all others it would see
 * the engine's. The tmpfs becomes read-only at last, when all is mounted on it.
 */
function view({ layout }: CgroupLayout, parts: readonly Part[], { destination, options }: Mount): Mount[] {
  const part = (type: 'cgroup' | 'cgroup2', name: string, data: readonly string[]): Mount => ({
    destination: name ? `${destination}/${name}` : destination,
    type,
    source: type,
    options: [...options, ...data],
  })
  if (layout === 'v2') return parts.map(({ options = [] }) => part('cgroup2', '', options))
  const tmpfs = { destination, type: 'tmpfs', source: 'tmpfs' }
  return [
    { ...tmpfs, options: [...options.filter(option => option !== 'ro'), 'mode=755'] },
    ...parts.map(({ version, controllers, options: has = [] }) =>
      version === 2
        ? part('cgroup2', 'unified', has)
        : part('cgroup', controllers.join().replace('name=', ''), namedOrNot(controllers)),
    ),
    ...(options.includes('ro') ? [{ ...tmpfs, options: ['remount', ...options, 'mode=755'] }] : []),
  ]
}

interface Part extends Pick<Hierarchy, 'version' | 'controllers'> {
  /** Of a v2 hierarchy. */
  readonly options?: readonly string[]
}

/** The mount options that pick a v1 hierarchy: its controllers; or that it has none, and its name. */
const namedOrNot = (controllers: readonly string[]): readonly string[] =>
  controllers.every(name => name.includes('=')) ? ['none', ...controllers] : controllers

/**
 * Ends what is left in a container's groups and removes them, at last the one that it shares with other containers. Blocks
 * a few milliseconds; throws a UsageError where a process does not end.
 */
export function removeCgroup(directories: readonly string[]): void {
  removal.remove(directories)
  for (const directory of directories)
    if (dirname(directory).endsWith('/toolkit')) removal.removeIfEmpty(dirname(directory))
}

/** Whether the kernel has killed a process of the container because the memory limit was reached. */
export const oomKilled = (directories: readonly string[]): boolean => (oomKills(directories) ?? 0) > 0

/** What it has used, and may use. */
export const figures = (directories: readonly string[]): CgroupFigures => readCgroup(directories)

/** Stops all processes of a container. Throws a UsageError where that cannot be. */
export function pause(directories: readonly string[]): void {
  if (!hasFreezer(directories)) throw refuse('cgroup-freezer', { asked: 'pause' })
  freeze(directories)
}

export const resume = (directories: readonly string[]): void => thaw(directories)
