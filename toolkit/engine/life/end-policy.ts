// Who stops a container ends its restart policy, too, until somebody starts it.
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt } from '../../kernel/call.ts'
import { SIG } from '../../kernel/constants.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { isAlive } from '../../observe/process.ts'
import { isFree } from '../state/files.ts'
import { type ContainerRow, findContainer } from '../state/list.ts'
import { sweep } from '../state/orphans.ts'
import { amend, directoryOf, isIn } from '../state/store.ts'
import type { Sleeper } from './sleeper.ts'

/** Milliseconds for a monitor, or an engine, to write down how its container has ended. */
export const PATIENCE = 10_000
/** Milliseconds between two looks. */
export const STEP = 3

export const policyOf = ({ state }: ContainerRow) => {
  const policy = state?.options?.care?.restart
  return policy && policy.name !== 'no' ? policy : undefined
}

/** From now on its restart policy waits for a start. Returns false where it is just being started: then once more. */
export function markStopped(row: ContainerRow): boolean {
  if (!policyOf(row)) return true
  let done = true
  let sleeper: Sleeper | undefined
  amend(row.id, ({ restarting, ...state }) => {
    done = !restarting || !state.resources
    sleeper = restarting?.sleeper
    return done ? { ...state, stopped: true } : undefined
  })
  if (sleeper) wake(sleeper)
  return done
}

/** Ends who waits to start a container again. */
function wake({ pid, startTime }: Sleeper): void {
  const pidfd = attempt('pidfd_open', [pid, 0])
  if (pidfd < 0) return
  if (isAlive(pid, startTime)) attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
  closeSync(pidfd)
}

/** Whether a container that has ended may be started again by its policy, which has not decided yet, or waits. */
export const mayGoOn = (row: ContainerRow): boolean =>
  row.restarting || (policyOf(row) !== undefined && isIn('live', row.id))

/** Marks it, and waits while it is just being started. Returns it as it is then. */
export async function endPolicy(word: string): Promise<ContainerRow> {
  for (let waited = 0; ; waited += STEP) {
    const row = findContainer(word)
    if (markStopped(row)) return policyOf(row) ? findContainer(row.id) : row
    if (waited > PATIENCE) throw new UsageError(`container ${word} is being started all the time`, 1)
    if (isFree(`${directoryOf('live', row.id)}/lock`)) await sweep()
    await sleep(STEP)
  }
}
