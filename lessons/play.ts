// The player: one lab, one shell, the place in the course, the verdicts. It knows no screen and no lesson by name.
import type { Lab, LabShell } from '../toolkit/engine/lab/lab.ts'
import { obstacles, readHost } from './host.ts'
import { type Lesson, linesFor, type Scene, type Task, type Verdict } from './lesson.ts'
import { fill } from './parse.ts'
import type { Player, PlayerState } from './player.ts'
import type { Progress } from './progress.ts'
import { catchUp, openLab, type Stage } from './stage.ts'

export interface PlayerOptions {
  startLab(): Promise<Lab>
  readonly progress: Pick<Progress, 'isDone' | 'markDone' | 'goTo'>
  readonly size?: { readonly columns: number; readonly rows: number }
  /** Milliseconds between two looks at the current task, while something happens. */
  readonly interval?: number
}

/** How long `checking` stays on the screen at least: a verdict that comes too fast looks like no check at all. */
const CHECKING_MS = 150

// While nothing happens, looks become rarer: to take half a hundredth of the time, but come within three seconds.
const QUIET_MS = 5000
const SHARE = 250
const SELDOM_MS = 3000

const SIZE = { columns: 80, rows: 24 }

/** What a check sees; its own failure is said, and passes nothing. */
export function look(task: Task, scene: Scene): Verdict {
  try {
    return task.check(scene)
  } catch (error) {
    return { passed: false, saw: `the check itself failed, which is our mistake: ${(error as Error).message}` }
  }
}

/** Starts to play at once; the lab comes up while `state.phase` is `starting`. */
export function createPlayer(lesson: Lesson, task: number, options: PlayerOptions): Player {
  const { progress, startLab, interval = 500 } = options
  const listeners = new Set<() => void>()
  let size = options.size ?? SIZE
  const host = readHost()
  const predictions = new Map<string, number>() // by task
  let stage: Stage | undefined
  let shell: LabShell | undefined
  let state: PlayerState = place(lesson, task, 'starting')
  let ready = 0 // in this lab, tasks before this one were passed, or made as if
  let checking: NodeJS.Timeout | undefined
  let generation = 0 // of the lab: what belongs to an older one is dropped
  let queue: Promise<void> = Promise.resolve()

  function place(lesson: Lesson, task: number, phase: 'starting' | 'working'): PlayerState {
    const index = Math.max(0, Math.min(task, lesson.tasks.length - 1))
    const done = lesson.tasks.map(({ id }) => progress.isDone(lesson.name, id))
    return {
      lesson,
      task: index,
      phase: phase === 'working' && done[index] ? 'passed' : phase,
      done,
      saw: '',
      hints: 0,
      offered: 0,
      prediction: predictions.get(`${lesson.name} ${lesson.tasks[index]!.id}`),
      obstacles: [],
      error: undefined,
      values: {},
    }
  }

  const update = (change: Partial<PlayerState>) => {
    const changed = (Object.keys(change) as (keyof PlayerState)[]).some(key => change[key] !== state[key])
    if (!changed) return
    state = { ...state, ...change }
    for (const listener of listeners) listener()
  }
  const current = () => state.lesson.tasks[state.task]!
  const scene = (): Scene | undefined => stage && { ...stage, shellPid: shell?.pid }

  function verdict(): void {
    const here = scene()
    if (!here) return
    const { passed, saw } = look(current(), here)
    if (!passed) {
      update({ saw, phase: 'working' })
      return
    }
    progress.markDone(state.lesson.name, current().id)
    if (ready === state.task) ready++
    const done = state.done[state.task] ? state.done : state.done.with(state.task, true)
    update({ saw, phase: 'passed', done })
  }

  let busyAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let due = 0
  function watch(delay: number): void {
    clearTimeout(timer)
    due = performance.now() + delay
    timer = setTimeout(() => {
      const began = performance.now()
      // A task that has passed stays so, until the learner asks again or moves on.
      if (state.phase === 'working') verdict()
      const took = performance.now() - began
      const quiet = began - busyAt > QUIET_MS
      watch(quiet ? Math.max(interval, Math.min(SELDOM_MS, took * SHARE)) : interval)
    }, delay)
    timer.unref()
  }
  watch(interval)

  function busy(): void {
    busyAt = performance.now()
    if (due > busyAt + interval) watch(interval)
  }

  function stopChecking(): void {
    clearTimeout(checking)
    checking = undefined
  }

  function openShell(): void {
    if (!stage) return
    const opened = stage.lab.shell(size)
    shell = opened
    opened.onExit(() => {
      if (shell !== opened) return
      shell = undefined
      for (const listener of listeners) listener()
    })
  }

  /** One after the other: reset during a reset waits, so that never two labs are alive. */
  function renew(): Promise<void> {
    const mine = ++generation
    stopChecking()
    update({ ...place(state.lesson, state.task, 'starting') })
    busy()
    queue = queue.then(async () => {
      const old = stage
      stage = undefined
      shell = undefined
      await old?.lab.stop()
      if (mine !== generation) return
      let opened: Stage
      try {
        const lacking = await obstacles(state.lesson)
        if (lacking.length > 0) {
          if (mine === generation) update({ phase: 'working', obstacles: lacking })
          return
        }
        opened = await openLab(state.lesson, state.task, startLab)
      } catch (error) {
        if (mine === generation) update({ phase: 'working', error: (error as Error).message.split('\n')[0] })
        return
      }
      if (mine !== generation) {
        await opened.lab.stop()
        return
      }
      stage = opened
      ready = state.task
      busy()
      openShell()
      // a new lab is there to do the task again, even one that is done
      update({ values: opened.values, phase: 'working', error: undefined })
    })
    return queue
  }

  function move(task: number): void {
    if (task < 0 || task >= state.lesson.tasks.length || task === state.task) return
    stopChecking()
    busy()
    const { values, error, obstacles } = state
    const phase = stage || obstacles.length > 0 ? 'working' : 'starting'
    update({ ...place(state.lesson, task, phase), values, error, obstacles })
    progress.goTo(state.lesson.name, current().id)
  }

  progress.goTo(lesson.name, current().id)
  void renew()

  return {
    get state() {
      return state
    },
    get lab() {
      return stage?.lab
    },
    get shell() {
      return shell
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    busy,
    check() {
      if (state.phase === 'starting' || state.phase === 'checking' || !stage) return
      update({ phase: 'checking' })
      checking = setTimeout(verdict, CHECKING_MS)
    },
    next: () => move(state.task + 1),
    previous: () => move(state.task - 1),
    hint() {
      update({ hints: Math.min(state.hints + 1, linesFor(current().hints, host).length) })
    },
    predict(option) {
      predictions.set(`${state.lesson.name} ${current().id}`, option)
      update({ prediction: option })
    },
    // A line each time: what follows `chroot …` has to be typed into the shell that it starts.
    solution() {
      const solution = linesFor(current().solution, host)
      const line = state.offered % solution.length
      update({ offered: line + 1 })
      return fill(solution[line]!, state.values)
    },
    reset: renew,
    async open(lesson, task) {
      if (lesson === state.lesson && stage) {
        move(task)
        const skipped = lesson.tasks.slice(ready, task)
        ready = Math.max(ready, task)
        await catchUp(skipped, stage)
        return
      }
      state = place(lesson, task, 'starting')
      progress.goTo(lesson.name, current().id)
      await renew()
    },
    restartShell() {
      if (shell || !stage) return
      openShell()
      for (const listener of listeners) listener()
    },
    resize(columns, rows) {
      size = { columns, rows }
      shell?.resize(columns, rows)
    },
    async close() {
      generation++
      clearTimeout(timer)
      stopChecking()
      listeners.clear()
      await queue
      await stage?.lab.stop()
      stage = undefined
      shell = undefined
    },
  }
}
