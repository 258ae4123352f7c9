// The name that everything of a lab bears outside of it: its cgroups, and its record in the state directory. It says
// whose it is, so that two who look at one machine do not take each other's labs for something left behind.
import { isAlive, readStat } from './process.ts'

const NAME = /(?:^|\/)lab-(\d+)-(\d+)-\d+(?:\/|$)/

/** The name of this process's lab number `count`. */
export const labName = (count: number): string => `lab-${process.pid}-${readStat(process.pid)!.startTime}-${count}`

/** Whether this is the name of a lab. */
export const isLabName = (name: string): boolean => !name.includes('/') && NAME.test(name)

/** The pid of whoever has the lab that a path belongs to, if he lives; undefined where it is no lab's, or nobody's any more. */
export function labOwner(path: string): number | undefined {
  const [, pid, startTime] = NAME.exec(path) ?? []
  return pid !== undefined && isAlive(Number(pid), Number(startTime)) ? Number(pid) : undefined
}
