// Without root: the same command once more, as root of a user namespace. There it may make all the other namespaces, mount
// what is harmless, and lay an overlay; nobody outside is touched by it. What is left to real root (limits where no cgroup
// is delegated, the bridge, devices) is refused in the doctor's words. user_namespaces(7), newuidmap(1).
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { packageDir, stateDir } from '../image/paths.ts'
import { attempt } from '../kernel/call.ts'
import { CLONE, SIG } from '../kernel/constants.ts'
import { KernelError } from '../kernel/error.ts'
import { type Starting, start } from '../kernel/start.ts'
import { type Plan, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { exitStatus, wait } from '../kernel/wait.ts'
import * as ipc from '../primitives/ipc.ts'
import * as mount from '../primitives/mount.ts'
import * as net from '../primitives/net.ts'
import * as pid from '../primitives/pid.ts'
import * as process_ from '../primitives/process.ts'
import * as user from '../primitives/user.ts'
import * as uts from '../primitives/uts.ts'
import { refuse } from './host.ts'
import { FORWARDED } from './signals.ts'

const about = { lesson: '07-user', shell: '' } as const

/** The name of a user; undefined for one that /etc/passwd does not know. */
const nameOf = (uid: number): string | undefined => linesOf('/etc/passwd').find(([, , id]) => id === String(uid))?.[0]

/** The fields of each line; none where there is no such file. */
function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map(line => line.split(':'))
  } catch {
    return []
  }
}

/** A range of ids that an administrator has set aside for a user; undefined without one. subuid(5). */
function rangeOf(file: string, uid: number): [number, number] | undefined {
  const whose = [nameOf(uid), String(uid)]
  const [, first, size] = linesOf(file).find(([who, , size]) => whose.includes(who) && Number(size) > 0) ?? []
  return first === undefined ? undefined : [Number(first), Number(size)]
}

/**
 * Ourselves as 0 and, where the setuid helpers and a range are there, that range as the ids from 1 on. Each map for itself:
 * what a helper has written cannot be written again.
 */
function writeMaps(pid: number): void {
  const [uid, gid] = [process.getuid!(), process.getgid!()]
  const helped = (helper: string, id: number, range: [number, number] | undefined) =>
    range !== undefined && spawnSync(helper, [pid, 0, id, 1, 1, ...range].map(String), { stdio: 'ignore' }).status === 0
  if (!helped('newgidmap', gid, rangeOf('/etc/subgid', uid))) user.writeOwnMap(pid, 'gid', gid)
  if (!helped('newuidmap', uid, rangeOf('/etc/subuid', uid))) user.writeOwnMap(pid, 'uid', uid)
}

/** Whether the terminal that we are at sends its signals to us, and so to all who were started by us. proc_pid_stat(5). */
function inForeground(): boolean {
  const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return group === foreground
}

const TYPED: readonly string[] = ['INT', 'QUIT', 'TSTP', 'WINCH']
const USUAL = ['TERM', 'HUP', 'INT', 'QUIT', 'USR1', 'USR2'] as const

/** Passes signals on; of those that a terminal sends, only such as come from somebody else. Returns what ends that. */
function passSignals(pidfd: number, names: typeof USUAL | typeof FORWARDED): () => void {
  const listeners = names.map(name => {
    const isTyped = () => TYPED.includes(name) && inForeground()
    return [`SIG${name}`, () => void (isTyped() || attempt('pidfd_send_signal', [pidfd, SIG[name], null, 0]))] as const
  })
  for (const [signal, listener] of listeners) process.on(signal, listener)
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener)
  }
}

interface AsRoot {
  /** Also in namespaces of its own of those kinds that it is going to visit others of: there is no way back to the host's. */
  readonly apart?: boolean
  /** It stops for no signal, but passes all on to a program. */
  readonly forwards?: boolean
  /** A pidfd: in the user namespace of that process instead of a new one, and otherwise where we are. */
  readonly users?: number
}

const USERS = { descriptor: 'users' }

function planAsRoot(words: readonly string[], { apart, users }: AsRoot): Plan {
  const program = `${packageDir()}/bin/toolkit`
  const TOOLKIT_NETWORK = process.env.TOOLKIT_NETWORK || 'none'
  const env = { ...process.env, TOOLKIT_NETWORK, TOOLKIT_STATE: resolve(stateDir()) }
  const steps = [
    ...process_.undoNode(),
    ...pid.dieWithParent(),
    step('execve', [program, [program, ...words], Object.entries(env).map(([name, value]) => `${name}=${value}`)], {
      ...about,
      why: 'the same command, as root of the namespace',
    }),
  ]
  if (users !== undefined) {
    const enter = step('setns', [USERS, CLONE.NEWUSER], { ...about, why: 'who made a user namespace may do all in it' })
    return { namespaces: [], first: [enter, ...user.becomeRoot()], steps }
  }
  return {
    namespaces: [user.namespace, mount.namespace, ...(apart ? [net.namespace, uts.namespace, ipc.namespace] : [])],
    first: [{ gate: user.USER_GATE }],
    steps: [...user.becomeRoot(), ...mount.makePrivate(), ...steps],
  }
}

/**
 * Runs `toolkit` with these words as root of a user namespace, and resolves to its exit code. What is typed, and signals
 * of the terminal, reach it without us; others are passed on. Throws a HostRefusal where this host lets nobody but root
 * make user namespaces.
 */
export async function asRoot(words: readonly string[], asked: string, how: AsRoot = {}): Promise<number> {
  const { users, forwards } = how
  let made: Starting | undefined
  try {
    made = start(planAsRoot(words, how), {
      descriptors: new Map(users === undefined ? [] : [[USERS.descriptor, users]]),
    })
    if (made.next() !== undefined) {
      writeMaps(made.pid)
      made.open()
      made.next()
    }
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ESRCH')
      throw new UsageError(`${asked}: the container has ended meanwhile`, 1)
    if (error instanceof KernelError)
      throw refuse(users === undefined ? 'userns-for-users' : 'root', {
        asked,
        detail: `${error.code} from ${error.call}`,
      })
    made?.abort() // it stands at its gate
    const { code, syscall, path } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw refuse('userns-for-users', { asked, detail: `${code} from ${syscall} of ${path ?? 'its map'}` })
  }
  const stopPassing = passSignals(made.pidfd, forwards ? FORWARDED : USUAL)
  const exit = await wait(made.pid, made.pidfd)
  stopPassing()
  made.close()
  return exitStatus(exit)
}

/** Refuses what even root of a user namespace cannot be given: it takes something of the host's. */
export const refuseWithoutRoot = (asked: string): never => {
  throw refuse('root', { asked, remedy: 'sudo toolkit …' })
}
