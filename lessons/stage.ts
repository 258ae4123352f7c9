// Sets the stage: a fresh lab, prepared as a lesson wants it and as its earlier tasks would have left it.
import type { Lab } from '../toolkit/engine/lab.ts'
import { LAB_HOME } from '../toolkit/engine/lab.ts'
import type { Lesson, Task } from './lesson.ts'
import { fill } from './parse.ts'

export interface Stage {
  readonly lab: Lab
  readonly values: Readonly<Record<string, string>>
}

/** Starts a lab for a lesson, as the learner finds it at a task (its index). Leaves none where that fails. */
export async function openLab(lesson: Lesson, task: number, startLab: () => Promise<Lab>): Promise<Stage> {
  const values = lesson.values?.() ?? {}
  const lab = await startLab()
  try {
    await lesson.setup?.({ lab, shellPid: undefined, values })
    await catchUp(lesson.tasks.slice(0, task), lab, values)
    return { lab, values }
  } catch (error) {
    await lab.stop()
    throw error
  }
}

/** Makes what these tasks leave behind. */
export async function catchUp(tasks: readonly Task[], lab: Lab, values: Stage['values']): Promise<void> {
  const lines = tasks.flatMap(({ leaves }) => leaves ?? [])
  if (lines.length === 0) return
  const script = [`cd ${LAB_HOME}`, ...lines.map(line => fill(line, values))].join('\n')
  const { code, output } = await lab.run(['/bin/sh', '-ec', script])
  if (code !== 0) throw new Error(`what earlier tasks leave could not be made: ${output.trim().split('\n').at(-1)}`)
}
