// How the checks of lessons 9 to 11 look at the cgroups of a lab, on v1 and on v2.
import { existsSync } from 'node:fs'
import { type CgroupFigures, readCgroup } from '../toolkit/observe/cgroup-figures.ts'
import { cgroupsBelow } from '../toolkit/observe/cgroups.ts'
import type { Stat } from '../toolkit/observe/process.ts'
import { type Host, no, type Scene, type Verdict } from './lesson.ts'
import { labProcesses } from './look.ts'

export type Controller = 'pids' | 'memory' | 'cpu' | 'cpuset' | 'freezer' | 'devices'

/** Where the learner finds the groups of a controller. */
export const topIn = ({ cgroups }: Host, controller: Controller): string =>
  cgroups === 'v1' ? `/sys/fs/cgroup/${controller}` : '/sys/fs/cgroup'

/** A file by which the hierarchy of a controller is known: on v1, and on v2. A hybrid machine has the second, too. */
const MARKS: Readonly<Record<Controller, readonly [string, string]>> = {
  pids: ['pids.max', 'pids.max'],
  memory: ['memory.limit_in_bytes', 'memory.max'],
  cpu: ['cpu.cfs_quota_us', 'cpu.max'],
  cpuset: ['cpuset.cpu_exclusive', 'cpuset.cpus.effective'],
  freezer: ['freezer.state', 'cgroup.freeze'],
  devices: ['devices.list', 'cgroup.freeze'], // v2 has no file for them
}

function topOf({ lab, host }: Scene, controller: Controller): string | undefined {
  const mark = MARKS[controller][host.cgroups === 'v1' ? 0 : 1]
  return lab.cgroups.find(directory => existsSync(`${directory}/${mark}`))
}

export interface Group extends CgroupFigures {
  /** From the top, as in cedar or cedar/inner. */
  readonly name: string
  /** Where the host finds it. */
  readonly directory: string
  /** Those of the lab's processes that are in it or below. */
  readonly members: readonly Stat[]
}

/** A group by its name from the top; undefined where there is none. */
export function readGroup(scene: Scene, controller: Controller, name: string): Group | undefined {
  const top = topOf(scene, controller)
  const directory = `${top}/${name}`
  if (top === undefined || !existsSync(directory)) return undefined
  const figures = readCgroup([directory])
  const inside = new Set(figures.processes)
  return { name, directory, ...figures, members: labProcesses(scene).filter(({ pid }) => inside.has(pid)) }
}

/** Why there is no such group, and what there is instead. */
export function missing(scene: Scene, controller: Controller, name: string): Verdict {
  const top = topOf(scene, controller)
  const there = (top === undefined ? [] : cgroupsBelow(top)).map(path => path.slice(top!.length + 1))
  const names = there.filter(other => other !== 'lab')
  return no(
    `there is no group ${topIn(scene.host, controller)}/${name}; ${names.length ? `only lab and ${names.join(', ')}` : 'only lab'}`,
  )
}

/** A value as a number. Throws where it is a name: of a plan that is read without a lab, see placeholders.ts. */
export function numberFrom(value: string | undefined): number {
  if (!/^\d+$/.test(value ?? '')) throw new RangeError(`${value} is no number`)
  return Number(value)
}

/** As in 1 process, 3 processes. */
export const counted = (count: number, noun: string): string =>
  `${count} ${count === 1 ? noun : noun.endsWith('s') ? `${noun}es` : `${noun}s`}`
