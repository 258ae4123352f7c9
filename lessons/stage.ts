// Sets the stage: a fresh lab, prepared as a lesson wants it and as its earlier tasks would have left it.
import { writeFileSync } from 'node:fs'
import type { Lab } from '../toolkit/engine/lab/lab.ts'
import { LAB_HOME } from '../toolkit/engine/lab/lab.ts'
import { readHost } from './host.ts'
import { type Lesson, linesFor, type Scene, type Task } from './lesson.ts'
import { fill, parseLesson } from './parse.ts'
import { planText } from './plan-text.ts'

/** A lab with what is the same for all shells in it. */
export type Stage = Omit<Scene, 'shellPid'>

/** Starts a lab for a lesson, as the learner finds it at a task (its index). Leaves none where that fails. */
export async function openLab(lesson: Lesson, task: number, startLab: () => Promise<Lab>): Promise<Stage> {
  const host = readHost()
  const own = lesson.values?.(host) ?? {}
  const values = { ...own, plan: planText(lesson, own) }
  const lab = await startLab()
  const stage = { lab, host, values }
  try {
    await lesson.setup?.({ ...stage, shellPid: undefined })
    placeFiles(lesson, stage)
    await catchUp(lesson.tasks.slice(0, task), stage)
    return stage
  } catch (error) {
    await lab.stop()
    throw error
  }
}

/** The files of the text that the learner is to complete. Nobody has been in the lab yet, so no link leads out of it. */
function placeFiles({ text }: Lesson, { lab, host, values }: Stage): void {
  for (const { name, text: content } of parseLesson(text, host).files)
    writeFileSync(`/proc/${lab.pid}/root${LAB_HOME}/${name}`, fill(content, values), { flag: 'wx' })
}

/** Makes what these tasks leave behind. */
export async function catchUp(tasks: readonly Task[], { lab, host, values }: Stage): Promise<void> {
  const lines = tasks.flatMap(({ leaves = [] }) => linesFor(leaves, host))
  if (lines.length === 0) return
  const script = [`cd ${LAB_HOME}`, ...lines.map(line => fill(line, values))].join('\n')
  const { code, output } = await lab.run(['/bin/sh', '-ec', script])
  if (code !== 0) throw new Error(`what earlier tasks leave could not be made: ${output.trim().split('\n').at(-1)}`)
}
