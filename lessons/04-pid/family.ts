// What the checks of this lesson look at: pid namespaces in the lab, and the family that the set-up has made in one.
import { type NamespaceId, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { children, type Process, readProcess, type Stat } from '../../toolkit/observe/process.ts'
import type { Scene } from '../lesson.ts'
import { labProcesses } from '../look.ts'

export interface Member extends Process {
  readonly pidNamespace: NamespaceId
}

/** The number that a process has in its own pid namespace, and in the lab's. */
export const innerPid = ({ nsPid }: Process): number => nsPid.at(-1)!
export const labPid = (scene: Scene, { nsPid }: Process): number =>
  nsPid[(readProcess(scene.lab.pid)?.nsPid.length ?? 1) - 1]!

export interface Family {
  readonly first: Process
  /** Zombies too. */
  readonly others: readonly Process[]
}

const isSleep = ({ argv }: Process, time: string | undefined): boolean => argv[0] === 'sleep' && argv[1] === time

/** The namespace that the lab had before the learner came; undefined where its first process has ended. */
export function family(scene: Scene): Family | undefined {
  const first = labProcesses(scene)
    .map(({ pid }) => readProcess(pid))
    .find(process => process && isSleep(process, scene.values.guard) && innerPid(process) === 1)
  if (!first) return undefined
  const others = children(first.pid).map(({ pid }) => readProcess(pid))
  return { first, others: others.filter(process => process !== undefined) }
}

/** Those of the lab's processes that are in another pid namespace than the lab, without that family. */
export function apart(scene: Scene): Member[] {
  const lab = readNamespaces(scene.lab.pid)?.pid.inode
  const theirs = namespaceOf(family(scene)?.first)?.inode
  return labProcesses(scene).flatMap(({ pid }) => {
    const process = readProcess(pid)
    const pidNamespace = namespaceOf(process)
    if (!process || !pidNamespace || [lab, theirs].includes(pidNamespace.inode)) return []
    return [{ ...process, pidNamespace }]
  })
}

const namespaceOf = (process: Stat | undefined): NamespaceId | undefined => process && readNamespaces(process.pid)?.pid
