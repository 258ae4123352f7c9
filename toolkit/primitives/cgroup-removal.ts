// The end of a cgroup: whatever is left in it is killed, and the directories go from the bottom to the top. cgroups(7),
// cgroup.kill in admin-guide/cgroup-v2.
//
// rmdir(2) says EBUSY while a process is in the group, also one that has just been killed and not quite ended.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { attempt } from '../kernel/call.ts'
import { AT, SIG } from '../kernel/constants.ts'
import { ERRNO } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { deadline, pause } from '../kernel/pause.ts'
import { UsageError } from '../kernel/usage-error.ts'

const WAIT = 10_000 // milliseconds; the memory of a large process takes time to be freed

/** The result, or `otherwise` where the group is gone meanwhile (ENODEV: its file was open). */
function orGone<T>(otherwise: T, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise
    throw error
  }
}

/** The group and all groups in it, the lowest first. */
function bottomUp(directory: string): string[] {
  const entries = orGone([], () => readdirSync(directory, { withFileTypes: true }))
  const below = entries.filter(entry => entry.isDirectory()).flatMap(({ name }) => bottomUp(`${directory}/${name}`))
  return [...below, directory]
}

const pidsIn = (group: string): number[] =>
  orGone('', () => readFileSync(`${group}/cgroup.procs`, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map(Number)

const AT_ONCE = 256 // descriptors

/**
 * A pid may be somebody else's by the time of the signal: the pidfd holds it, and only then we look once more. Many
 * together, because the kernel makes the list anew for each look.
 */
function killMembers(group: string): void {
  const pids = pidsIn(group)
  for (let i = 0; i < pids.length; i += AT_ONCE) {
    const held = pids.slice(i, i + AT_ONCE).map(pid => ({ pid, pidfd: attempt('pidfd_open', [pid, 0]) }))
    const still = new Set(pidsIn(group))
    for (const { pid, pidfd } of held.filter(({ pidfd }) => pidfd >= 0)) {
      if (still.has(pid)) attempt('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
      attempt('close', [pidfd])
    }
  }
}

/** Kills what is in a group. A frozen v1 group must be thawed to die of it; v2 sees to that itself. */
function kill(group: string): void {
  if (existsSync(`${group}/cgroup.kill`)) {
    orGone(undefined, () => writeFileSync(`${group}/cgroup.kill`, '1'))
    return
  }
  killMembers(group)
  if (existsSync(`${group}/freezer.state`)) orGone(undefined, () => writeFileSync(`${group}/freezer.state`, 'THAWED'))
  if (existsSync(`${group}/cgroup.freeze`)) orGone(undefined, () => writeFileSync(`${group}/cgroup.freeze`, '0'))
}

/** The calling process itself is in one of the groups: it would kill itself, and whoever started it. */
function refuseOwn(groups: readonly string[]): void {
  const own = groups.find(group => pidsIn(group).includes(process.pid))
  if (own) throw new UsageError(`the cgroup ${own} is not removed: this process itself is in it`)
}

/** Whether a directory has gone. EBUSY: there are processes or other groups in it (ENOTEMPTY: an ordinary directory). */
function rmdir(directory: string): boolean {
  const args = [AT.FDCWD, directory, AT.REMOVEDIR]
  const error = -attempt('unlinkat', args)
  if (error === 0 || error === ERRNO.ENOENT || error === ERRNO.ENOTDIR) return true
  if (error === ERRNO.EBUSY || error === ERRNO.ENOTEMPTY) return false
  throw new KernelError('unlinkat', args, error)
}

/** Removes the groups in a group, the lowest first, then itself; says whether it has gone. */
const removeTree = (directory: string): boolean => bottomUp(directory).map(rmdir).at(-1)!

/**
 * Removes a group, the groups in it, and the processes in them; `directories` are the same group in all hierarchies. One
 * that is not there is as good. Blocks, at most 10 seconds; then throws a UsageError that names who is still in it.
 */
export function remove(directories: readonly string[]): void {
  let left = directories.filter(directory => !rmdir(directory))
  if (left.length > 0) refuseOwn(left.flatMap(bottomUp))
  const isLate = deadline(WAIT)
  for (let wait = 1; left.length > 0; wait = Math.min(2 * wait, 100)) {
    // From the top, which may be what froze the rest; and all hierarchies, because the freezer is but one of them.
    for (const group of left.flatMap(directory => bottomUp(directory).toReversed())) kill(group)
    left = left.filter(directory => !removeTree(directory))
    if (left.length === 0) return
    if (isLate()) throw stuck(left[0]!)
    pause(wait)
  }
}

function stuck(directory: string): UsageError {
  const pids = bottomUp(directory).flatMap(pidsIn)
  const who = pids.length > 0 ? `processes ${pids.join(', ')} do not end` : 'something still holds it'
  return new UsageError(
    `the cgroup ${directory} cannot be removed: ${who}; see /proc/PID/stack, then rmdir ${directory}`,
  )
}

/** Removes a group that others may share, if nothing is in it (any more). Says whether it has gone. */
export const removeIfEmpty = (directory: string): boolean =>
  attempt('unlinkat', [AT.FDCWD, directory, AT.REMOVEDIR]) === 0
