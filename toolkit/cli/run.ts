import { planRun, run } from '../engine/run.ts'
import type { RunOptions } from '../engine/spec.ts'
import { ensureBusybox, findRootfs } from '../image/rootfs.ts'
import { invoke } from '../kernel/call.ts'
import { isTerminal } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, formatHelp, type Parsed, parse } from './options.ts'
import { print } from './output.ts'

export const command: Command = {
  usage: 'run [OPTIONS] ROOTFS COMMAND [ARG…]',
  summary: `Make a container from a root file system, run a command in it, and wait for its end.
ROOTFS is a directory, which is never written to, or 'busybox'.`,
  flags: {
    interactive: { short: 'i', help: 'pass stdin on to the command' },
    tty: { short: 't', help: 'give it a terminal of its own' },
    rm: { help: 'remove the container when it has ended' },
    name: { value: 'NAME', help: 'its name (default: one is made up)' },
    hostname: { value: 'NAME', help: 'its host name (default: from its id)' },
    explain: { help: 'print every system call, why it is made, and its result' },
    step: { help: 'like --explain, and wait for a key before each' },
    'dry-run': { help: 'print the system calls and make none; needs no root' },
    yes: { short: 'y', help: 'do not ask before getting a busybox' },
  },
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  const how = ['explain', 'step', 'dry-run'].filter(name => flags[name])
  if (how.length > 1) throw new UsageError(`run: --${how[0]} and --${how[1]} do not go together; choose one`)
  const [name, ...args] = rest
  if (name === undefined) throw new UsageError("run: which root file system? For example 'toolkit run -it busybox sh'")
  if (args.length === 0) throw new UsageError(`run: which command in ${name}? For example 'toolkit run -it ${name} sh'`)

  if (flags['dry-run']) {
    const { printPlan } = await import('./explain.ts')
    printPlan(planRun(runOptions(flags, findRootfs(name), args)))
    return 0
  }
  if (process.getuid!() !== 0)
    throw new UsageError(`run: making a container needs root; try 'sudo toolkit run …', or --dry-run to see the plan`)
  if (flags.tty && flags.interactive && !isTerminal(0))
    throw new UsageError('run: -t with -i needs a terminal on stdin; leave -t out to pass a pipe or file on')
  if (name === 'busybox') await ensureBusybox({ yes: flags.yes === true, interactive: isTerminal(0) && isTerminal(2) })
  const options = runOptions(flags, findRootfs(name), args)
  const observer =
    how.length > 0 ? (await import('./explain.ts')).explain({ stepwise: flags.step === true }) : undefined
  return exitNow((await run(options, observer)).exitCode)
}

// Node takes 4 ms to free what the kernel frees anyway. All output is written: on Linux nothing of it is buffered.
const exitNow = (status: number): number => invoke('exit_group', [status])

function runOptions(flags: Parsed['flags'], rootfs: string, args: readonly string[]): RunOptions {
  return {
    rootfs,
    args,
    name: flags.name as string | undefined,
    hostname: flags.hostname as string | undefined,
    env: [],
    cwd: undefined,
    interactive: flags.interactive === true,
    terminal: flags.tty === true,
    autoRemove: flags.rm === true,
  }
}
