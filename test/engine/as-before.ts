// That nothing is left of any container: the machine is as it was.
import { expect } from 'vitest'
import { difference, type Snapshot, snapshot } from '../../toolkit/observe/leaks.ts'
import { eventually, nothing, type World } from '../cli/toolkit.ts'

/** All that a container touches, with what the state directory is made of from the first command on. */
export function lookAt(world: World): Snapshot {
  expect(world.toolkit(['run', '--rm', '--net', 'none', 'busybox', 'true']).status).toBe(0)
  return snapshot({ directories: [world.state] })
}

/** Waits a while: containers of other people end some day; what we have left behind would stay. */
export async function expectAsBefore(world: World, before: Snapshot): Promise<void> {
  expect(world.left()).toEqual(nothing)
  let found: string[] = []
  const same = () => {
    found = difference(before, snapshot({ directories: [world.state] })).filter(line => !line.startsWith('fd')) // ours
    return found.length === 0
  }
  await eventually(same, 'nothing is left').catch(() => expect(found).toEqual([]))
}
