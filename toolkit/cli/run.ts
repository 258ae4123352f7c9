import type { Observer } from '../engine/carry-out.ts'
import type { RunOptions } from '../engine/options.ts'
import { preview } from '../engine/prepare.ts'
import { run } from '../engine/run.ts'
import { parseDetachKeys } from '../engine/terminal/detach-keys.ts'
import { ensureBusybox, findRootfs } from '../image/rootfs.ts'
import { isTerminal } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { inInitialUsers } from '../observe/id-maps.ts'
import { INSISTED, notAllUndone, outOfMemory } from './failure.ts'
import { flags as attachFlag } from './flags/attach.ts'
import * as care from './flags/care.ts'
import * as compatible from './flags/compatible.ts'
import * as log from './flags/log.ts'
import * as mounts from './flags/mounts.ts'
import * as namespaces from './flags/namespaces.ts'
import * as network from './flags/network.ts'
import * as program from './flags/program.ts'
import * as resources from './flags/resources.ts'
import * as security from './flags/security.ts'
import * as users from './flags/users.ts'
import { wording } from './flags/wording.ts'
import { type Command, mainOf, type Parsed } from './options.ts'
import { exitNow, print, printError } from './text/output.ts'

/** The flags that say what the container is like. */
export const wishes = {
  ...program.flags,
  ...mounts.flags,
  ...network.flags,
  ...resources.flags,
  ...security.flags,
  ...namespaces.flags,
  ...users.flags,
  ...care.flags,
  ...log.flags,
  ...attachFlag,
  ...compatible.annotationFlag,
  ...compatible.flags,
}

export const command: Command = {
  usage: 'run [OPTIONS] ROOTFS COMMAND [ARG…]',
  summary: `Make a container from a root file system, run a command in it, and wait for its end.
ROOTFS is a directory, which is never written to, or 'busybox'.`,
  flags: {
    ...wishes,
    ...program.detachFlag,
    ...program.signalFlag,
    detach: { short: 'd', help: 'print its id and let it run on; see toolkit logs, stop, wait' },
    ...program.pullFlag,
    cidfile: { value: 'FILE', help: 'write its id to this file, which must be new' },
    explain: { help: 'print every system call, why it is made, and its result' },
    step: { help: 'like --explain, and wait for a key before each; ^Z leaves it there, fg comes back' },
    until: { value: 'WORDS', help: 'like --step, beginning with the first call that has these words in it' },
    'dry-run': { help: 'print the system calls and make none; needs no root' },
    yes: { short: 'y', help: 'do not ask before getting a busybox' },
  },
}

export const main = mainOf(command, async ({ flags, rest }, argv) => {
  const how = ['explain', 'step', 'until', 'dry-run'].filter(name => flags[name])
  if (how.length > 1) throw new UsageError(`run: --${how[0]} and --${how[1]} do not go together; choose one`)
  const [name, ...words] = rest
  if (name === undefined) throw new UsageError("run: which root file system? For example 'toolkit run -it busybox sh'")
  const args = program.commandOf(flags, words)
  if (args.length === 0) throw new UsageError(`run: which command in ${name}? For example 'toolkit run -it ${name} sh'`)
  const wish = wishOf(flags)

  if (flags['dry-run']) {
    const { printPlan } = await import('./explain.ts')
    printPlan(await preview({ ...wish, rootfs: findRootfs(name), args }))
    return 0
  }
  if (flags.tty && flags.interactive && !flags.detach && !isTerminal(0))
    throw new UsageError('run: -t with -i needs a terminal on stdin; leave -t out to pass a pipe or file on')
  await getRootfs(name, flags)
  if (process.getuid!() !== 0) {
    const { asRoot, refuseWithoutRoot } = await import('../engine/rootless.ts')
    if (flags.detach) refuseWithoutRoot('run: -d')
    const { net, network = net } = flags
    const isDefault = network === undefined && flags.publish === undefined && !process.env.TOOLKIT_NETWORK
    if (wish.network.mode === 'bridge' && !isDefault)
      refuseWithoutRoot(
        flags.publish
          ? `run: --publish ${wish.network.publish[0]!.text}`
          : `run: --net ${network ?? process.env.TOOLKIT_NETWORK}`,
      )
    return asRoot(['run', ...argv], 'run', { forwards: true })
  }
  await warnOf(wish, flags)
  const observer =
    how.length > 0
      ? (await import('./explain.ts')).explain({ stepwise: how[0] !== 'explain', until: flags.until as string })
      : undefined
  const options = { ...wish, rootfs: findRootfs(name), args }
  const idFile =
    flags.cidfile === undefined
      ? undefined
      : (await import('./cidfile.ts')).reserveIdFile('run', flags.cidfile as string)
  try {
    return await carryOut(options, { flags, observer, onMade: id => idFile?.write(id) })
  } catch (error) {
    idFile?.remove() // there is no container
    throw error
  }
})

/** A busybox, where that is asked for and missing, and may be got. */
export async function getRootfs(name: string, flags: Parsed['flags']): Promise<void> {
  if (name !== 'busybox' || !program.mayPull(flags)) return
  const { yes, quiet } = flags
  await ensureBusybox({ yes: yes === true, interactive: isTerminal(0) && isTerminal(2), quiet: quiet === true })
}

/** Tells what is taken, and has no effect. */
export async function warnOf({ network: wish }: Pick<RunOptions, 'network'>, flags: Parsed['flags']): Promise<void> {
  const warning = network.portsWarning(wish)
  if (warning) printError(warning)
  if (!['kernel-memory', 'oom-kill-disable', 'memory-swappiness'].some(flag => flags[flag] !== undefined)) return
  const { isV1 } = await import('../engine/cgroup/place.ts')
  for (const line of compatible.warnings(flags, () => isV1('memory'))) printError(line)
}

interface How {
  readonly flags: Parsed['flags']
  readonly observer: Observer | undefined
  readonly onMade: (id: string) => void
}

async function carryOut(options: RunOptions, { flags, observer, onMade }: How): Promise<number> {
  if (flags.detach) {
    const { runDetached } = await import('../engine/life/detach.ts') // most runs have no use for it
    const id = await runDetached(options, { observer, onMade })
    print(id)
    return exitNow(0)
  }
  const keys = parseDetachKeys(flags['detach-keys'] as string | undefined)
  const signals = options.terminal || flags['sig-proxy'] !== false
  const { care, wording, autoRemove } = options
  const keepsLog = !autoRemove && !observer && inInitialUsers()
  if (care?.restart || care?.health || wording?.attach || !signals || keepsLog) {
    const { runFollowed } = await import('./follow.ts')
    return runFollowed(options, { keys, signals, observer, onMade })
  }
  const onInsist = () => printError(`toolkit: ${INSISTED}, the container is killed`)
  const { exitCode, oomKilled, left, detached } = await run(options, observer, { keys, onMade, onInsist })
  if (detached) printError('read escape sequence') // as docker does
  if (left) printError(notAllUndone(left))
  if (oomKilled && exitCode === 137) printError(outOfMemory(options))
  return exitNow(exitCode)
}

/** All flags as the engine takes them. Throws a UsageError that names the flag, the value and what is allowed. */
export function wishOf(flags: Parsed['flags']): Omit<RunOptions, 'rootfs' | 'args'> {
  const { resources: limits, devices, cgroupns, cgroupParent } = resources.resources(flags)
  const { seccomp, ...rights } = security.security(flags)
  const looked = care.care(flags)
  const kept = log.log(flags)
  const annotations = compatible.annotations(flags)
  compatible.checkCompatible(flags)
  program.mayPull(flags)
  const said = wording(flags)
  return {
    ...program.program(flags),
    ...rights,
    seccomp: 'file' in seccomp ? seccomp.file : seccomp.profile,
    resources: limits,
    ...(cgroupParent !== undefined && { cgroupParent }),
    devices,
    namespaces: { ...namespaces.namespaces(flags), cgroup: cgroupns, time: 'private', users: users.users(flags) },
    network: network.network(flags),
    mounts: mounts.mounts(flags),
    ...(looked && { care: looked }),
    ...(kept && { log: kept }),
    ...(annotations && { annotations }),
    ...(said && { wording: said }),
  }
}
