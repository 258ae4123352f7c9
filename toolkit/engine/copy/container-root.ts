// The files of a container as it sees them, with its volumes. While it runs: through its first process. When it does not:
// a process of ours mounts them in a mount namespace of its own, and shows them as long as we want; nothing is mounted
// on the host, and should we be killed, all of it goes with that process.
import { closeSync, existsSync, openSync } from 'node:fs'
import { O } from '../../kernel/constants.ts'
import { start } from '../../kernel/start.ts'
import { type Plan, step } from '../../kernel/step.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import type { Mount } from '../../primitives/mount.ts'
import * as mount from '../../primitives/mount.ts'
import * as pid from '../../primitives/pid.ts'
import type { IdMapping, Mappings } from '../../primitives/user.ts'
import { holdProcess, settled } from '../life/lifecycle.ts'
import { planRootfs } from '../rootfs.ts'
import { lock } from '../state/files.ts'
import { type ContainerRow, findContainer } from '../state/list.ts'
import { type ContainerState, directoryOf, exclusively, idsIn } from '../state/store.ts'
import type { DriverOptions } from '../volume/driver-options.ts'
import { asMount } from '../volume/mounts.ts'
import { dataOf, optionsOf } from '../volume/store.ts'
import { mountsOf } from '../volume/uses.ts'
import { planMounts } from '../volume/volumes.ts'

export interface ContainerRoot {
  /** Its root directory, O_PATH. */
  readonly fd: number
  /** Its users, where they are not the host's. */
  readonly users: Mappings | undefined
  close(): void
}

/** Opens the files of a container. Throws a UsageError (exit code 1), and KernelError. */
export async function openContainer(word: string): Promise<ContainerRoot> {
  const row = findContainer(word)
  const { state } = row
  if (!state) throw new UsageError(`container ${word}: ${row.problem ?? 'its state cannot be read'}`, 1)
  const users = state.options?.namespaces.users
  const pidfd = holdProcess(state)
  if (pidfd === undefined) {
    await settled(row.id) // it may have ended just now, and its monitor is still at it
    return openEnded(row, state, users)
  }
  try {
    const fd = openSync(`/proc/${state.pid}/root`, O.PATH + O.DIRECTORY + O.CLOEXEC)
    const still = holdProcess(state) // so it was its own, and no other's with its number
    if (still === undefined) {
      closeSync(fd)
      throw new UsageError(`container ${word} has just ended`, 1)
    }
    closeSync(still)
    return { fd, users, close: () => closeSync(fd) }
  } finally {
    closeSync(pidfd)
  }
}

const STANDING = 'mounted'

function openEnded(row: ContainerRow, state: ContainerState, users: Mappings | undefined): ContainerRoot {
  const { id } = row
  const directory = directoryOf('ended', id)
  const held = exclusively(() => (idsIn('ended').includes(id) ? lock(`${directory}/lock`, { wait: false }) : undefined))
  if (held === undefined) throw new UsageError(`container ${id}: another command is at it; try again`, 1)
  const descriptors = new Map<string, number>()
  const release = () => {
    for (const fd of descriptors.values()) closeSync(fd)
    closeSync(held)
  }
  try {
    const plan = planView(row, state, users)
    for (const action of plan.before ?? []) action.apply({ descriptors })
    const process = start(plan, { descriptors })
    for (let gate = process.next(); gate !== STANDING; gate = process.next()) process.open()
    const fd = openSync(`/proc/${process.pid}/root`, O.PATH + O.DIRECTORY + O.CLOEXEC)
    return {
      ...{ fd, users },
      close() {
        closeSync(fd)
        process.abort()
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

/** Where they cannot be read, its directory is shown: `system check` says so. */
function optionsKnown(volume: string): DriverOptions {
  try {
    return optionsOf(volume)
  } catch {
    return {}
  }
}

/** What was mounted for it and is not in memory, as far as it is still there. */
const lasting = (row: ContainerRow): Mount[] =>
  mountsOf(row).flatMap(entry => {
    const bind = entry.type === 'volume' ? asMount(entry, optionsKnown(entry.source)) : entry
    return bind.type === 'bind' && existsSync(bind.source) ? [bind] : []
  })

function planView(row: ContainerRow, { id, rootfs }: ContainerState, users: Mappings | undefined): Plan {
  const directory = directoryOf('ended', id)
  const layers = { lower: [rootfs], upper: `${directory}/upper`, work: `${directory}/work`, volatile: false }
  const root = planRootfs({ layers, target: `${directory}/merged`, ...(users && { mappings: users }) })
  const mounts = lasting(row)
  const volumes = mountsOf(row).flatMap(({ type, source }) => (type === 'volume' ? [dataOf(source)] : []))
  const { before, early, late } = planMounts(mounts, { volumes })
  return {
    before: [...root.before, ...before],
    namespaces: [mount.namespace],
    steps: [
      ...pid.dieWithParent(),
      ...mount.makePrivate(),
      ...root.steps,
      ...early,
      ...late,
      { gate: STANDING },
      step('exit_group', [0], { why: 'that was all', lesson: '20-engine', shell: '' }),
    ],
  }
}

const other = (map: readonly IdMapping[] | undefined, id: number, from: 'containerID' | 'hostID'): number => {
  const range = map?.find(range => id >= range[from] && id < range[from] + range.size)
  return range ? id - range[from] + range[from === 'hostID' ? 'containerID' : 'hostID'] : id
}

/** Who somebody of the host is in the container, and the other way round. One who is nobody there keeps his number. */
export const insideIds = (users: Mappings | undefined) => ({
  uid: (id: number) => other(users?.uidMappings, id, 'hostID'),
  gid: (id: number) => other(users?.gidMappings, id, 'hostID'),
})
export const outsideIds = (users: Mappings | undefined) => ({
  uid: (id: number) => other(users?.uidMappings, id, 'containerID'),
  gid: (id: number) => other(users?.gidMappings, id, 'containerID'),
})
