// Control groups: processes in directories, and limits on all in a directory together. cgroups(7).
//
// On v1 each controller, or a few together, has a hierarchy of directories of its own, and a process is moved into one
// group of each. On v2 there is one hierarchy; a group has those controllers that the group above passes on
// (cgroup.subtree_control), and a new process can be born in it (CLONE_INTO_CGROUP in clone(2)).
import { readFileSync } from 'node:fs'
import { type Action, callAction, writeAction } from '../kernel/action.ts'
import { attempt, invoke } from '../kernel/call.ts'
import { AT, O } from '../kernel/constants.ts'
import { ERRNO } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '08-cgroup-time'

/** A group that is to be made. */
export interface Group {
  readonly version: 1 | 2
  /** v1: of its hierarchy. v2: those that it is to have. */
  readonly controllers: readonly string[]
  /** From the top to the bottom; the last is the group itself, and must be new. What the first one lies in is there. */
  readonly directories: readonly string[]
  /** v2: a group above whose processes must leave it before it can pass controllers on. */
  readonly evacuate?: string
  /** v2: which groups must pass on which controllers for it, from the top to the bottom. */
  readonly enable?: readonly Passing[]
  /** v2: the same groups and those that had nothing to add, with all that each must pass on. */
  readonly passing?: readonly Passing[]
}

/** A v2 group that passes controllers on to those below it. */
export interface Passing {
  readonly directory: string
  readonly controllers: readonly string[]
}

/** The name of the descriptor of a v2 group, for `Plan.cgroup`. */
export const CGROUP = 'cgroup'

export const directoryOf = ({ directories }: Group): string => directories.at(-1)!

/** What the engine does outside before there is a process: makes the groups, ready to take one. */
export function create(groups: readonly Group[]): Action[] {
  return groups.flatMap(group => [
    directoryAction(group),
    ...(group.evacuate ? [evacuate(group.evacuate)] : []),
    ...(group.enable ?? []).map(enabled => passOn(enabled, group.passing ?? [])),
    ...(group.version === 1 && group.controllers.includes('cpuset') ? [inheritCpuset(group)] : []),
    ...(group.version === 2 ? [open(group)] : []),
  ])
}

const TRIES = 100 // times that somebody else may remove the group above between our two calls

/**
 * Makes the directories. One that is above may be shared with other containers, and be removed by the last of them at
 * any time: then it is made again. The group itself must be new: what is in it would get our limits and our end.
 */
function directoryAction({ directories }: Group): Action {
  const above = directories.slice(0, -1)
  const group = directories.at(-1)!
  return {
    text: `mkdir("${group}", 0755)`,
    why: 'a group of its own: what is limited, counted and stopped together',
    lesson,
    shell: `mkdir -p ${group}`,
    apply() {
      for (let tries = 0; ; tries++) {
        const args = [AT.FDCWD, group, 0o755]
        const error = -attempt('mkdirat', args)
        if (error === 0) return
        if (error === ERRNO.EEXIST) throw taken(group)
        if (error !== ERRNO.ENOENT || tries === TRIES) throw new KernelError('mkdirat', args, error)
        for (const directory of above) makeShared(directory)
      }
    },
  }
}

/** The mark of a group that was made for those in it. xattr(7): trusted.* is for root, user.* (Linux 5.7, v2) for others. */
const MARKS = ['trusted.toolkit', 'user.toolkit'] as const

/** Whether a group was made by `create`, as one above those that were asked for. */
export const isMarked = (directory: string): boolean =>
  MARKS.some(mark => attempt('lgetxattr', [directory, mark, Buffer.alloc(1), 1]) === 1)

function makeShared(directory: string): void {
  const args = [AT.FDCWD, directory, 0o755]
  const error = -attempt('mkdirat', args)
  if (error === 0) MARKS.some(mark => attempt('lsetxattr', [directory, mark, Buffer.from('1'), 1, 0]) === 0)
  if (error !== 0 && error !== ERRNO.EEXIST && error !== ERRNO.ENOENT) throw new KernelError('mkdirat', args, error)
}

/** The refusal of a group that somebody else has made. */
export const taken = (group: string): UsageError =>
  new UsageError(
    `the cgroup ${group} is there already, and what runs in it is not ours; choose another name, or remove it: rmdir ${group}`,
  )

/** Moves all processes of a group into one of their own beside the containers'; podman calls it so, too. */
function evacuate(directory: string): Action {
  const target = `${directory}/supervisor`
  return {
    text: `mkdir("${target}", 0755), write("${target}/cgroup.procs", each of ${directory}/cgroup.procs)`,
    why: 'a group holds processes or passes controllers on, never both; this one, our own, is to pass them on',
    lesson,
    shell: `mkdir ${target}; while read pid; do echo $pid > ${target}/cgroup.procs; done < ${directory}/cgroup.procs`,
    apply() {
      makeShared(target)
      for (let tries = 0; tries < TRIES; tries++) {
        const pids = readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean)
        if (pids.length === 0) return
        const fd = invoke('openat', [AT.FDCWD, `${target}/cgroup.procs`, O.WRONLY | O.CLOEXEC, 0])
        for (const pid of pids) attempt('write', [fd, pid, pid.length]) // ESRCH: it has ended
        attempt('close', [fd])
      }
    },
  }
}

/**
 * What no group below has taken yet, systemd may take back at any moment, as it does when it starts a service: ENOENT.
 * Then once more from the top; what the lowest has, it can keep.
 */
function passOn(passing: Passing, all: readonly Passing[]): Action {
  const action = enable(passing)
  const above = all.slice(
    0,
    all.findIndex(({ directory }) => directory === passing.directory),
  )
  return {
    ...action,
    apply(context) {
      for (let tries = 0; ; tries++) {
        try {
          if (tries > 0) for (const group of above) enable(group).apply(context)
          action.apply(context)
          return
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES) throw error
        }
      }
    },
  }
}

function enable({ directory, controllers }: Passing): Action {
  const words = controllers.map(name => `+${name}`).join(' ')
  return writeAction(`${directory}/cgroup.subtree_control`, words, {
    why: 'a group has only the controllers that the one above passes on',
    lesson,
    shell: `echo ${words} > ${directory}/cgroup.subtree_control`,
  })
}

/** A v1 cpuset group is born without processors and memory nodes, and takes no process before it has both. */
function inheritCpuset({ directories }: Group): Action {
  const files = ['cpuset.cpus', 'cpuset.mems']
  return {
    text: `cp ${files.map(file => `../${file}`).join(' ')} in each of ${directories.join(', ')}`,
    why: 'a new group of this controller has no processors and no memory nodes: no process could run in it',
    lesson: '11-limits',
    shell: directories.map(path => files.map(file => `cat ${path}/../${file} > ${path}/${file}`).join('; ')).join('; '),
    apply(context) {
      for (const file of files) {
        let top = directories.length // the uppermost that is empty; usually only the new group itself
        let inherited = ''
        while (inherited === '' && top > 0) inherited = readFileSync(`${directories[--top]}/../${file}`, 'utf8').trim()
        for (const path of directories.slice(top))
          writeAction(`${path}/${file}`, inherited, { why: '', lesson: '11-limits', shell: '' }).apply(context)
      }
    },
  }
}

const open = (group: Group): Action =>
  callAction(
    step('openat', [AT.FDCWD, directoryOf(group), O.RDONLY | O.DIRECTORY | O.CLOEXEC, 0], {
      why: 'clone3 takes the group as a descriptor: the process is born in it, and no time passes outside',
      lesson,
      shell: '',
    }),
    CGROUP,
  )

/**
 * Joins v1 groups; for a new process that has one thread, before it has another root. It writes 0, itself, to `tasks`:
 * to move a whole process (cgroup.procs) the kernel stops all forks of the machine for a moment, which waits for an RCU
 * grace period, about 10 ms; a single thread that moves itself needs nothing of the kind. Uses descriptor 3.
 */
export function join(directories: readonly string[]): Step[] {
  const inside = { lesson, shell: '' } as const
  return [
    step('close_range', [3, 3, 0], { ...inside, why: 'makes 3 the lowest free descriptor, so that openat returns it' }),
    ...directories.flatMap(directory => [
      step('openat', [AT.FDCWD, `${directory}/tasks`, O.WRONLY | O.CLOEXEC, 0], {
        ...inside,
        why: 'the list of threads in the group',
      }),
      step('write', [3, '0', 1], {
        lesson,
        why: 'joins the group; whatever this process starts is born in it',
        shell: `echo $$ > ${directory}/cgroup.procs`,
      }),
      step('close', [3], { ...inside, why: 'the list has served' }),
    ]),
  ]
}
