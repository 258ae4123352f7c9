// Plays a lesson: one lab, one shell, the place in the course, the verdicts. Knows no screen; the tutor draws its state,
// the plain commands print it.
import type { Lab, LabShell } from '../toolkit/engine/lab/lab.ts'
import type { Lesson } from './lesson.ts'

export interface PlayerState {
  readonly lesson: Lesson
  /** Index of the task that is shown. */
  readonly task: number
  /** `checking` between the learner's request and the verdict; `starting` while a lab comes up. */
  readonly phase: 'starting' | 'working' | 'checking' | 'passed'
  /** Which tasks of this lesson are done, ever; never taken back but by the learner. */
  readonly done: readonly boolean[]
  /** What the last check of this task saw. */
  readonly saw: string
  /** How many of the task's hints are shown. */
  readonly hints: number
  /** How many lines of the task's solution have been put at the prompt; after the last comes the first again. */
  readonly offered: number
  /** Which option of the task's prediction was chosen: its index. */
  readonly prediction: number | undefined
  /** Why this lesson cannot be done on this machine, a line each; then it has no lab, and can be read. */
  readonly obstacles: readonly string[]
  /** Why the lab could not be started, one line. */
  readonly error: string | undefined
  readonly values: Readonly<Record<string, string>>
}

export interface Player {
  readonly state: PlayerState
  /** Calls back after every change of `state`; returns how to stop that. */
  subscribe(listener: () => void): () => void
  readonly lab: Lab | undefined
  readonly shell: LabShell | undefined
  /** Something happens in the shell: look at the task soon. */
  busy(): void
  /** Check the current task now. It is also looked at twice a second while something happens; passing shows, but never moves on by itself. */
  check(): void
  next(): void
  previous(): void
  hint(): void
  /** Chooses an option of the task's prediction. May be chosen anew; the answer comes after the task. */
  predict(option: number): void
  /** The next line of the solution, which is put at the prompt and not run: the learner presses Enter. */
  solution(): string
  /** Throws the lab away and starts a new one. Progress stays. */
  reset(): Promise<void>
  /** Goes to a task of a lesson; another lesson gets a new lab. */
  open(lesson: Lesson, task: number): Promise<void>
  /** Restarts the shell where it has ended. */
  restartShell(): void
  resize(columns: number, rows: number): void
  close(): Promise<void>
}
