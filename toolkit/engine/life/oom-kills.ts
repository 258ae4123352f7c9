// What is written down and told of processes that the kernel has killed for want of memory.
import { oomKills } from '../../observe/cgroup-figures.ts'
import { recordOf } from '../state/events.ts'
import { amend, type ContainerState } from '../state/store.ts'

/** Writes down, and tells, what has been killed since the last time; how many that are. */
export function tellKills({ id, resources, ...state }: ContainerState): number {
  const kills = oomKills(resources?.cgroups ?? []) ?? 0
  let news = 0
  if (kills > 0)
    amend(id, now => {
      news = kills - (now.oomKills ?? 0)
      return news > 0 ? { ...now, oomKilled: true, oomKills: kills } : undefined
    })
  for (let i = 0; i < news; i++) recordOf({ id, ...state }, 'oom')
  return news
}
