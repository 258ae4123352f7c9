// Processes of a container that the kernel kills because its memory limit was reached: noticed when it happens, by somebody
// who sleeps until the kernel says so (sleeper.ts), or else at the container's end.
//
// v1: an eventfd that is written into cgroup.event_control (admin-guide/cgroup-v1/memory, "OOM Control").
// v2: poll(2) for POLLPRI on memory.events (admin-guide/cgroup-v2), which also wakes each time that the limit is reached and
// something could be given back. A container that has as much in its page cache as it may have does that all day: whoever
// wakes for nothing sleeps longer.
import { closeSync, existsSync, openSync, readSync, writeFileSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { O } from '../../kernel/constants.ts'
import type { ContainerState } from '../state/store.ts'
import { holdProcess } from './lifecycle.ts'
import { tellKills } from './oom-kills.ts'
import { fallAsleep, type Wake } from './sleeper.ts'

const POLLIN = 1
const POLLPRI = 2

/** What wakes whoever waits for the next kill; undefined where the kernel tells nobody. */
function openWake(directories: readonly string[]): Wake | undefined {
  const v1 = directories.find(directory => existsSync(`${directory}/memory.oom_control`))
  if (v1 !== undefined) {
    const descriptor = attempt('eventfd2', [0, O.CLOEXEC | O.NONBLOCK])
    if (descriptor < 0) return undefined
    const control = openSync(`${v1}/memory.oom_control`, 'r')
    try {
      writeFileSync(`${v1}/cgroup.event_control`, `${descriptor} ${control}`)
      return { descriptor, events: POLLIN }
    } catch {
      closeSync(descriptor) // a kernel that has no part of v1 but the files
      return undefined
    } finally {
      closeSync(control)
    }
  }
  const v2 = directories.find(directory => existsSync(`${directory}/memory.events`))
  if (v2 === undefined) return undefined
  const descriptor = openSync(`${v2}/memory.events`, 'r')
  readSync(descriptor, Buffer.alloc(4096)) // only what comes after wakes
  return { descriptor, events: POLLPRI }
}

const QUIET = 10_000 // milliseconds; who has slept so long hears the next word at once
const DEAFEST = 5_000 // milliseconds

/** Milliseconds not to hear the next word, for one who woke for nothing after so many: twice as long each time. */
export const deafAfter = (slept: number): number => (slept >= QUIET ? 0 : Math.min(2 * slept, DEAFEST))

/** Has somebody wait for the next kill in a container that runs, and not hear of it for `deaf` milliseconds. */
export function watchMemory(state: ContainerState | undefined, deaf = 0): void {
  const pidfd = holdProcess(state)
  if (pidfd === undefined) return
  let wake: Wake | undefined
  try {
    wake = openWake(state!.resources?.cgroups ?? [])
    if (!wake) return
    const missed = tellKills(state!) // one may have come before the kernel knew of us
    fallAsleep({ words: ['oom', state!.id], pidfd, wake: { ...wake, deaf: missed > 0 ? 0 : deaf } })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // it has just ended
  } finally {
    if (wake) closeSync(wake.descriptor)
    closeSync(pidfd)
  }
}
