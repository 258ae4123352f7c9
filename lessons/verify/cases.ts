// The cases of a lesson: each plays on the real kernel, in a lab of its own, what a learner could do.
import type { Lab } from '../../toolkit/engine/lab/lab.ts'
import { rootWanted } from '../host.ts'
import { type Lesson, type Lines, linesFor, type Scene, type Task, type Verdict, type Way } from '../lesson.ts'
import { type Block, fill, parseLesson } from '../parse.ts'
import { look } from '../play.ts'
import { catchUp, openLab, type Stage } from '../stage.ts'
import { Typist } from './typist.ts'
import { waitForVerdict } from './wait.ts'

export interface Result {
  readonly lesson: string
  readonly task: string
  readonly case: string
  /** What is wrong; undefined: passed. */
  readonly problem: string | undefined
  readonly seconds: number
  /** Why it was not tried; it counts neither as passed nor as failed. */
  readonly skipped?: string
  /** What the check saw at the end. */
  readonly saw?: string
}

/** What is played in one lab; it may give several results. */
export interface Job {
  readonly name: string
  run(startLab: () => Promise<Lab>): Promise<Result[]>
}

/** One lab with a shell, for the length of `play`. */
class Play {
  readonly results: Result[] = []
  readonly typist: Typist
  readonly scene: () => Scene
  readonly stage: Stage
  readonly #lesson: Lesson
  #since = performance.now()

  constructor(lesson: Lesson, typist: Typist, stage: Stage) {
    this.#lesson = lesson
    this.typist = typist
    this.stage = stage
    this.scene = () => ({ ...stage, shellPid: typist.pid })
  }

  report(task: Task | undefined, name: string, problem: string | undefined, saw?: string): void {
    const now = performance.now()
    const seconds = (now - this.#since) / 1000
    this.#since = now
    this.results.push({
      lesson: this.#lesson.name,
      task: task?.id ?? '',
      case: name,
      problem,
      seconds,
      ...(saw && { saw }),
    })
  }

  /** Whether a task is left out: without root it cannot be done. Then there is what it would have left. */
  async leftOut(task: Task): Promise<boolean> {
    const why = rootWanted(this.#lesson, task)
    if (why === undefined) return false
    this.report(task, 'all of it', undefined)
    this.results.push({ ...this.results.pop()!, skipped: `needs root: ${why}` })
    await catchUp([task], this.stage)
    return true
  }

  /** Types the lines; the first that does not succeed is the problem. */
  async type(commands: Lines, mustSucceed: boolean): Promise<string | undefined> {
    for (const command of linesFor(commands, this.stage.host)) {
      const line = fill(command, this.stage.values)
      const { status, output } = await this.typist.type(line)
      if (mustSucceed && status !== 0) return `exit code ${status} of: ${line}\n${output.trim()}`
    }
    return undefined
  }

  /** The commands, then the check, which has to pass. */
  async solve(task: Task, commands: Lines): Promise<Verdict & { problem: string | undefined }> {
    const failed = await this.type(commands, true)
    const verdict = await waitForVerdict(task, this.scene, ({ passed }) => passed)
    const problem = failed ?? (verdict.passed ? undefined : `the check does not pass; it sees: ${verdict.saw}`)
    return { ...verdict, problem }
  }
}

function job(lesson: Lesson, start: number, name: string, play: (play: Play) => Promise<void>): Job {
  return {
    name,
    async run(startLab) {
      const begun = performance.now()
      const stop = { done: false, results: [] as Result[] }
      const failed = (what: string, error: unknown): Result => ({
        lesson: lesson.name,
        task: lesson.tasks[start]?.id ?? '',
        case: name,
        problem: `${what}: ${(error as Error).message}`,
        seconds: (performance.now() - begun) / 1000,
      })
      let stage: Stage
      try {
        stage = await openLab(lesson, start, startLab)
      } catch (error) {
        return [failed('the lab cannot be prepared', error)]
      }
      try {
        const typist = new Typist(stage.lab)
        const playing = new Play(lesson, typist, stage)
        stop.results = playing.results
        await typist.ready()
        await play(playing)
      } catch (error) {
        stop.results.push(failed('it got stuck', error))
      }
      try {
        await stage.lab.stop()
      } catch (error) {
        stop.results.push(failed('the lab does not end', error))
      }
      return stop.results
    },
  }
}

/** (a) Nothing is passed by doing nothing. */
const fresh = (lesson: Lesson): Job =>
  job(lesson, 0, 'a fresh lab', async play => {
    for (const task of lesson.tasks) {
      const { passed, saw } = look(task, play.scene())
      play.report(task, 'fails on a fresh lab', passed ? `the check passes on a fresh lab; it sees: ${saw}` : undefined)
    }
  })

/** (b) and (c): the solutions in a row; each task is open before its own solution, and done after it. */
const sequence = (lesson: Lesson): Job =>
  job(lesson, 0, 'the solutions in a row', async play => {
    for (const [index, task] of lesson.tasks.entries()) {
      if (await play.leftOut(task)) continue
      if (index > 0) {
        const { passed, saw } = look(task, play.scene())
        const problem = `the check passes before its solution; it sees: ${saw}`
        play.report(task, 'fails after the task before', passed ? problem : undefined)
        await play.typist.back()
      }
      const { problem, saw } = await play.solve(task, task.solution)
      play.report(task, 'passes after the solution', problem, saw)
    }
  })

async function typeBlocks(play: Play, task: Task | undefined, blocks: readonly Block[], part: string): Promise<void> {
  for (const { line, commands, fails } of blocks) {
    let problem = await play.type(fails ? commands.slice(0, -1) : commands, true)
    if (fails && problem === undefined) {
      const { status, output } = await play.typist.type(fill(commands.at(-1) ?? 'true', play.stage.values))
      if (status === 0) problem = `it should fail, and succeeds: ${commands.at(-1)}\n${output.trim()}`
    }
    play.report(task, `lesson.md:${line} ${fails ? 'fails as announced' : 'works'}${part}`, problem)
  }
}

/** (g) The text, as somebody reads it who does everything it says. */
const reading = (lesson: Lesson): Job =>
  job(lesson, 0, 'the text', async play => {
    const { intro, sections } = parseLesson(lesson.text, play.stage.host)
    await typeBlocks(play, undefined, intro.blocks, '')
    for (const [index, task] of lesson.tasks.entries()) {
      if (await play.leftOut(task)) continue
      const { before, after } = sections[index]!
      await typeBlocks(play, task, before.blocks, '')
      if (!look(task, play.scene()).passed) {
        await play.typist.back()
        const { problem, saw } = await play.solve(task, task.solution)
        play.report(task, 'passes after the text and the solution', problem, saw)
      }
      await typeBlocks(play, task, after.blocks, ', afterwards')
      await play.typist.back()
    }
  })

/** Somebody who starts here: open first, then (c) or (d). */
const rightWay = (lesson: Lesson, index: number, name: string, commands: Lines): Job =>
  job(lesson, index, name, async play => {
    const task = lesson.tasks[index]!
    const before = look(task, play.scene())
    if (before.passed) {
      play.report(task, name, `the check passes before anything is done; it sees: ${before.saw}`)
      return
    }
    const { problem, saw } = await play.solve(task, commands)
    play.report(task, name, problem, saw)
  })

/** A way that cannot be gone without root, where we have none. */
const leftOut = (lesson: Lesson, { id }: Task, name: string, why: string): Job => ({
  name,
  async run() {
    return [
      { lesson: lesson.name, task: id, case: name, problem: undefined, seconds: 0, skipped: `needs root: ${why}` },
    ]
  },
})

/** (e) A wrong way does not pass, and the check says what is wrong. */
const wrongWay = (lesson: Lesson, index: number, way: Way & { saw: RegExp }): Job =>
  job(lesson, index, `wrong: ${way.name}`, async play => {
    const task = lesson.tasks[index]!
    await play.type(way.commands, false)
    const { passed, saw } = await waitForVerdict(
      task,
      play.scene,
      verdict => verdict.passed || way.saw.test(verdict.saw),
    )
    const problem = passed
      ? `a wrong way passes; the check sees: ${saw}`
      : way.saw.test(saw)
        ? undefined
        : `the check says '${saw}', which ${way.saw} does not match`
    play.report(task, `wrong: ${way.name}`, problem, saw)
  })

/**
 * Everything that is played for a lesson. The long ones come first, so that they do not keep the others waiting. `quick`
 * is for slow machines: only the text, with the solutions in a row.
 */
export function jobsOf(lesson: Lesson, { quick = false } = {}): Job[] {
  if (quick) return [reading(lesson), fresh(lesson)]
  return [
    reading(lesson),
    sequence(lesson),
    fresh(lesson),
    ...lesson.tasks.flatMap((task, index) =>
      rootWanted(lesson, task)
        ? []
        : [
            ...(index > 0 ? [rightWay(lesson, index, 'solution, started here', task.solution)] : []),
            ...task.otherWays.map(way => {
              const name = `other way: ${way.name}`
              const why = rootWanted(lesson, way)
              return why ? leftOut(lesson, task, name, why) : rightWay(lesson, index, name, way.commands)
            }),
            ...task.wrongWays.map(way => wrongWay(lesson, index, way)),
          ],
    ),
  ]
}
