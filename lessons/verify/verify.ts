// `toolkit lessons verify`: proves each task of a lesson on the real kernel, both ways, and that nothing is left behind.
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from '../../toolkit/engine/lab/lab.ts'
import { stateDir } from '../../toolkit/image/paths.ts'
import { difference, snapshot } from '../../toolkit/observe/leaks.ts'
import { obstacles } from '../host.ts'
import type { Lesson } from '../lesson.ts'
import { type Job, jobsOf, type Result } from './cases.ts'
import { formatProblems } from './format.ts'
import { patience, Typist } from './typist.ts'

export interface VerifyOptions {
  startLab(): Promise<Lab>
  /** Called for each result as it comes. */
  onResult?(result: Result): void
  /** Labs at the same time. */
  readonly parallel?: number
  /** Only the text with the solutions in a row. */
  readonly quick?: boolean
}

/** All results of one lesson; where its format is wrong, only those. */
export async function verifyLesson(lesson: Lesson, options: VerifyOptions): Promise<Result[]> {
  const { onResult = () => {}, startLab, parallel = Math.min(4, availableParallelism()), quick = false } = options
  const results: Result[] = []
  const add = (found: readonly Result[]) => {
    for (const result of found) {
      results.push(result)
      onResult(result)
    }
  }
  const problems = formatProblems(lesson)
  add([result(lesson, 'the format', problems.length > 0 ? problems.join('\n') : undefined, 0)])
  if (problems.length > 0) return results

  const lacking = await obstacles(lesson)
  if (lacking.length > 0) {
    add([{ ...result(lesson, 'all the rest', undefined, 0), skipped: lacking.join('; ') }])
    return results
  }
  await warmUp(startLab)
  const state = { directories: [stateDir(), '/run/toolkit'] }
  const before = snapshot(state)
  const queue = jobsOf(lesson, { quick })
  const worker = async () => {
    for (let job: Job | undefined = queue.shift(); job; job = queue.shift()) add(await job.run(startLab))
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  add(sharedDiagnoses(lesson, results))

  const begun = performance.now()
  let left = difference(before, snapshot(state))
  // The kernel takes a moment to bury what has ended.
  while (left.length > 0 && performance.now() - begun < patience(3000)) {
    await sleep(50)
    left = difference(before, snapshot(state))
  }
  add([result(lesson, 'leaves nothing behind', left.length > 0 ? left.join('\n') : undefined, seconds(begun))])
  return results
}

/** What Node opens at its first stream and keeps, it opens before we count. */
async function warmUp(startLab: VerifyOptions['startLab']): Promise<void> {
  const lab = await startLab()
  try {
    await new Typist(lab).ready()
  } finally {
    await lab.stop()
  }
}

const seconds = (begun: number) => (performance.now() - begun) / 1000

const result = (lesson: Lesson, name: string, problem: string | undefined, seconds: number): Result => ({
  lesson: lesson.name,
  task: '',
  case: name,
  problem,
  seconds,
})

/** Two wrong ways of a task with the same diagnosis teach one thing, not two. */
function sharedDiagnoses(lesson: Lesson, results: readonly Result[]): Result[] {
  return lesson.tasks.flatMap(task =>
    task.wrongWays.flatMap(way => {
      const others = results.filter(
        other => other.task === task.id && other.case.startsWith('wrong: ') && other.case !== `wrong: ${way.name}`,
      )
      const same = others.find(({ saw }) => saw !== undefined && way.saw.test(saw))
      if (!same) return []
      const problem = `its diagnosis ${way.saw} fits '${same.case}' as well`
      return [{ ...result(lesson, `wrong: ${way.name}`, problem, 0), task: task.id }]
    }),
  )
}
