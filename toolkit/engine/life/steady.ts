// A container that somebody is starting just now: those who want to do something to it wait until that is over.
import { readlinkSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '../../kernel/usage-error.ts'
import { readStat } from '../../observe/process.ts'
import { type ContainerRow, findContainer } from '../state/list.ts'

const PATIENCE = 10_000 // milliseconds
const STEP = 3 // milliseconds

/**
 * Whether the first process of a container still makes its calls, before its program: whoever entered its namespaces now
 * would find the host's files there. `init` (primitives/init.ts) is the plan runner for good, with another name.
 */
function isBeingMade(pid: number): boolean {
  try {
    const [theirs, ours] = [`/proc/${pid}/root`, '/'].map(path => statSync(path))
    if (theirs!.dev === ours!.dev && theirs!.ino === ours!.ino) return true
    return readlinkSync(`/proc/${pid}/exe`).startsWith('/memfd:toolkit') && readStat(pid)?.comm !== 'init'
  } catch {
    return false // it has ended
  }
}

/** The container, when nobody is starting it just now. Throws a UsageError where that takes too long. */
export async function steady(word: string): Promise<ContainerRow> {
  for (let waited = 0; waited < PATIENCE; waited += STEP) {
    const row = findContainer(word)
    const { running, state } = row
    if (!running || !state || (state.pid !== undefined && !isBeingMade(state.pid))) return row
    await sleep(STEP)
  }
  throw new UsageError(`container ${word} is being started; end the command that does it`, 1)
}
