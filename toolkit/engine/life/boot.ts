// After a start of the machine nothing of ours runs any more. What restart policies say to that.
import { type ContainerRow, listContainers } from '../state/list.ts'
import { bootId } from '../state/store.ts'
import { startsAtBoot } from './restart-policy.ts'

/**
 * The containers to be started, the oldest first: those that have run before the machine was started, and have not since.
 * To be called after a `sweep`.
 */
export const toStartAtBoot = (): ContainerRow[] =>
  listContainers()
    .filter(({ state, running }) => {
      const policy = state?.options?.care?.restart
      if (!policy || running || state.started === undefined || state.bootId === bootId()) return false
      const { exitCode, stopped = false, restarts = 0 } = state
      return startsAtBoot({ policy, exitCode, stopped, restarts })
    })
    .reverse()
