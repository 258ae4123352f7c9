// What the checks of this lesson look at: the processes of the lab that have a world of their own, finished or not.
import { O } from '../../toolkit/kernel/constants.ts'
import { readCapabilities } from '../../toolkit/observe/capabilities.ts'
import { readCgroup } from '../../toolkit/observe/cgroup-figures.ts'
import { directoriesOf } from '../../toolkit/observe/cgroups.ts'
import { descriptorKind } from '../../toolkit/observe/descriptors.ts'
import {
  compareNamespaces,
  type NamespaceType,
  procNamespace,
  readNamespaces,
} from '../../toolkit/observe/namespaces.ts'
import { readStat, rootOf, type Stat } from '../../toolkit/observe/process.ts'
import { list, readLink, readText } from '../../toolkit/observe/read.ts'
import { readSeccomp } from '../../toolkit/observe/seccomp.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import type { Scene } from '../lesson.ts'
import { isUnderway, labProcesses } from '../look.ts'

export interface Container {
  readonly process: Stat
  readonly hostname: string | undefined
  /** The types of namespace that it doesn't share with the lab. */
  readonly apart: readonly NamespaceType[]
  /** Its root directory is another than the lab's. */
  readonly ownRoot: boolean
  /** It carries out the engine's steps, and its program hasn't begun. */
  readonly underway: boolean
  /** … and waits for an engine that has halted. */
  readonly standing: boolean
  /** Capabilities that it can ever have, or has. */
  readonly rights: readonly string[]
  readonly filtered: boolean
  /** It is in another cgroup than the lab's first process. */
  readonly ownGroup: boolean
  /** Of its cgroup; undefined where there is no such controller. */
  readonly most: number | undefined
  /** Its /proc shows its own pid namespace. */
  readonly procFits: boolean
}

/**
 * Whether an engine has halted: stopped by its shell, or with the terminal open to read a key. It has it open only then;
 * what else it has of the terminal are 0, 1 and 2; and without root /dev/tty as a mount for the container, not opened (O_PATH).
 */
function halted(engine: number): boolean {
  if (readStat(engine)?.state === 'T') return true
  const isOpen = (fd: string) => {
    const [, flags = '0'] = /^flags:\s*(\d+)$/m.exec(readText(`/proc/${engine}/fdinfo/${fd}`) ?? '') ?? []
    return (Number.parseInt(flags, 8) & O.PATH) === 0
  }
  const further = list(`/proc/${engine}/fd`).filter(fd => Number(fd) > 2 && isOpen(fd))
  return further.some(fd => descriptorKind(readLink(`/proc/${engine}/fd/${fd}`) ?? '') === 'terminal')
}

/** The lab's processes with a host name of their own namespace; the file in memory that carries steps out is a runner. */
export function containers(scene: Scene): Container[] {
  const lab = readNamespaces(scene.lab.pid)
  const root = rootOf(scene.lab.pid)?.id
  const labGroups = new Set(directoriesOf(scene.lab.pid))
  if (!lab) return []
  return labProcesses(scene).flatMap(process => {
    const standing = halted(process.ppid) // first: what is read afterwards is read of one that stands
    const own = readNamespaces(process.pid)
    const apart = own ? compareNamespaces(lab, own) : []
    const capabilities = readCapabilities(process.pid)
    const groups = directoriesOf(process.pid)
    if (!own || !capabilities || !apart.includes('uts')) return []
    return {
      process,
      apart,
      hostname: readUts(process.pid)?.hostname,
      ownRoot: rootOf(process.pid)?.id !== root,
      standing,
      underway: isUnderway(process.pid),
      rights: [...new Set([...capabilities.bounding, ...capabilities.permitted])],
      filtered: readSeccomp(process.pid)?.mode === 'filter',
      ownGroup: groups.some(directory => !labGroups.has(directory)),
      most: readCgroup(groups).pids?.limit,
      procFits: procNamespace(process.pid)?.inode === own.pid.inode,
    }
  })
}

/** All that root of the lab can have. */
export const allRights = (scene: Scene): readonly string[] => readCapabilities(scene.lab.pid)?.bounding ?? []

/** Which of these types it still shares with the lab. */
export const lacking = ({ apart }: Container, types: readonly NamespaceType[]): NamespaceType[] =>
  types.filter(type => !apart.includes(type))

export const limitText = (most: number | undefined): string =>
  most === undefined || most === Number.POSITIVE_INFINITY ? 'without limit' : `at most ${most}`
