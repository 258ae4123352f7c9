// What engine/oom.ts wakes when the kernel has killed a process of a container, and nobody else.
import { findContainer } from '../engine/list.ts'
import { watchMemory } from '../engine/oom.ts'
import { tellKills } from '../engine/oom-kills.ts'
import { needContainer } from './each.ts'

export async function main(argv: string[]): Promise<number> {
  const { state } = findContainer(needContainer('oom', argv))
  if (state?.resources) tellKills(state)
  watchMemory(state)
  return 0
}
