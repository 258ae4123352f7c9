// What of the machine a lesson depends on.
import { complain } from '../toolkit/engine/host.ts'
import { readLayout } from '../toolkit/observe/cgroups.ts'
import { inInitialUsers } from '../toolkit/observe/id-maps.ts'
import { type Host, type Lesson, numberOf, type Task } from './lesson.ts'

let found: Host | undefined

/** Looks once; none of it changes while the course is open. */
export function readHost(): Host {
  if (!found) {
    const hierarchies = readLayout(process.pid)?.hierarchies ?? []
    const memory = hierarchies.find(({ controllers }) => controllers.includes('memory'))
    found = { cgroups: memory?.version === 1 ? 'v1' : 'v2' }
  }
  return found
}

/** Whether we are no real root: an ordinary user, or root of a user namespace. */
export const withoutRoot = (): boolean => process.getuid!() !== 0 || !inInitialUsers()

/** What a learner without root reads at a task that needs it; undefined where it can be done. */
export const rootWanted = (lesson: Pick<Lesson, 'name'>, { needsRoot }: Pick<Task, 'needsRoot'>): string | undefined =>
  needsRoot !== undefined && withoutRoot() ? `${needsRoot}; try: sudo toolkit learn ${numberOf(lesson)}` : undefined

/** Why a lesson cannot be done here, in the doctor's words, a line each; none where it can. */
export async function obstacles({ needs = [] }: Pick<Lesson, 'needs'>): Promise<string[]> {
  if (needs.length === 0) return []
  const { check } = await import('../toolkit/engine/host/checks.ts') // loaded only where a lesson asks
  return needs.flatMap(id => {
    const { state, detail, remedy } = check(id)
    return state === 'missing' || state === 'warning' ? [complain(id, { detail, remedy })] : []
  })
}
