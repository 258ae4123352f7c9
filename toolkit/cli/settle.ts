// What a container's monitor becomes in the end (engine/monitor.ts), and who waits for a restart policy (sleeper.ts): does
// for containers that have ended what every other command would do first, and starts again those whose time has come.
import { restartContainer } from '../engine/detach.ts'
import { sweep } from '../engine/orphans.ts'

export async function main(): Promise<number> {
  await sweep(restartContainer)
  return 0
}
