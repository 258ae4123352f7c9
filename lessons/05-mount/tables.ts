// What the checks of this lesson look at: the mount tables in the lab that are not the lab's.
import { type Mount, mountOver, readMounts } from '../../toolkit/observe/mounts.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import type { Scene } from '../lesson.ts'
import { labProcesses } from '../look.ts'

export interface Table {
  readonly process: Stat
  readonly mounts: readonly Mount[]
}

export const labMounts = (scene: Scene): Mount[] => readMounts(scene.lab.pid) ?? []

/** The processes of the lab with a mount table that is not the lab's, and what they see in it. */
export function apart(scene: Scene): Table[] {
  const ours = readNamespaces(scene.lab.pid)?.mnt.inode
  return labProcesses(scene).flatMap(process => {
    const mounts = readMounts(process.pid)
    const own = readNamespaces(process.pid)?.mnt.inode
    return mounts === undefined || own === undefined || own === ours ? [] : [{ process, mounts }]
  })
}

/** The uppermost mount exactly there. */
export function at(mounts: readonly Mount[], path: string): Mount | undefined {
  const mount = mountOver(mounts, path)
  return mount?.mountPoint === path ? mount : undefined
}

/** Whether something of this name is mounted there. */
export const has = (mounts: readonly Mount[], path: string, source: string | undefined): boolean =>
  at(mounts, path)?.source === source
