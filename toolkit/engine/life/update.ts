// Other limits, and another restart policy, for a container that is there: at once where it runs, and for all later starts.
// Where one limit cannot be set, those that were set before it have their old values again.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../../kernel/usage-error.ts'
import { readLayout } from '../../observe/cgroups.ts'
import { CONTROLLERS, type Controller, type Resources, settings } from '../../primitives/limits.ts'
import { type AllResources, limitActions, planCgroup } from '../cgroup/cgroup.ts'
import { NO_CGROUPS } from '../cgroup/place.ts'
import { withoutController } from '../host/controllers.ts'
import { recordOf } from '../state/events.ts'
import { findContainer } from '../state/list.ts'
import { amend, type ContainerState, newId } from '../state/store.ts'
import type { RestartPolicy } from './restart-policy.ts'

export interface Change {
  /** Only what is to be another. */
  readonly resources: Resources
  readonly restart: RestartPolicy | undefined
}

/** One group of a container: on v1 of one hierarchy. */
interface Place {
  readonly version: 1 | 2
  readonly directory: string
  /** v1: of the hierarchy. */
  readonly controllers: readonly string[]
}

const words = (path: string): string[] => readFileSync(path, 'utf8').split(/\s+/).filter(Boolean)

function placesOf(directories: readonly string[]): Place[] {
  const { hierarchies } = readLayout(process.pid) ?? NO_CGROUPS
  return directories.flatMap(directory => {
    const found = hierarchies.find(({ mountPoint }) => mountPoint && `${directory}/`.startsWith(`${mountPoint}/`))
    if (!found) return []
    return [{ version: found.version, directory, controllers: found.controllers }]
  })
}

const has = ({ version, directory, controllers }: Place, controller: Controller): boolean =>
  version === 1
    ? controllers.includes(controller === 'io' ? 'blkio' : controller)
    : words(`${directory}/cgroup.controllers`).includes(controller)

/** v2: the groups above pass a controller on that nobody has asked for so far. What they refuse shows afterwards. */
function passOn(directory: string, controller: Controller): void {
  const above = dirname(directory)
  if (!existsSync(`${above}/cgroup.controllers`)) return
  if (!words(`${above}/cgroup.controllers`).includes(controller)) passOn(above, controller)
  try {
    writeFileSync(`${above}/cgroup.subtree_control`, `+${controller}`)
  } catch {}
}

function placeFor(places: readonly Place[], controller: Controller): Place | undefined {
  const found = places.find(place => has(place, controller))
  if (found) return found
  const v2 = places.find(({ version }) => version === 2)
  if (!v2) return undefined
  passOn(v2.directory, controller)
  return has(v2, controller) ? v2 : undefined
}

/** What is to be written: some files say two things at once, and memory and swap go by each other. */
function toWrite(all: Resources, { memory, cpu, pids, blockIO }: Resources): Resources {
  const { cpus, mems, ...time } = cpu ?? {}
  const { shares, quota, period } = all.cpu ?? {}
  const timed = time.quota !== undefined || time.period !== undefined
  return {
    ...(memory && all.memory && { memory: all.memory }),
    ...(cpu && {
      cpu: {
        ...(time.shares !== undefined && shares !== undefined && { shares }),
        ...(timed && quota !== undefined && { quota }),
        ...(timed && period !== undefined && { period }),
        ...(cpus !== undefined && { cpus }),
        ...(mems !== undefined && { mems }),
      },
    }),
    ...(pids && { pids }),
    ...(blockIO && { blockIO }),
  }
}

/** The old limits with what is to be another. Throws a UsageError for what does not go together. */
function merge(old: AllResources, { memory, cpu, pids, blockIO }: Resources): AllResources {
  const all: AllResources = {
    ...old,
    ...(memory && { memory: { ...old.memory, ...memory } }),
    ...(cpu && { cpu: { ...old.cpu, ...cpu } }),
    ...(pids && { pids }),
    ...(blockIO && { blockIO: { ...old.blockIO, ...blockIO } }),
  }
  const { limit = -1, swap = -1, reservation = 0 } = all.memory ?? {}
  if (swap >= 0 && limit > swap)
    throw new UsageError(
      'update: --memory: it is more than --memory-swap, memory and swap together; change that, too',
      1,
    )
  if (limit >= 0 && reservation > limit)
    throw new UsageError('update: --memory-reservation: it is more than --memory; change that, too', 1)
  return all
}

/** Sets limits of groups that are there. Returns how to set the old ones again. Throws a UsageError; then they are set. */
function apply(directories: readonly string[], all: Resources, change: Resources): () => void {
  const places = placesOf(directories)
  const written: { path: string; old: string }[] = []
  const undo = () => {
    for (const { path, old } of written.toReversed())
      try {
        writeFileSync(path, old)
      } catch {} // the group has gone
  }
  const resources = toWrite(all, change)
  try {
    for (const controller of CONTROLLERS) {
      const asked = settings(controller, resources, 2)
      if (asked.length === 0) continue
      const place = placeFor(places, controller)
      if (!place)
        throw withoutController({ controller, isV2: places.every(({ version }) => version === 2) }, asked[0]!.flag)
      if (controller === 'memory' && place.version === 2) checkMemory(place.directory, resources)
      for (const { action, files } of limitActions(place.directory, controller, resources, place.version)) {
        const path = files.map(file => `${place.directory}/${file}`).find(path => existsSync(path))
        const old = path && readFileSync(path, 'utf8').split('\n')[0]!
        action.apply({ descriptors: new Map() })
        if (path && old !== undefined) written.push({ path, old })
      }
    }
    return undo
  } catch (error) {
    undo()
    throw error
  }
}

/** v1 refuses a limit below what is in use; v2 takes it, and kills. */
function checkMemory(directory: string, { memory }: Resources): void {
  const { limit = -1 } = memory ?? {}
  const used = Number(readFileSync(`${directory}/memory.current`, 'utf8'))
  if (limit >= 0 && used > limit)
    throw new UsageError(`--memory: the kernel would have to kill for ${limit} bytes: ${used} are in use`, 1)
}

const careOf = (state: ContainerState, restart: RestartPolicy | undefined) => {
  const { restart: old, ...care } = state.options!.care ?? {}
  return restart === undefined ? state.options!.care : { ...care, ...(restart.name !== 'no' && { restart }) }
}

function checkPolicy({ autoRemove, detached, pid, finished }: ContainerState, { name }: RestartPolicy): void {
  if (name === 'no') return
  if (autoRemove)
    throw new UsageError('restart policy cannot be updated because AutoRemove is enabled for the container', 1)
  if (!detached && pid !== undefined && finished === undefined)
    throw new UsageError('it was run without -d: nobody is there to start it again', 1)
}

/** Changes a container. Throws a UsageError (exit code 1); then it is as it was. */
export async function update(word: string, { resources, restart }: Change): Promise<void> {
  const { id, running, state } = findContainer(word)
  if (!state?.options) throw new UsageError(`container ${word}: its state cannot be read, or is of an older toolkit`, 1)
  if (!running)
    // whether this machine can do it: the next start shall not fail for that
    await planCgroup({ id: newId(), resources: merge(state.options.resources, resources), privateNamespace: true })
  let undo = () => {}
  try {
    amend(id, now => {
      if (restart) checkPolicy(now, restart)
      const all = merge(now.options!.resources, resources)
      if (running && now.resources) undo = apply(now.resources.cgroups, all, resources)
      const { care: _old, ...options } = now.options!
      const care = careOf(now, restart)
      return { ...now, options: { ...options, resources: all, ...(care && { care }) } }
    })
  } catch (error) {
    undo()
    throw error instanceof UsageError ? new UsageError(`container ${word}: ${error.message}`, 1) : error
  }
  recordOf(state, 'update')
}
