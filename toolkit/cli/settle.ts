// What a container's monitor becomes in the end (engine/monitor.ts), and for nobody else: does for containers that have
// ended what every other command would do first.
import { sweep } from '../engine/orphans.ts'

export async function main(): Promise<number> {
  await sweep()
  return 0
}
