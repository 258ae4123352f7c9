// --ipc container:NAME and --pid container:NAME: namespaces of a container that runs, instead of new ones. Shared memory
// has two halves: System V's and POSIX queues live in the IPC namespace; what goes by file name lives in the file system
// that is mounted at /dev/shm, and that has to be seen by both.
import { closeSync, openSync } from 'node:fs'
import type { Action } from '../kernel/action.ts'
import { invoke } from '../kernel/call.ts'
import { AT, CLONE, OPEN_TREE } from '../kernel/constants.ts'
import { start } from '../kernel/start.ts'
import { type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import * as bind from '../primitives/bind.ts'
import type { RunOptions } from './options.ts'
import { findContainer } from './state/list.ts'
import { type ContainerState, survives } from './state/store.ts'

export interface SharedNamespaces {
  readonly namespaces: RunOptions['namespaces']
  /** For `Plan.before`. */
  readonly before: readonly Action[]
  /** Mounts the other's /dev/shm, when there is a /dev. */
  readonly steps: readonly Step[]
}

type Type = 'ipc' | 'pid'

/** Throws a UsageError where there is no such container, it does not run, or does not share. */
export function shareNamespaces(namespaces: RunOptions['namespaces']): SharedNamespaces {
  const ipc = other('ipc', namespaces.ipc)
  const pid = other('pid', namespaces.pid)
  if (ipc && !isShareable(ipc))
    throw new UsageError(
      `run: --ipc container:${ipc.name}: its IPC namespace is private; make it with --ipc shareable to let others in`,
    )
  const path = (type: Type, state: ContainerState | undefined) =>
    state && { path: `/proc/${state.pid}/ns/${type}`, container: state.id }
  return {
    namespaces: {
      ...namespaces,
      ipc: path('ipc', ipc) ?? namespaces.ipc,
      pid: path('pid', pid) ?? namespaces.pid,
    },
    before: ipc ? [takeSharedMemory(ipc.pid!)] : [],
    steps: ipc ? [...bind.mountPoint('/dev/shm', 'directory', 'refuse'), ...bind.attach(SHARED)] : [],
  }
}

const isShareable = ({ options }: ContainerState): boolean => options?.namespaces.ipc === 'shareable'

function other(type: Type, mode: RunOptions['namespaces'][Type]): ContainerState | undefined {
  if (typeof mode === 'string' || !('container' in mode)) return undefined
  const refuse = (why: string) => new UsageError(`run: --${type} container:${mode.container}: ${why}`)
  try {
    const { state } = findContainer(mode.container)
    if (state && survives(state)) return state
  } catch (error) {
    throw error instanceof UsageError ? refuse(error.message) : error
  }
  throw refuse('it does not run')
}

const SHARED = 'shared-memory'
const GATE = 'copied'
const COPY = 3

/**
 * A mount can be copied only by who is in its mount namespace. That is no place for the engine: a process of system calls
 * goes there, makes the copy, and waits until the engine has taken the descriptor from it.
 */
const takeSharedMemory = (pid: number): Action => ({
  text: `${SHARED} = open_tree(AT_FDCWD, "/dev/shm", OPEN_TREE_CLONE) in the mount namespace of ${pid}`,
  why: 'shared memory by name is the files below /dev/shm: both containers are to see the same ones',
  lesson: '03-ipc',
  shell: `nsenter --mount --target ${pid} mount --bind /dev/shm …`,
  apply({ descriptors }) {
    const there = openSync(`/proc/${pid}/ns/mnt`, 'r')
    const about = { lesson: '03-ipc', shell: '', why: 'to copy the mount where it is' } as const
    try {
      const copying = start(
        {
          namespaces: [],
          steps: [
            step('setns', [{ descriptor: 'there' }, CLONE.NEWNS], about),
            step('close_range', [COPY, COPY, 0], about),
            step('open_tree', [AT.FDCWD, '/dev/shm', OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC], about),
            { gate: GATE },
            step('exit_group', [0], about),
          ],
        },
        { descriptors: new Map([['there', there]]) },
      )
      copying.next()
      try {
        descriptors.set(SHARED, invoke('pidfd_getfd', [copying.pidfd, COPY, 0]))
      } finally {
        copying.abort()
      }
    } finally {
      closeSync(there)
    }
  },
})
