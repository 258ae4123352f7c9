// The course, called by toolkit/cli: `toolkit learn` with a screen, `toolkit lessons` without, `toolkit workshop` for a room.
import { KernelError } from '../toolkit/kernel/error.ts'
import { UsageError } from '../toolkit/kernel/usage-error.ts'

const HELP = `Usage: toolkit lessons COMMAND

The course without a screen: for screen readers, pipes, scripts, bug
reports. LESSON is a name (01-chroot) or number, TASK a number or name.

  list [--json]
      the lessons, their tasks, and what you have done
  show LESSON [TASK] [--hints] [--after] [--json]
      the text; --hints with the hints, --after with what is read
      afterwards (shown anyway for a task that is done)
  module LESSON [--json]
      the module that the lesson is about: its steps and its source
  recap LESSON [--json]
      what to keep of the lesson
  shell LESSON [TASK]
      a shell in a fresh lab on this terminal, prepared for the task.
      Asks for your prediction first, where the text does. One line
      says when the task is passed. Progress is kept
  check LESSON TASK --script FILE [--json]
      type the commands of FILE (- for stdin), a line each, into a
      fresh lab, and print the verdict
  solve LESSON TASK [--run] [--json]
      print the solution; --run types it into a fresh lab and prints
      the verdict
  new DIR
      begin a lesson of your own, in a checkout of toolkit; its README
      (lessons/README.md) teaches how to go on
  verify [LESSON | DIR]... [--quick] [--json]
      prove lessons: every check both ways, every command of the text,
      and that nothing is left behind. DIR has a '/' in its name.
      --quick types only the text and the solutions in a row

Exit codes: 0 passed or done, 1 not passed, 125 could not be tried.
shell, check, verify and solve --run need root.`

type Command = (argv: readonly string[]) => Promise<number>

const commands: Record<string, () => Promise<Command>> = {
  list: async () => (await import('./cli/read.ts')).list,
  show: async () => (await import('./cli/read.ts')).show,
  module: async () => (await import('./cli/read.ts')).module,
  recap: async () => (await import('./cli/read.ts')).recap,
  shell: async () => (await import('./cli/shell.ts')).shell,
  check: async () => (await import('./cli/act.ts')).check,
  solve: async () => (await import('./cli/act.ts')).solve,
  new: async () => (await import('./cli/new.ts')).create,
  verify: async () => (await import('./cli/verify.ts')).verify,
}

async function dispatch([first, ...argv]: readonly string[]): Promise<number> {
  if (first === 'learn') return (await import('./cli/learn.ts')).main(argv)
  if (first === 'workshop') return (await import('./cli/workshop.ts')).main(argv)
  const [name, ...rest] = argv
  const asked = [name, ...rest].some(word => word === '--help' || word === '-h')
  if (name === undefined || name === 'help' || asked) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!load) throw new UsageError(`lessons: no command ${JSON.stringify(name)}; 'toolkit lessons --help' lists them`)
  return (await load())(rest)
}

/** For the build. */
export const warmUp = async (): Promise<void> => (await import('./warm-up.ts')).warmUp()

/** `toolkit lessons show 1 | head` has seen enough. */
function quitWhenNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
}

/** `learn …`, `lessons …` or `workshop …`; resolves to the exit code. What a user can set right is one line on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.off('error', quitWhenNobodyReads).on('error', quitWhenNobodyReads) // it comes later, too
  try {
    return await dispatch(argv)
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof KernelError)) throw error
    process.stderr.write(`toolkit: ${error.message}\n`)
    return (error instanceof UsageError && error.exitCode) || 125
  }
}
