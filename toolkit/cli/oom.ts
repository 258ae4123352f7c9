// What engine/life/oom.ts wakes when the kernel has killed a process of a container, and nobody else.

import { deafAfter, watchMemory } from '../engine/life/oom.ts'
import { tellKills } from '../engine/life/oom-kills.ts'
import { runningFor } from '../engine/life/restart-policy.ts'
import { findContainer } from '../engine/state/list.ts'
import { readStat } from '../observe/process.ts'
import { needContainer } from './each.ts'

export async function main(argv: string[]): Promise<number> {
  const { state } = findContainer(needContainer('oom', argv))
  const told = state?.resources ? tellKills(state) : 0
  // This process is the one that has slept.
  watchMemory(state, told > 0 ? 0 : deafAfter(runningFor(readStat(process.pid)!.startTime)))
  return 0
}
