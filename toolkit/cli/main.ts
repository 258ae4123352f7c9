// toolkit: one word, then what is behind it. Each command is loaded only when it is called.
import { exitCodeFor } from '../engine/exit-code.ts'
import { explainError } from './failure.ts'
import { exitNow, print, printError } from './text/output.ts'

declare const VERSION: string

/** A command: takes its words, resolves to the exit code. */
type Run = (argv: string[]) => Promise<number>

/** The course is a bundle of its own: whoever runs a container does not pay for loading it. */
type LoadCourse = () => Promise<{ main: Run }>

export const commands: Readonly<Record<string, Run>> = {
  run: async argv => (await import('./run.ts')).main(argv),
  create: async argv => (await import('./create.ts')).main(argv),
  start: async argv => (await import('./start.ts')).main(argv),
  ps: async argv => (await import('./ps.ts')).main(argv),
  logs: async argv => (await import('./logs.ts')).main(argv),
  attach: async argv => (await import('./attach.ts')).main(argv),
  exec: async argv => (await import('./exec.ts')).main(argv),
  stop: async argv => (await import('./stop.ts')).main(argv),
  kill: async argv => (await import('./kill.ts')).main(argv),
  restart: async argv => (await import('./restart.ts')).main(argv),
  pause: async argv => (await import('./pause.ts')).main(argv),
  unpause: async argv => (await import('./unpause.ts')).main(argv),
  wait: async argv => (await import('./wait.ts')).main(argv),
  inspect: async argv => (await import('./inspect.ts')).main(argv),
  top: async argv => (await import('./top.ts')).main(argv),
  port: async argv => (await import('./port.ts')).main(argv),
  events: async argv => (await import('./events.ts')).main(argv),
  stats: async argv => (await import('./stats.ts')).main(argv),
  update: async argv => (await import('./update.ts')).main(argv),
  health: async argv => (await import('./health.ts')).main(argv), // from time to time, for nobody else
  oom: async argv => (await import('./oom.ts')).main(argv), // the same
  cp: async argv => (await import('./cp.ts')).main(argv),
  diff: async argv => (await import('./diff.ts')).main(argv),
  rename: async argv => (await import('./rename.ts')).main(argv),
  rm: async argv => (await import('./rm.ts')).main(argv),
  spec: async argv => (await import('./spec.ts')).main(argv),
  settle: async argv => (await import('./settle.ts')).main(argv), // what a monitor becomes, for nobody else
  volume: async argv => (await import('./volume.ts')).main(argv),
  network: async argv => (await import('./network.ts')).main(argv),
  system: async argv => (await import('./system.ts')).main(argv),
  info: async argv => (await import('./info.ts')).main(argv),
  version: async argv => (await import('./version.ts')).main(argv),
  completion: async argv => (await import('./completion.ts')).main(argv),
  'dns-server': async argv => (await import('./dns-server.ts')).main(argv),
  doctor: async argv => (await import('./doctor.ts')).main(argv),
  'inspect-process': async argv => (await import('./xray.ts')).main(argv),
  xray: async argv => (await import('./xray.ts')).main(argv),
}

/** `run` looks by itself, when it has something to wait for; the others are not a user's commands. */
const OWN_WAY = ['run', 'settle', 'dns-server']
/** What looks into files that belong to a container: a user's are those of his user namespace. */
const isInsideOnly = (name: string, [word = '']: readonly string[]): boolean =>
  ['diff', 'rm'].includes(name) || (name === 'volume' && ['rm', 'remove', 'prune'].includes(word))

/** When they return, nothing of them goes on. */
const DONE_AT_ONCE = ['exec', 'health', 'inspect', 'kill', 'logs', 'oom', 'ps', 'rm', 'settle', 'stop', 'wait']

/** Its exit code is the program's: 125 tells that this is of the engine. */
const isRun = ([name, word]: readonly string[]): boolean => (name === 'container' ? word : name) === 'run'

async function main([name, ...argv]: string[], loadCourse: LoadCourse): Promise<number> {
  const [next, ...others] = argv
  if (name === undefined || name === '--help' || (name === 'help' && next === undefined)) {
    ;(await import('./help.ts')).printHelp()
    return 0
  }
  if (name === 'help') return main([next!, ...others, '--help'], loadCourse) // as git has it
  if (name === '--version') {
    print(`toolkit ${VERSION}`)
    return 0
  }
  if (name === 'learn' || name === 'lessons' || name === 'workshop') return (await loadCourse()).main([name, ...argv])
  if (name === 'container') return (await import('./container.ts')).main(argv, commands)
  if (!Object.hasOwn(commands, name)) throw (await import('./help.ts')).noCommand(name)
  if (isInsideOnly(name, argv) && process.getuid!() !== 0 && !argv.includes('--help'))
    return (await import('../engine/rootless.ts')).asRoot([name, ...argv], name)
  if (!OWN_WAY.includes(name)) await (await import('../engine/network/mend-names.ts')).mendNames()
  return commands[name]!(argv)
}

/** Runs the command; its exit code becomes the process's. */
export function start(words: string[], loadCourse: LoadCourse): void {
  let argv = words
  const run = async () => {
    if (words[0]?.startsWith('-')) argv = (await import('./global-flags.ts')).withoutGlobal(words)
    return main(argv, loadCourse)
  }
  run().then(
    code => {
      if (DONE_AT_ONCE.includes(argv[0]!)) exitNow(code)
      process.exitCode = code
    },
    async (error: Error) => {
      printError(`toolkit: ${await explainError(error)}`)
      process.exitCode = exitCodeFor(error, isRun(argv) ? 125 : 1)
    },
  )
}

/** For the build, see entry.cjs: a command with its words, or what makes a container alone. */
export async function warmUp(argv: string[]): Promise<void> {
  if (argv.length > 1) await main(argv, () => Promise.reject())
  else await (await import('./warm-up.ts')).warmUp(argv[0] === 'run' ? 'warm' : undefined)
}
