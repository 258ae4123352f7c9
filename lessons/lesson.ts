// What a lesson is: data. The tutor, the plain commands and the gate are players that know no lesson by name.
//
// lesson.md   the text, see README.md and parse.ts: an introduction, a `## …` section a task, in the order of `tasks`,
//             with a `### Predict` and an `### After`; at last a `## Recap`.
// lesson.ts   the rest: title, tasks, checks, hints, solutions, and the ways that must pass or must not.
import type { RequirementId } from '../toolkit/engine/host.ts'
import type { Lab } from '../toolkit/engine/lab/lab.ts'
import type { Action } from '../toolkit/kernel/action.ts'
import type { Step } from '../toolkit/kernel/step.ts'

/** What differs from machine to machine, as far as a lesson must say or type something else. */
export interface Host {
  /** Where the controllers for memory, processes and the like are: in hierarchies of their own, or in the one of v2. */
  readonly cgroups: 'v1' | 'v2'
}

/** Lines to type or to read, `{{name}}` for a value; a function where they differ from machine to machine. */
export type Lines = readonly string[] | ((host: Host) => readonly string[])

export const linesFor = (lines: Lines, host: Host): readonly string[] =>
  typeof lines === 'function' ? lines(host) : lines

/** What a check looks at: the lab's processes, mounts, names … through toolkit/observe, never what was typed or printed. */
export interface Scene {
  readonly lab: Lab
  readonly host: Host
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

/** The verdict of a check that is not content yet. */
export const no = (saw: string): Verdict => ({ passed: false, saw })

/** Commands as they are typed at the prompt, a line each; `{{name}}` stands for a value, here and in hints. */
export interface Way {
  /** What is different about it, in a few words. */
  readonly name: string
  readonly commands: Lines
  /** Why the root of a user namespace cannot go it; as in a task. */
  readonly needsRoot?: string
}

export interface Task {
  /** Short and stable: progress is stored under it. */
  readonly id: string
  /** One line, imperative. */
  readonly title: string
  check(scene: Scene): Verdict
  /** From a nudge to nearly the answer. */
  readonly hints: Lines
  readonly solution: Lines
  /**
   * What later tasks build on, as lines for `sh` in the lab’s home: they are run, without a terminal, in a fresh lab of a learner
   * who starts further on. Not the whole solution: nobody needs to be inside anything.
   */
  readonly leaves?: Lines
  /** Other right ways; the gate requires at least one. */
  readonly otherWays: readonly Way[]
  /** Wrong ways, each with its own diagnosis. */
  readonly wrongWays: readonly (Way & { readonly saw: RegExp })[]
  /** Why the root of a user namespace cannot do it, or not all that the text shows: a clause after "needs root: ". */
  readonly needsRoot?: string
}

/** What the text shows of a plan: what is done, and the command for it. */
export type PlanRow = Pick<Step, 'call' | 'args' | 'shell'> | Pick<Action, 'text' | 'shell'>

/** The number of a lesson as it is said: lesson 1, and 0 for the one before the first. */
export const numberOf = ({ name }: Pick<Lesson, 'name'>): number => Number.parseInt(name, 10)

/** The live panels of the tutor, each of one side of the kernel's state: lessons/tutor/panels/. */
export const PANEL_NAMES = ['namespaces', 'processes', 'mounts', 'cgroups', 'layers', 'network'] as const
export type PanelName = (typeof PANEL_NAMES)[number]

export interface Lesson {
  /** Of its directory: a number and a word. Steps name the lesson that teaches them, see LessonName in kernel/step.ts. */
  readonly name: string
  readonly title: string
  /** The Markdown of lesson.md; `{{name}}` stands for a value, `{{plan}}` for `plan` as a list. */
  readonly text: string
  readonly tasks: readonly Task[]
  /** New random values for a lab. */
  values?(host: Host): Record<string, string>
  /** Prepares a fresh lab before the learner sees it. */
  setup?(scene: Scene): Promise<void>
  /** What of the host it cannot do without, beyond what every lab needs. Without it the lesson can be read only. */
  readonly needs?: readonly RequirementId[]
  /** What the tutor shows live above the shell: the first at once, the others by a key. Namespaces and processes, if left out. */
  readonly panels?: readonly PanelName[]
  /** The file of the module that this lesson is about, relative to the repository. */
  readonly module: string
  /** The module's steps, and actions of the engine, for what the learner has just done by hand. */
  plan(values: Readonly<Record<string, string>>): readonly PlanRow[]
  /**
   * The id of the task that shows both sides: what was built before still leaks, what is built now doesn't. Its check
   * looks at both.
   */
  readonly control: string
}
