// Programs take a moment to start and to end, so a verdict is waited for; not long.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene, Task, Verdict } from '../lesson.ts'
import { look } from '../play.ts'
import { patience } from './typist.ts'

/** Looks until the verdict is the wanted one, or for two seconds; returns the last. */
export async function waitForVerdict(
  task: Task,
  scene: () => Scene,
  wanted: (verdict: Verdict) => boolean,
): Promise<Verdict> {
  const deadline = performance.now() + patience(2000)
  for (;;) {
    const verdict = look(task, scene())
    if (wanted(verdict) || performance.now() > deadline) return verdict
    await sleep(20)
  }
}
