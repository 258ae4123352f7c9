// What a lesson is: data. The tutor, the plain commands and the gate are players that know no lesson by name.
//
// lesson.md   the text: an introduction, then one `## …` section a task, in the order of `tasks`; inside a section,
//             what comes after a `### After` heading is shown only when the task is done.
// lesson.ts   the rest: title, tasks, checks, hints, solutions, and the ways that must pass or must not.
//
// A ```sh block of the text is run by the gate and has to succeed; one marked ```sh fails has to fail, and the text
// announces it. Output shown to the reader is ```text and not run.
import type { Lab } from '../toolkit/engine/lab.ts'
import type { LessonName } from '../toolkit/kernel/step.ts'

/** What a check looks at: the lab's processes, mounts, names … through toolkit/observe, never what was typed or printed. */
export interface Scene {
  readonly lab: Lab
  /** The learner's shell, as the host counts pids; undefined while there is none. */
  readonly shellPid: number | undefined
  /** Random values of this lab, made by `Lesson.values`: names and numbers that cannot be guessed. */
  readonly values: Readonly<Record<string, string>>
}

export interface Verdict {
  readonly passed: boolean
  /** One sentence: what the check sees, whether it passed or not. */
  readonly saw: string
}

/** Commands as they are typed at the prompt, a line each; `{{name}}` stands for a value, here and in hints. */
export interface Way {
  /** What is different about it, in a few words. */
  readonly name: string
  readonly commands: readonly string[]
}

export interface Task {
  /** Short and stable: progress is stored under it. */
  readonly id: string
  /** One line, imperative. */
  readonly title: string
  check(scene: Scene): Verdict
  /** From a nudge to nearly the answer. */
  readonly hints: readonly string[]
  readonly solution: readonly string[]
  /**
   * What later tasks build on, as lines for `sh` in the lab’s home: they are run, without a terminal, in a fresh lab of a learner
   * who starts further on. Not the whole solution: nobody needs to be inside anything.
   */
  readonly leaves?: readonly string[]
  /** Other right ways; the gate requires at least one. */
  readonly otherWays: readonly Way[]
  /** Wrong ways, each with its own diagnosis. */
  readonly wrongWays: readonly (Way & { readonly saw: RegExp })[]
}

export interface Lesson {
  readonly name: LessonName
  readonly title: string
  /** The Markdown of lesson.md; `{{name}}` stands for a value. */
  readonly text: string
  readonly tasks: readonly Task[]
  /** New random values for a lab. */
  values?(): Record<string, string>
  /** Prepares a fresh lab before the learner sees it. */
  setup?(scene: Scene): Promise<void>
  /** The file of the module that this lesson is about, relative to the repository. */
  readonly module: string
}
