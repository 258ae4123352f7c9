// What the engine itself does for a container, outside of it: it makes cgroup directories, plugs in cables, opens what
// the new process will find under a name. Like the steps of that process (step.ts) these are data with a reason, so
// that `--explain` can print them in their place and a test can look at them without root.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { invoke } from './call.ts'
import { formatCall } from './format.ts'
import { type Arg, type Descriptor, isDescriptor, type LessonName, type Step } from './step.ts'
import type { SyscallName } from './syscalls.ts'

/** What actions share. */
export interface Context {
  /** Open descriptors by the names under which steps ask for them. Whoever made the context closes them. */
  readonly descriptors: Map<string, number>
  /** The new process; not there in the actions of `Plan.before`. */
  readonly process?: { readonly pid: number; readonly pidfd: number }
}

/** One thing the engine does outside. */
export interface Action {
  /** What is done, as C or a shell would write it. */
  readonly text: string
  /** One sentence: what would be wrong without it. */
  readonly why: string
  readonly lesson: LessonName
  /** The command that a person would type for the same effect; empty where there is none. */
  readonly shell: string
  /** Does it. Throws KernelError, UsageError, or an error of node:fs. */
  readonly apply: (context: Context) => void
}

type About = Pick<Action, 'why' | 'lesson' | 'shell'>

type Descriptors = { readonly descriptors: ReadonlyMap<string, number> }

/** The number of a descriptor. */
export function numberOf({ descriptor }: Descriptor, { descriptors }: Descriptors): number {
  const fd = descriptors.get(descriptor)
  if (fd === undefined) throw new Error(`no descriptor ${descriptor}`)
  return fd
}

/** Puts numbers in place of names. */
export const resolve = (args: readonly Arg[], known: Descriptors): Arg[] =>
  args.map(arg => (arg !== null && isDescriptor(arg) ? numberOf(arg, known) : arg))

/**
 * A system call that the engine makes itself. `opens`: its result is a descriptor, known under this name from now on.
 * `make` makes it, where that takes more than `invoke`.
 */
export function callAction(
  { call, args, why, lesson, shell }: Step,
  opens?: string,
  make: (call: SyscallName, args: readonly Arg[]) => number = invoke,
): Action {
  return {
    get text() {
      return `${opens ? `${opens} = ` : ''}${formatCall(call, args)}` // when somebody reads it: most runs are not explained
    },
    why,
    lesson,
    shell,
    apply(context) {
      const result = make(call, resolve(args, context))
      if (opens) context.descriptors.set(opens, result)
    },
  }
}

/** Writes to a file that the kernel shows (cgroup, /proc): one write, because each is a command. */
export function writeAction(path: string, text: string, about: About): Action {
  return {
    ...about,
    text: `write("${path}", ${JSON.stringify(text)})`,
    apply() {
      const fd = openSync(path, 'w')
      try {
        writeSync(fd, text)
      } catch (error) {
        throw Object.assign(error as Error, { path }) // which Node does not know by now
      } finally {
        closeSync(fd)
      }
    },
  }
}

/** Makes a directory; one that is there already is as good. */
export function directoryAction(path: string, about: About): Action {
  return {
    ...about,
    text: `mkdir("${path}", 0755)`,
    apply() {
      try {
        mkdirSync(path, 0o755)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
    },
  }
}
