// toolkit: one word, then what is behind it. Each command is loaded only when it is called.
import { errnoMeaning } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { print, printError } from './output.ts'
import { printable } from './printable.ts'

declare const VERSION: string

const HELP = `Usage: toolkit COMMAND

Build a Linux container by hand, one kernel primitive at a time; then run the engine you understood.

The course:
  learn [LESSON]   open the tutor
  lessons          list, show, check, solve and verify lessons without a screen

The engine:
  run              make a container and run a command in it; -d lets it run on
  create, start    the same in two steps; start also those that have ended
  ps               list containers
  logs             print what a container that runs on has written
  exec             run one more command in a container
  stop, kill       end containers, or send them a signal
  restart          stop and start them
  pause, unpause   stop all their processes where they are, and let them go on
  wait             wait for their end, and print their exit codes
  inspect          print all about a container
  top, port        list its processes, or its published ports
  diff             list what a container has changed in its files
  rename           give it another name
  rm               remove containers
  volume           keep files apart from containers: create, ls, inspect, rm, prune
  network          part containers from each other: create, ls, inspect, rm, prune
  spec             print what run would make as an OCI config.json, for runc and its like

The kernel's view:
  doctor           look whether this machine has all that is needed, and what to type where not
  inspect-process  show all about a process or container, or what separates two (short: xray)

'toolkit COMMAND --help' tells more.
`

/** A command: takes its words, resolves to the exit code. */
type Run = (argv: string[]) => Promise<number>

/** The course is a bundle of its own: whoever runs a container does not pay for loading it. */
type LoadCourse = () => Promise<{ main: Run }>

const commands: Record<string, Run> = {
  run: async argv => (await import('./run.ts')).main(argv),
  create: async argv => (await import('./create.ts')).main(argv),
  start: async argv => (await import('./start.ts')).main(argv),
  ps: async argv => (await import('./ps.ts')).main(argv),
  logs: async argv => (await import('./logs.ts')).main(argv),
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
  diff: async argv => (await import('./diff.ts')).main(argv),
  rename: async argv => (await import('./rename.ts')).main(argv),
  rm: async argv => (await import('./rm.ts')).main(argv),
  spec: async argv => (await import('./spec.ts')).main(argv),
  settle: async () => (await import('./settle.ts')).main(), // what a monitor becomes, for nobody else
  volume: async argv => (await import('./volume.ts')).main(argv),
  network: async argv => (await import('./network.ts')).main(argv),
  'dns-server': async argv => (await import('./dns-server.ts')).main(argv),
  doctor: async argv => (await import('./doctor.ts')).main(argv),
  'inspect-process': async argv => (await import('./xray.ts')).main(argv),
  xray: async argv => (await import('./xray.ts')).main(argv),
}

/** What looks into files that belong to a container: a user's are those of his user namespace. */
const isInsideOnly = (name: string, [word = '']: readonly string[]): boolean =>
  ['diff', 'rm'].includes(name) || (name === 'volume' && ['rm', 'remove', 'prune'].includes(word))

async function main([name, ...argv]: string[], loadCourse: LoadCourse): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    print(HELP)
    return 0
  }
  if (name === '--version' || name === 'version' || name === '-v') {
    print(`toolkit ${VERSION}`)
    return 0
  }
  if (name === 'learn' || name === 'lessons') return (await loadCourse()).main([name, ...argv])
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new UsageError(`no command ${JSON.stringify(name)}; 'toolkit --help' lists them`)
  if (isInsideOnly(name, argv) && process.getuid!() !== 0 && !argv.includes('--help'))
    return (await import('../engine/rootless.ts')).asRoot([name, ...argv], name)
  return command(argv)
}

/** What the kernel refuses the root of a user namespace it often does not refuse root. */
async function withoutRoot({ code }: KernelError): Promise<string> {
  const { inInitialUsers } = await import('../observe/id-maps.ts')
  return ['EPERM', 'EACCES'].includes(code) && !inInitialUsers() ? '; it may need root; try: sudo toolkit …' : ''
}

/** One line for what we know; a stack for what is our own fault. */
async function explainError(error: Error): Promise<string> {
  if (error instanceof KernelError && error.call === 'execve')
    return `cannot start ${JSON.stringify((error.args[1] as string[])[0])} in the container: ${error.cause ?? error.meaning}`
  if (error instanceof KernelError) return printable(error.message) + (await withoutRoot(error))
  if (error instanceof UsageError) return printable(error.message)
  const { syscall, path, code, errno } = error as NodeJS.ErrnoException // a file that Node was refused
  return errno === undefined
    ? (await import('./stack.ts')).readableStack(String(error.stack))
    : `${syscall}(${JSON.stringify(path ?? '')}): ${code}, ${errnoMeaning(Math.abs(errno))}`
}

/** docker's exit codes: 127 not found, 126 found but cannot be executed, 125 the engine itself. */
function exitCode(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode
  if (error instanceof KernelError && error.call === 'execve') return error.code === 'ENOENT' ? 127 : 126
  return 125
}

/** Runs the command; its exit code becomes the process's. */
export function start(argv: string[], loadCourse: LoadCourse): void {
  main(argv, loadCourse).then(
    code => {
      process.exitCode = code
    },
    async (error: Error) => {
      printError(`toolkit: ${await explainError(error)}`)
      process.exitCode = exitCode(error)
    },
  )
}

/** For the build, see entry.cjs. */
export const warmUp = async (): Promise<void> => (await import('./warm-up.ts')).warmUp()
