// What a container's monitor becomes in the end (engine/life/monitor.ts), and who waits for a restart policy (sleeper.ts): does
// for a container that has ended what every other command would do first, and starts again one whose time has come.
import { restartContainer } from '../engine/life/detach.ts'
import { sweep, sweepOne } from '../engine/state/orphans.ts'

export async function main([id]: string[]): Promise<number> {
  await (id === undefined ? sweep(restartContainer) : sweepOne(id, restartContainer))
  return 0
}
