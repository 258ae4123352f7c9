// What engine/life/oom.ts wakes when the kernel has killed a process of a container, and nobody else.

import { watchMemory } from '../engine/life/oom.ts'
import { tellKills } from '../engine/life/oom-kills.ts'
import { findContainer } from '../engine/state/list.ts'
import { needContainer } from './each.ts'

export async function main(argv: string[]): Promise<number> {
  const { state } = findContainer(needContainer('oom', argv))
  if (state?.resources) tellKills(state)
  watchMemory(state)
  return 0
}
