// What labs have outside of their namespaces: their cgroups, written down before they are made. An owner that was killed
// lets go of its lock, and whoever comes next removes what it has left; pids can mislead, a lock cannot.
//
//   STATE/labs/NAME    held (flock) while the lab lives; NAME says who has it, see observe/lab-name.ts
import { closeSync, fstatSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { isLabName, labName } from '../../observe/lab-name.ts'
import { removeCgroup } from '../cgroup/cgroup.ts'
import { entries, lock, makeTree } from '../state/files.ts'
import { writing } from '../state/store.ts'

export const labsDir = (): string => `${stateDir()}/labs`

export interface LabRecord {
  readonly name: string
  /** Writes down groups that are about to be made, in place of those before. */
  write(directories: readonly string[]): void
  /** The lab is gone: removes its groups, and the record. Throws a UsageError where they cannot be; a sweep tries again. */
  remove(): void
}

let count = 0

/** Takes a name for a lab. Throws a UsageError where the state cannot be written. */
export function createRecord(): LabRecord {
  const name = labName(++count)
  const path = `${labsDir()}/${name}`
  const held = writing(() => {
    makeTree(labsDir())
    return hold(path)
  })
  let cgroups: readonly string[] = []
  return {
    name,
    write(directories) {
      cgroups = directories
      const text = `${JSON.stringify({ cgroups })}\n`
      writing(() => {
        writeSync(held, text) // at the end, which the last line is
      })
    },
    remove() {
      try {
        removeCgroup(cgroups)
        rmSync(path, { force: true })
      } finally {
        closeSync(held)
      }
    },
  }
}

/** Makes and locks the record. A sweep may find it before it is locked, and take it away. */
function hold(path: string): number {
  for (;;) {
    const fd = lock(path, { wait: true })!
    if (fstatSync(fd).nlink > 0) return fd
    closeSync(fd)
  }
}

/** The groups in the last whole line of a record, as far as they bear its name. */
function groupsIn(path: string): string[] {
  const [last = ''] = readFileSync(path, 'utf8').split('\n').slice(-2)
  try {
    const { cgroups } = JSON.parse(last) as { cgroups: unknown[] }
    return cgroups.map(String).filter(directory => basename(directory) === basename(path))
  } catch {
    return [] // written before the groups are made: there are none
  }
}

/** Removes what labs have left whose owners were killed. What cannot be removed stays written down, for next time. */
export function sweepLabs(): void {
  for (const name of entries(labsDir()).filter(isLabName)) {
    const path = `${labsDir()}/${name}`
    const fd = lock(path, { wait: false })
    if (fd === undefined) continue
    try {
      removeCgroup(groupsIn(path))
      rmSync(path, { force: true })
    } catch {
      // next time
    } finally {
      closeSync(fd)
    }
  }
}
