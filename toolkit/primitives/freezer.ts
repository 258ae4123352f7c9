// The freezer: all processes of a cgroup stop where they are, and go on later as if nothing had been. Unlike SIGSTOP they
// neither notice nor can they forbid it. On v1 a controller, admin-guide/cgroup-v1/freezer-subsystem; on v2 in every
// group, cgroup.freeze.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { deadline, pause } from '../kernel/pause.ts'
import { UsageError } from '../kernel/usage-error.ts'

const WAIT = 5_000 // milliseconds

/** What comes of it; undefined where the group is gone (ENODEV: its file was open). */
function orGone<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

const text = (path: string): string | undefined => orGone(() => readFileSync(path, 'utf8'))

let likely = 0 // most groups of a machine have their freezer at the same place among their directories

/** The directory of a group that has a freezer, with its version; undefined where none of them has. */
function find(directories: readonly string[]): { directory: string; version: 1 | 2 } | undefined {
  // Not by reading: `ps` looks at every container, and an error costs more than ten such questions.
  for (let i = 0; i < directories.length; i++) {
    const at = (likely + i) % directories.length
    const directory = directories[at]!
    const version = existsSync(`${directory}/freezer.state`)
      ? 1
      : existsSync(`${directory}/cgroup.freeze`)
        ? 2
        : undefined
    if (version === undefined) continue
    likely = at
    return { directory, version }
  }
  return undefined
}

/** Whether nothing in a group runs, because of itself or a group above. */
export function isFrozen(directories: readonly string[]): boolean {
  const group = find(directories)
  return group !== undefined && stands(group)
}

/**
 * Lets all processes of v1 groups and of the groups in them go on, and waits for none: on v1 what is frozen cannot be
 * killed, on v2 it can.
 */
export function thawAll(directories: readonly string[]): void {
  for (const directory of directories.filter(directory => existsSync(`${directory}/freezer.state`))) {
    orGone(() => {
      writeFileSync(`${directory}/freezer.state`, 'THAWED')
      const below = readdirSync(directory, { withFileTypes: true }).filter(entry => entry.isDirectory())
      thawAll(below.map(({ name }) => `${directory}/${name}`))
    })
  }
}

/** Whether a group can be frozen. */
export const hasFreezer = (directories: readonly string[]): boolean => find(directories) !== undefined

const stands = ({ directory, version }: { directory: string; version: 1 | 2 }): boolean =>
  version === 1
    ? text(`${directory}/freezer.state`)?.trim() === 'FROZEN'
    : /^frozen 1$/m.test(text(`${directory}/cgroup.events`) ?? '')

/** False where the group is gone. */
function order({ directory, version }: { directory: string; version: 1 | 2 }, freeze: boolean): boolean {
  const [file, word] =
    version === 1 ? ['freezer.state', freeze ? 'FROZEN' : 'THAWED'] : ['cgroup.freeze', freeze ? '1' : '0']
  return (
    orGone(() => {
      writeFileSync(`${directory}/${file}`, word)
      return true
    }) ?? false
  )
}

/** Gives the order and waits until it is so; false where it does not come to be in time. One that is gone is as good. */
function reach(group: { directory: string; version: 1 | 2 }, frozen: boolean): boolean {
  const isLate = deadline(WAIT)
  if (!order(group, frozen)) return true
  for (let wait = 1; stands(group) !== frozen; wait = Math.min(2 * wait, 50)) {
    if (isLate()) return false
    pause(wait)
    // On v1 a process that was just being made can keep the group from becoming still: asking again looks anew.
    if (group.version === 1 && !order(group, frozen)) return true
  }
  return true
}

/**
 * Stops all processes of a group, and waits until they stand still. `directories` are those of one group on all
 * hierarchies. Throws a UsageError where there is no freezer, or where a process does not stop within 5 seconds (it waits
 * for a broken disk, perhaps); the others run again then.
 */
export function freeze(directories: readonly string[]): void {
  const group = find(directories)
  if (!group) throw new UsageError('cannot pause: no cgroup here has a freezer')
  if (reach(group, true)) return
  order(group, false)
  throw new UsageError(`cannot pause: not all processes of ${group.directory} stopped within ${WAIT / 1000} seconds`)
}

/** Lets the processes of a group go on. Throws a UsageError where a group above is frozen, too. */
export function thaw(directories: readonly string[]): void {
  const group = find(directories)
  if (group && !reach(group, false))
    throw new UsageError(`cannot unpause: ${group.directory} lies in a cgroup that is frozen; thaw that one first`)
}
