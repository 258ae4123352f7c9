import { exec, holdContainer, isOfOtherUsers } from '../engine/life/exec.ts'
import { parseDetachKeys } from '../engine/terminal/detach-keys.ts'
import { isTerminal } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { INSISTED } from './failure.ts'
import * as program from './flags/program.ts'
import { saidBy } from './flags/refuse.ts'
import { type Command, mainOf } from './options.ts'
import { exitNow, printError } from './text/output.ts'

const { env, 'env-file': envFile, workdir, interactive, tty } = program.flags

export const command: Command = {
  usage: 'exec [OPTIONS] CONTAINER COMMAND [ARG…]',
  summary: 'Run one more command in a container that runs.',
  flags: {
    interactive,
    tty,
    detach: { short: 'd', help: 'do not wait for its end; its output is lost' },
    user: {
      short: 'u',
      value: 'USER[:GROUP]',
      help: 'who runs it: names or numbers (default: as the container)',
      blank: true,
    },
    workdir: { ...workdir, help: 'where it starts (default: as the container)' },
    env,
    'env-file': envFile,
    privileged: { help: 'with all capabilities' },
    ...program.detachFlag,
    explain: { help: 'print every system call, why it is made, and its result' },
  },
}

export const main = mainOf(command, async ({ flags, rest }, argv) => {
  const [container, ...args] = rest
  if (container === undefined) throw new UsageError("exec: which container? 'toolkit ps' lists them", 1)
  if (args.length === 0) throw new UsageError(`exec: which command? For example 'toolkit exec -it ${container} sh'`, 1)
  const detached = flags.detach === true
  if (flags.tty && flags.interactive && !detached && !isTerminal(0))
    throw new UsageError('exec: -t with -i needs a terminal on stdin; leave -t out to pass a pipe or file on', 1)
  const held = await holdContainer(container)
  if (process.getuid!() !== 0 || isOfOtherUsers(held)) {
    const { asRoot } = await import('../engine/rootless.ts')
    return asRoot(['exec', ...argv], 'exec', { users: held.pidfd, forwards: true })
  }
  const { env, cwd, interactive, terminal } = saidBy('exec', () => program.program(flags))
  const observer = flags.explain ? (await import('./explain.ts')).explain({ stepwise: false }) : undefined
  const wish = {
    ...{ args, env, cwd, interactive, terminal, detached },
    user: flags.user as string | undefined,
    privileged: flags.privileged === true,
    keys: parseDetachKeys(flags['detach-keys'] as string | undefined),
    onInsist: () => printError(`toolkit: ${INSISTED}, the program is killed`),
  }
  const code = await exec(held, wish, observer)
  if (code !== undefined) return code
  printError('read escape sequence')
  return exitNow(0)
})
